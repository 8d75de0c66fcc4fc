"""What a script defines: probes, aliases, functions, globals; their bodies are in `ast`."""

from dataclasses import dataclass, replace

from ktrace.script.language.ast import Block, Expr, Kind, Number, Text
from ktrace.script.language.source import Spot


@dataclass(frozen=True, slots=True, eq=False)
class Component:
    """One part of a probe point: `function("x")`, `timer`, `syscall`; the name may hold wildcards."""

    at: Spot
    name: str
    arg: int | str | None = None

    def __str__(self) -> str:
        if self.arg is None:
            return self.name
        return f'{self.name}("{self.arg}")' if isinstance(self.arg, str) else f"{self.name}({self.arg})"


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A probe point.

    Attributes:
        optional: `?`: nothing may be there.
        sufficient: `!`: if it is there, those after it in the list are left out.
        condition: of `if (condition)`.
    """

    at: Spot
    parts: tuple[Component, ...]
    optional: bool = False
    sufficient: bool = False
    condition: Expr | None = None

    def __str__(self) -> str:
        return ".".join(map(str, self.parts))

    @property
    def may_miss(self) -> bool:
        """Whether the script says that nothing may be there."""
        return self.optional or self.sufficient

    @property
    def is_pattern(self) -> bool:
        """Whether the names of its parts stand for several."""
        return any("*" in part.name for part in self.parts)

    def of_function(self, name: str, module: str | None) -> "Point":
        """The same place of one of the functions that its pattern stands for."""
        head, what, *suffixes = self.parts
        if head.name == "kprobe" and what.name == "module":
            head, what, *suffixes = (what, *suffixes)
        owner = Component(head.at, "kernel") if module is None else Component(head.at, "module", module)
        return replace(self, parts=(owner, replace(what, arg=name), *suffixes))


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """`probe points { body }`."""

    at: Spot
    points: tuple[Point, ...]
    body: Block


@dataclass(frozen=True, slots=True, eq=False)
class Alias:
    """`probe names = points { body }`: body first; with `+=` (`epilogue`) behind the user's handler."""

    at: Spot
    names: tuple[Point, ...]
    points: tuple[Point, ...]
    body: Block
    epilogue: bool


@dataclass(frozen=True, slots=True, eq=False)
class Global:
    """A global variable.

    Attributes:
        size: `name[size]`: elements at most; None leaves MAXMAPENTRIES.
        wrap: `name%`: a full array drops its oldest element.
    """

    at: Spot
    name: str
    initial: Number | Text | None = None
    size: int | None = None
    wrap: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Param:
    """A function's parameter, with a type if one is said."""

    at: Spot
    name: str
    kind: Kind | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A script's function.

    Attributes:
        priority: among functions of one name and as many parameters: the smallest is called first, and says
            `next` to have the following one called.
    """

    at: Spot
    name: str
    params: tuple[Param, ...]
    kind: Kind | None
    body: Block
    priority: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """All that a text defines, each kind in the order of the text."""

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
