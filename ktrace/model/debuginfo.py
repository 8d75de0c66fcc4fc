"""What look-ups in debug info answer with: lines, inlined sites, variables, and where to put a probe."""

from dataclasses import dataclass
from typing import TypeAlias

from ktrace.model.ctype import CType
from ktrace.model.fetch import FetchArg
from ktrace.model.place import SymbolPlace


@dataclass(frozen=True, slots=True)
class Spot:
    """An instruction, as one can probe it wherever the kernel has been loaded.

    Attributes:
        place: symbol and offset in bytes.
        address: as linked: good for comparing, not for probing, since the kernel moves itself at boot.
        nth: which of the functions called like that, in the order of addresses, from 1.
        copies: how many there are; the kernel refuses a name that is not unique.
    """

    place: SymbolPlace
    address: int
    nth: int = 1
    copies: int = 1


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A line of source with code, and where that code begins: once for each run of instructions."""

    line: int
    spots: tuple[Spot, ...]


@dataclass(frozen=True, slots=True)
class FunctionLines:
    """A function's lines.

    Attributes:
        function: its name in C; the symbol may have more (`.isra.0`).
        spot: its first instruction; None of one that exists only inlined.
        file: as the compiler was told, relative to `directory`: `fs/read_write.c`.
        directory: where the compiler ran.
        declared: the line of its declaration, from which `FUNCTION:N` counts.
        lines: in order, those that can be probed.
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
        caller: the C function whose source has the call, itself perhaps inlined.
        file, line: of the call.
        size: bytes of code; 0 where all of it was optimised away or mixed up with the caller's.
    """

    spot: Spot
    caller: str
    file: str
    line: int
    size: int


@dataclass(frozen=True, slots=True)
class FoundFunction:
    """A function with code of its own, and where it was declared."""

    name: str
    spot: Spot
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class SourceFrame:
    """A function and the line in it that an address belongs to; an inlined one before its caller."""

    function: str
    file: str
    line: int


@dataclass(frozen=True, slots=True)
class InRegister:
    """The value is in a register, as the kernel names it (`di`)."""

    register: str


@dataclass(frozen=True, slots=True)
class InMemory:
    """The value is in memory: `offsets[0]` bytes after what `register` holds.

    With more offsets the word there is an address in its turn, and so on; all in bytes.
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
    """The value is known: the compiler has put it into the instructions."""

    value: int


@dataclass(frozen=True, slots=True)
class Absent:
    """No probe can read it there; `why` is half a sentence."""

    why: str


Location: TypeAlias = InRegister | InMemory | AtSymbol | Constant | Absent


def spell(location: Location) -> str | None:
    """A location as an expression of Documentation/trace/kprobetrace.rst; None of what is absent."""
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
        function: the C function it belongs to: of an inlined one, that one.
        type: None where it is not known.
        fetch: how a probe there reads it; None where it cannot, and of what has no fetch type.
        file, line: of its declaration.
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
