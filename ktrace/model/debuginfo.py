"""Results of look-ups in debug info: lines, inlined sites, variables, and where to place a probe."""

from typing import TypeAlias

from ktrace.model.ctype import CType
from ktrace.model.fetch import FetchArg
from ktrace.model.place import SymbolPlace
from ktrace.records import dataclass


@dataclass(frozen=True, slots=True)
class Spot:
    """An instruction that can be probed wherever the kernel was loaded.

    Attributes:
        place: symbol and offset in bytes.
        address: the link-time address. Use it to compare, not to probe: the kernel relocates itself at boot.
        nth: index among the functions of that name, in address order, from 1.
        copies: how many functions have that name; the kernel refuses a name that is not unique.
    """

    place: SymbolPlace
    address: int
    nth: int = 1
    copies: int = 1


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A source line that has code, with the start of each run of its instructions."""

    line: int
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class FunctionLines:
    """A function's lines.

    Attributes:
        function: its name in C; the symbol may have more (`.isra.0`).
        spot: its first instruction; None if it exists only inlined.
        file: the path given to the compiler, relative to `directory`: `fs/read_write.c`.
        directory: where the compiler ran.
        declared: the line of its declaration, from which `FUNCTION:N` counts.
        lines: the lines that can be probed, in order.
    """

    function: str
    spot: Spot | None
    file: str
    directory: str
    declared: int
    lines: tuple[CodeLine, ...]


@dataclass(frozen=True, slots=True)
class FileLines:
    """The lines of a file that can be probed, over all functions and units."""

    file: str
    directory: str
    lines: tuple[CodeLine, ...]


@dataclass(frozen=True, slots=True)
class InlinedSite:
    """One place where a function was inlined.

    Attributes:
        spot: where its code is entered.
        caller: the C function whose source contains the call; it may be inlined itself.
        file, line: of the call.
        size: bytes of code; 0 if all of it was optimised away or merged with the caller's.
    """

    spot: Spot
    caller: str
    file: str
    line: int
    size: int


@dataclass(frozen=True, slots=True)
class FoundFunction:
    """A function that has its own code, and where it was declared."""

    name: str
    spot: Spot
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """The function and line that an address belongs to; an inlined function comes before its caller."""

    function: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class InRegister:
    """The value is in a register, as the kernel names it (`di`)."""

    register: str


@dataclass(frozen=True, slots=True)
class InMemory:
    """The value is in memory, `offsets[0]` bytes after the address in `register`.

    For each further offset, the word found there is the next address. Offsets are in bytes.
    """

    register: str
    offsets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AtSymbol:
    """The value is in memory at a symbol: a static variable. `offset` in bytes."""

    symbol: str
    offset: int


@dataclass(frozen=True, slots=True)
class Constant:
    """The value is a constant that the compiler put into the instructions."""

    value: int


@dataclass(frozen=True, slots=True)
class Absent:
    """No probe can read the value there; `why` is a clause, not a full sentence."""

    why: str


Location: TypeAlias = InRegister | InMemory | AtSymbol | Constant | Absent


def spell(location: Location) -> str | None:
    """Return a location as an expression of Documentation/trace/kprobetrace.rst; None if it is absent."""
    match location:
        case InRegister():
            return f"%{location.register}"
        case InMemory():
            text = f"%{location.register}"
            for offset in location.offsets:
                text = f"{offset:+d}({text})"
            return text
        case AtSymbol():
            return f"@{location.symbol}" + (f"{location.offset:+d}" if location.offset else "")
        case Constant():
            return f"\\{location.value}"
        case Absent():
            return None


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable or parameter that is visible at a place.

    Attributes:
        function: the C function it belongs to; in inlined code, the inlined function.
        type: None if unknown.
        fetch: how a probe there reads it; None if it cannot, or if the type has no fetch type.
        line: the line of its declaration.
    """

    name: str
    type: CType | None
    location: Location
    fetch: FetchArg | None
    is_parameter: bool
    function: str
    line: int


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables at a place, innermost scope first, parameters before the others."""

    spot: Spot
    function: str
    file: str
    line: int
    variables: tuple[Variable, ...]
