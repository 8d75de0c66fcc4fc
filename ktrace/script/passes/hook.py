"""Hook: a handler at one probe point, with the values that it reads."""

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import field, replace
from typing import TypeAlias, TypeVar

from ktrace.errors import KtraceError
from ktrace.records import dataclass
from ktrace.script.kernel_interface import Machine, Read
from ktrace.script.language.ast import Block, Expr, Statement
from ktrace.script.language.definitions import Point
from ktrace.script.language.points import Site
from ktrace.script.language.source import ScriptError

T = TypeVar("T")
NOTHING = ""
"""The column of memory that cannot be read, whatever happens: the handler gets 0, or no text."""


@dataclass(slots=True)
class KernelRead:
    """The values that one handler reads.

    Attributes:
        reads: the reads, each once.
        fields: the column name of each expression: `f0`, `e0` if it is evaluated at the entry, or `NOTHING`.
        entries: the expressions that are evaluated at the function's entry.
        entry_reads, entry_fields: the reads and columns of `entries`.
        texts: the expressions that are text.
    """

    reads: list[Read] = field(default_factory=list)
    fields: dict[Expr, str] = field(default_factory=dict)
    entries: list[Expr] = field(default_factory=list)
    entry_reads: list[Read] = field(default_factory=list)
    entry_fields: dict[Expr, str] = field(default_factory=dict)
    texts: dict[Expr, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Hook:
    """One handler at one probe point that is not an alias.

    Attributes:
        point: the expanded probe point.
        site: what the expanded point describes.
        asked: the probe point as the script wrote it.
        named: the same with the wildcards of its words expanded; None for `asked`.
        before, after: the statements of the aliases that were expanded.
        body: the script's own statements.
        conditions: the conditions of `if (condition)`, those of aliases first.
        one_of_many: whether it is one of the functions that match a wildcard.
        wanted: the values that it reads.
        refused: why a pass refused it; the passes after that one skip it.
    """

    point: Point
    site: Site
    asked: Point
    body: Block
    before: tuple[Block, ...] = ()
    after: tuple[Block, ...] = ()
    conditions: tuple[Expr, ...] = ()
    named: Point | None = None
    one_of_many: bool = False
    wanted: KernelRead = field(default_factory=KernelRead)
    refused: KtraceError | None = None

    @property
    def name(self) -> Point:
        """Return the probe point as the script wrote it, with the wildcards of its words expanded."""
        return self.named or self.asked

    @property
    def code(self) -> Block:
        """Return all statements in order."""
        parts: tuple[Statement, ...] = (*self.before, self.body, *self.after)
        return parts[0] if len(parts) == 1 else Block(self.body.at, parts)  # type: ignore[return-value]


Hooks: TypeAlias = tuple[Hook, ...]
"""All hooks of a script, in the order of its text."""


def each(hooks: Hooks, change: Callable[[Hook], Hook]) -> Hooks:
    """Return the hooks, changed one by one. A hook that `change` refuses keeps the error."""

    def changed(hook: Hook) -> Hook:
        if hook.refused is not None:
            return hook
        try:
            return change(hook)
        except KtraceError as error:
            # Only `find_events` knows whether the script can go on without this hook.
            return replace(hook, refused=error)

    return tuple(map(changed, hooks))


def machine_at(point: Point, machine: Machine | None) -> Machine:
    """Return the kernel that a probe point asks for. Raises ScriptError if there is none."""
    if machine is None:
        raise ScriptError(f"'{point}' needs a kernel to be probed", point.at)
    return machine


def asking(point: Point, ask: Callable[[], Sequence[T]]) -> tuple[T, ...]:
    """Return what `ask` returns. If the kernel refuses, name the probe point in the error."""
    try:
        return tuple(ask())
    except ScriptError:
        raise
    except KtraceError as error:
        refused = copy(error)  # the kernel may raise the same error again
        refused.message = f"{point.at}: {point}: {error.message}"
        refused.args = (refused.message,)
        raise refused from error
