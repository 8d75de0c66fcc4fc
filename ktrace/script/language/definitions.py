"""Definitions in a script: probes, aliases, functions and globals. Their bodies are nodes of `ast`."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from ktrace.records import dataclass
from ktrace.script.language.ast import Block, Expr, Kind, Number, Text
from ktrace.script.language.source import Located


@dataclass(frozen=True, slots=True, eq=False)
class Component(Located):
    """One part of a probe point: `function("x")`, `timer`, `syscall`; the name may hold wildcards."""

    name: str
    arg: int | str | None = None

    def __str__(self) -> str:
        if self.arg is None:
            return self.name
        return f'{self.name}("{self.arg}")' if isinstance(self.arg, str) else f"{self.name}({self.arg})"


@dataclass(frozen=True, slots=True, eq=False)
class Point(Located):
    """A probe point.

    Attributes:
        optional: marked `?`: it is not an error if the point matches nothing.
        sufficient: marked `!`: like `?`; if the point matches, the points after it in the list are skipped.
        condition: the expression of `if (condition)`.
    """

    parts: tuple[Component, ...]
    optional: bool = False
    sufficient: bool = False
    condition: Expr | None = None

    def __str__(self) -> str:
        return ".".join(map(str, self.parts))

    @property
    def may_miss(self) -> bool:
        """Return whether the point is allowed to match nothing."""
        return self.optional or self.sufficient

    @property
    def is_pattern(self) -> bool:
        """Return whether the name of a part contains a wildcard."""
        return any("*" in part.name for part in self.parts)

    def of_function(self, name: str, module: str | None) -> "Point":
        """Return the point with its pattern replaced by one of the functions that match it."""
        head, what, *suffixes = self.parts
        if head.name == "kprobe" and what.name == "module":
            head, what, *suffixes = (what, *suffixes)
        owner = Component(head.at, "kernel") if module is None else Component(head.at, "module", module)
        return replace(self, parts=(owner, replace(what, arg=name), *suffixes))


@dataclass(frozen=True, slots=True, eq=False)
class Probe(Located):
    """`probe points { body }`."""

    points: tuple[Point, ...]
    body: Block


@dataclass(frozen=True, slots=True, eq=False)
class Alias(Located):
    """`probe names = points { body }`, or `probe names = points { body }, { ending }`.

    The body runs before the user's handler, or after it with `+=` (`epilogue`). The ending runs after it.
    """

    names: tuple[Point, ...]
    points: tuple[Point, ...]
    body: Block
    epilogue: bool
    ending: Block | None = None

    @property
    def bodies(self) -> tuple[Block, ...]:
        """Return its blocks, in the order of the text."""
        return (self.body,) if self.ending is None else (self.body, self.ending)


@dataclass(frozen=True, slots=True, eq=False)
class Global(Located):
    """A global variable.

    Attributes:
        size: the maximum number of elements (`name[size]`); None means MAXMAPENTRIES.
        wrap: whether a full array drops its oldest element (`name%`).
    """

    name: str
    initial: Number | Text | None = None
    size: int | None = None
    wrap: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Param(Located):
    """A function's parameter, with its type if the script declares one."""

    name: str
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Function(Located):
    """A script's function.

    Attributes:
        priority: order among functions with the same name and number of parameters. The smallest is called
            first; its `next` calls the following one.
    """

    name: str
    params: tuple[Param, ...]
    kind: Kind | None
    body: Block
    priority: int = 0


Functions: TypeAlias = Mapping[tuple[str, int], Function]
"""Functions by their name and number of parameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """All definitions in a text, each kind in the order of the text."""

    globals: tuple[Global, ...] = ()
    functions: tuple[Function, ...] = ()
    probes: tuple[Probe, ...] = ()
    aliases: tuple[Alias, ...] = ()

    def __add__(self, other: "Script") -> "Script":
        return Script(
            self.globals + other.globals,
            self.functions + other.functions,
            self.probes + other.probes,
            self.aliases + other.aliases,
        )

    @property
    def global_names(self) -> frozenset[str]:
        """Return the names of the global variables."""
        return frozenset(one.name for one in self.globals)
