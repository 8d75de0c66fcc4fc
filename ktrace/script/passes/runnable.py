"""A compiled script without its syntax tree: all that a run of it needs.

A program that is kept for the next start is one of these, so this module imports nothing of the compiler.
"""

from collections.abc import Sequence
from types import CodeType

from ktrace.records import dataclass
from ktrace.script.kernel_interface import Found, Read
from ktrace.script.language.sites import Site
from ktrace.script.language.source import Spot
from ktrace.script.passes.counted import Counted
from ktrace.script.passes.emitted import Emitted
from ktrace.script.passes.pushed import Pushed


@dataclass(frozen=True, slots=True)
class Handled:
    """A handler at one probe point, with the events that call it.

    Attributes:
        scope: the name of the scope of its code.
        site: what the probe point describes.
        point: the expanded probe point, as `pp()` returns it.
        asked: the probe point as the script wrote it.
        name: the probe point as `pn()` returns it; empty if that is the point of the event.
        reads, entry_reads: the values that it reads at `found` and at `entries`.
        found: the events that call it; empty for begin, end and timers.
        entries: the entry events at which `@entry` values are read.
        at: the place in the script of what is served or sampled; None for others.
        may_miss: whether the script runs without it if there is no such place.
    """

    scope: str
    site: Site
    point: str
    asked: str
    reads: tuple[Read, ...] = ()
    entry_reads: tuple[Read, ...] = ()
    found: tuple[Found, ...] = ()
    entries: tuple[Found, ...] = ()
    at: Spot | None = None
    may_miss: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class TaskNeeds:
    """Questions of the handlers and functions of a script.

    Attributes:
        names: the name of a task, at an event that does not carry it.
        lives: the parents of processes, or names of other tasks.
        programs: the arguments of programs.
        environment: their environment.
        addresses: names of the kernel's addresses.
    """

    names: bool = False
    lives: bool = False
    programs: bool = False
    environment: bool = False
    addresses: bool = False

    @property
    def any_task(self) -> bool:
        """Return whether tasks must be followed."""
        return self.names or self.lives


@dataclass(frozen=True, slots=True)
class Variable:
    """A global variable.

    Attributes:
        kind: its type; for an array, the type of its values.
        keys: the number of keys of an array's elements; 0 for a plain variable.
        initial: its value at the start; None for the default.
        size: the declared size of an array.
        wrap: whether a full array drops its oldest element.
        histograms: the histograms and variances of an aggregate that the script reads.
    """

    name: str
    kind: str
    keys: int = 0
    initial: int | str | None = None
    size: int | None = None
    wrap: bool = False
    histograms: tuple[tuple[str, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Runnable:
    """A script that can be linked and run. See `Compilation` for values that are not explained here.

    Attributes:
        bound: the handlers.
        variables: the global variables.
        needs: what it asks about tasks that its own events do not carry.
        code: the compiled `emitted.text`; None if it is not compiled yet.
    """

    bound: Sequence[Handled]
    variables: Sequence[Variable]
    emitted: Emitted
    pushed: Pushed
    counted: Counted
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    needs: TaskNeeds = TaskNeeds()
    code: CodeType | None = None
