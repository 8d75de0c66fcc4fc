"""Debug info of the kernel or a module: the one door to this package.

Places are told as SYMBOL+OFFSET: the kernel moves itself at boot, so that addresses as linked mean
nothing to it.
"""

from fnmatch import fnmatchcase
from pathlib import Path

from ktrace.model.debuginfo import (
    FileLines,
    FoundFunction,
    FunctionLines,
    InlinedSite,
    SourceFrame,
    Spot,
    Variables,
)
from ktrace.model.miss import Miss
from ktrace.model.place import SymbolPlace
from ktrace.symbols.btf import Btf
from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf import inlines, lines, variables
from ktrace.symbols.dwarf.program import Program
from ktrace.symbols.dwarf.ranges import entry_of
from ktrace.symbols.dwarf.unit_types import UnitTypes
from ktrace.symbols.elf import Elf


class DebugInfo:
    """What the debug info in one file says. Every method raises Damaged where it cannot be decoded."""

    def __init__(self, elf: Elf, cache: Path | None = None, module: str | None = None) -> None:
        self.source = elf.source
        self._program = Program(elf, cache, module)

    @property
    def machine(self) -> str:
        """For which machine the code is, as `uname -m` says."""
        return self._program.machine

    def lines_of(self, function: str) -> tuple[FunctionLines, ...] | Miss:
        """The lines that can be probed of each function of that name."""
        return lines.lines_of(self._program, function)

    def place_of_function_line(self, function: str, n: int) -> tuple[Spot, ...] | Miss:
        """Where line `n` of a function begins, counted from its declaration: `vfs_read:12`.

        Several, where the compiler has made several pieces of it or the function was copied. A Miss
        has the nearest lines with code.
        """
        return lines.spots_of_function_line(self._program, function, n)

    def places_of_line(self, file: str, line: int) -> tuple[Spot, ...] | Miss:
        """Where a line of a source file begins: `fs/read_write.c:474`. `file` may leave out folders."""
        return lines.spots_of_line(self._program, file, line)

    def lines_in(self, file: str, first: int, last: int) -> FileLines | Miss:
        """The lines of a source file, from `first` to `last`, that can be probed."""
        return lines.lines_in_file(self._program, file, first, last)

    def inlined_sites(self, function: str) -> tuple[InlinedSite, ...] | Miss:
        """Every place where a function was inlined. Seconds for one that is in thousands of places."""
        return inlines.inlined_sites(self._program, function)

    def source_at(self, place: SymbolPlace, nth: int = 1) -> tuple[SourceFrame, ...]:
        """Function and line of a place, innermost first; empty without debug info there."""
        address = self._program.address(place, nth)
        return () if address is None else self.source_at_address(address)

    def source_at_address(self, address: int) -> tuple[SourceFrame, ...]:
        """The same of an address as linked."""
        return lines.frames_at(self._program, address)

    def spots(self, place: SymbolPlace) -> tuple[Spot, ...] | Miss:
        """The place in each function of that symbol, or of that name in C (`name.isra.0`)."""
        program = self._program
        symbols = program.symbols.find(place.symbol) or program.symbols.variants(place.symbol)
        found = (program.spot(symbol.address + place.offset, symbol.name) for symbol in symbols)
        spots = tuple(spot for spot in found if spot)
        return spots or Miss(self.source, f"no function {place.to_text()}")

    def variables(self, place: SymbolPlace, nth: int = 1) -> Variables | Miss:
        """Parameters and variables that are visible at a place, with their locations there."""
        address = self._program.address(place, nth)
        if address is None:
            return Miss(self.source, f"no function {place.symbol}")
        frames = lines.frames_at(self._program, address)
        spot = self._program.spot(address, place.symbol)
        if not frames or spot is None:
            return Miss(self.source, f"{place.to_text()} is not described there")
        found = variables.variables_at(self._program, address)
        return Variables(spot, frames[-1].function, frames[0].file, frames[0].line, found)

    def types_at(self, place: SymbolPlace, base: Btf | Miss, nth: int = 1) -> UnitTypes | Btf | Miss:
        """The types in reach of a place, for members of its variables; `base`: those of BTF."""
        address = self._program.address(place, nth)
        unit = None if address is None else self._program.unit_at(address)
        return base if unit is None else UnitTypes(unit, base)

    def functions_in(self, glob: str) -> tuple[FoundFunction, ...] | Miss:
        """The functions with code whose source file matches a wildcard: `kernel/bpf/*`."""
        program = self._program
        found: dict[int, FoundFunction] = {}
        index = program.index
        for offset, (name, folder) in zip(index.offsets, index.names, strict=True):
            if not _matches(name.removeprefix(folder + "/"), glob):
                continue
            unit = program.file.unit(offset)
            for die in unit.functions():
                entry = None if die.flag(c.AT_DECLARATION) else entry_of(die)
                path = program.shown(program.file_of(die), unit) if entry is not None else ""
                spot = program.spot(entry, die.name) if entry is not None and _matches(path, glob) else None
                if spot and entry is not None:
                    holder = die.inherited(c.AT_DECL_LINE)
                    line = (holder.number(c.AT_DECL_LINE) if holder else None) or 0
                    found.setdefault(entry, FoundFunction(die.name, spot, path, line))
        if not found:
            return Miss(self.source, f"no function is from a source file {glob}")
        return tuple(found[entry] for entry in sorted(found))


def _matches(path: str, glob: str) -> bool:
    """Whether a path matches: whole, or from one of its folders on."""
    return fnmatchcase(path, glob) or fnmatchcase(path, f"*/{glob}")
