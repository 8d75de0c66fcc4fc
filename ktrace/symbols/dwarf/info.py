"""Debug info of the kernel or a module: the interface of this package.

Places are returned as SYMBOL+OFFSET. The kernel relocates itself at boot, so linked addresses mean nothing to
it.
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
    """The debug info of one file. Every method raises Damaged if it cannot be decoded."""

    def __init__(self, elf: Elf, cache: Path | None = None, module: str | None = None) -> None:
        self.source = elf.source
        self._program = Program(elf, cache, module)

    @property
    def machine(self) -> str:
        """Return the machine that the code is for, as in `uname -m`."""
        return self._program.machine

    def lines_of(self, function: str) -> tuple[FunctionLines, ...] | Miss:
        """Return the lines that can be probed in each function of that name."""
        return lines.lines_of(self._program, function)

    def place_of_function_line(self, function: str, n: int) -> tuple[Spot, ...] | Miss:
        """Return where line `n` of a function begins, counted from its declaration: `vfs_read:12`.

        There are several places if the compiler split or copied the function. A Miss has the nearest lines
        with code.
        """
        return lines.spots_of_function_line(self._program, function, n)

    def places_of_line(self, file: str, line: int) -> tuple[Spot, ...] | Miss:
        """Return where a line of a source file begins: `fs/read_write.c:474`; `file` may omit folders."""
        return lines.spots_of_line(self._program, file, line)

    def lines_in(self, file: str, first: int, last: int) -> FileLines | Miss:
        """Return the lines of a source file, from `first` to `last`, that can be probed."""
        return lines.lines_in_file(self._program, file, first, last)

    def inlined_sites(self, function: str) -> tuple[InlinedSite, ...] | Miss:
        """Return every place where a function was inlined. Takes seconds if there are thousands."""
        return inlines.inlined_sites(self._program, function)

    def source_at(self, place: SymbolPlace, nth: int = 1) -> tuple[SourceFrame, ...]:
        """Return function and line of a place, innermost first; empty if no debug info covers it."""
        address = self._program.address(place, nth)
        return () if address is None else self.source_at_address(address)

    def source_at_address(self, address: int) -> tuple[SourceFrame, ...]:
        """Return function and line of a linked address, innermost first."""
        return lines.frames_at(self._program, address)

    def spots(self, place: SymbolPlace) -> tuple[Spot, ...] | Miss:
        """Return the place in each function with that symbol, or with that name in C (`name.isra.0`)."""
        program = self._program
        symbols = program.symbols.find(place.symbol) or program.symbols.variants(place.symbol)
        found = (program.spot(symbol.address + place.offset, symbol.name) for symbol in symbols)
        spots = tuple(spot for spot in found if spot)
        return spots or Miss(self.source, f"no function {place.to_text()}")

    def variables(self, place: SymbolPlace, nth: int = 1) -> Variables | Miss:
        """Return the parameters and variables that are visible at a place, with their locations there."""
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
        """Return the types in scope at a place, for members of its variables; `base` has those of BTF."""
        address = self._program.address(place, nth)
        unit = None if address is None else self._program.unit_at(address)
        return base if unit is None else UnitTypes(unit, base)

    def functions_in(self, glob: str) -> tuple[FoundFunction, ...] | Miss:
        """Return the functions with code whose source file matches a wildcard: `kernel/bpf/*`."""
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
    """Return whether a path matches: as a whole, or from one of its folders on."""
    return fnmatchcase(path, glob) or fnmatchcase(path, f"*/{glob}")
