"""A program with debug info: look up units, entries, lines and symbols by name or address."""

from pathlib import Path

from ktrace.model.debuginfo import Spot
from ktrace.model.place import SymbolPlace
from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf import lineprogram
from ktrace.symbols.dwarf.index import AddressMap, UnitIndex, cached, read_aranges
from ktrace.symbols.dwarf.lineprogram import LineHeader, Sequence
from ktrace.symbols.dwarf.ranges import holds, ranges_of
from ktrace.symbols.dwarf.unit import DebugFile, Die, Unit
from ktrace.symbols.elf import Elf
from ktrace.symbols.elf_symbols import ElfSymbol, ElfSymbols

_PROGRAMS_MAX = 8


class Program:
    """The kernel or one of its modules, as described by a file with debug info."""

    def __init__(self, elf: Elf, cache: Path | None = None, module: str | None = None) -> None:
        self.file = DebugFile(elf)
        self.symbols = ElfSymbols(elf)
        self.module = module
        self.machine = elf.machine
        build_id = elf.build_id()
        self._cache = cache / f"dwarf-{build_id}.units" if cache and build_id else None
        self._aranges: AddressMap | None = None
        self._aranges_read = False
        self._index: UnitIndex | None = None
        self._headers: dict[int, LineHeader] = {}
        self._rows: dict[int, list[Sequence]] = {}

    @property
    def index(self) -> UnitIndex:
        """Return all units with their names and addresses; gathered at most once."""
        if self._index is None:
            self._index = cached(self.file, self._cache)
        return self._index

    def unit_at(self, address: int) -> Unit | None:
        """Return the unit that holds an address; None for code without debug info."""
        if not self._aranges_read:
            self._aranges_read = True
            self._aranges = read_aranges(self.file)
        offset = self._aranges.unit_at(address) if self._aranges else None
        if offset is None:  # not every compiler writes aranges
            offset = self.index.addresses.unit_at(address)
        return None if offset is None else self.file.unit(offset)

    def functions(self, name: str) -> list[tuple[ElfSymbol, Die]]:
        """Return the functions with code called `name` in C, even if the compiler changed the symbol."""
        found: dict[int, tuple[ElfSymbol, Die]] = {}
        for symbol in (*self.symbols.find(name), *self.symbols.variants(name)):
            die = self.function_at(symbol.address)
            if die is not None:
                found.setdefault(die.key, (symbol, die))
        return list(found.values())

    def function_at(self, address: int) -> Die | None:
        """Return the function that holds an address."""
        unit = self.unit_at(address)
        if unit is None:
            return None
        return next((die for die in unit.functions() if holds(ranges_of(die), address)), None)

    def line_header(self, unit: Unit) -> LineHeader | None:
        """Return the header of a unit's line number program; None if it has none."""
        found = unit.top.raw(c.AT_STMT_LIST)
        if not found or not isinstance(found[1], int):
            return None
        offset = found[1]
        if offset not in self._headers:
            folder = unit.top.text(c.AT_COMP_DIR) or ""
            self._headers[offset] = lineprogram.read_header(
                self.file, offset, folder, unit.header.address_size
            )
        return self._headers[offset]

    def rows(self, header: LineHeader) -> list[Sequence]:
        """Return the rows of a line number program; the last few programs are cached."""
        rows = self._rows.pop(header.offset, None)
        if rows is None:
            rows = lineprogram.run(self.file.need(".debug_line"), header)
            while len(self._rows) >= _PROGRAMS_MAX:
                del self._rows[next(iter(self._rows))]
        self._rows[header.offset] = rows
        return rows

    def file_of(self, die: Die, attribute: int = c.AT_DECL_FILE) -> str:
        """Return the path that an attribute such as DW_AT_decl_file names; empty without it."""
        holder = die.inherited(attribute)
        number = holder.number(attribute) if holder else None
        if holder is None or number is None:
            return ""
        header = self.line_header(holder.unit)
        return header.file(number) if header else ""

    def folder(self, unit: Unit) -> str:
        """Return the folder in which the compiler ran."""
        return unit.top.text(c.AT_COMP_DIR) or ""

    def shown(self, path: str, unit: Unit) -> str:
        """Return a path as people write it: relative to the folder where the kernel was built."""
        return lineprogram.normal(path.removeprefix(self.folder(unit).rstrip("/") + "/"))

    def spot(self, address: int, prefer: str = "") -> Spot | None:
        """Return symbol and offset of an address; None if no function's symbol covers it.

        Args:
            prefer: the name to use if the same code has several.
        """
        symbols = self.symbols.at(address)
        if not symbols:
            return None
        symbol = next((s for s in symbols if s.name == prefer), None)
        symbol = symbol or next((s for s in symbols if s.name.startswith(f"{prefer}.")), symbols[0])
        same = self.symbols.find(symbol.name)
        nth = next((n for n, s in enumerate(same, 1) if s.address == symbol.address), 1)
        place = SymbolPlace(symbol.name, address - symbol.address, self.module)
        return Spot(place, address, nth, max(len(same), 1))

    def address(self, place: SymbolPlace, nth: int = 1) -> int | None:
        """Return the linked address of a place; None if there is no such function, or no `nth` one."""
        symbols = self.symbols.find(place.symbol)
        return symbols[nth - 1].address + place.offset if 0 < nth <= len(symbols) else None
