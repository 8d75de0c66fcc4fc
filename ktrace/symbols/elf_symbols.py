"""Find functions in an ELF file's symbol table, by name or by an address that they contain.

To find a name, its bytes are searched for in the strings, and then its offset in the table: a list of all
190,000 symbols of a kernel would take a hundred times as long.
"""

import re
import struct
from bisect import bisect_right
from dataclasses import dataclass

from ktrace.model.suffixes import PADDING, PATTERN, is_called
from ktrace.symbols.elf import Elf, Section

_STT_FUNC, _STT_GNU_IFUNC = 2, 10
_LOCAL = 0
_SIZE = 24  # Elf64_Sym
_VARIANT = re.compile(PATTERN.encode() + rb"\Z")
_ENOUGH = 12  # look-ups after which a table of all names costs less
_PADDING = tuple(prefix.encode() for prefix in PADDING)


@dataclass(frozen=True, slots=True)
class ElfSymbol:
    """One function. `address` as linked, `size` in bytes."""

    name: str
    address: int
    size: int
    is_local: bool


class ElfSymbols:
    """The functions of one file; empty if it has no symbol table."""

    def __init__(self, elf: Elf) -> None:
        sections = elf.symbol_sections()
        self._table: Section | None = sections[0] if sections else None
        self._strings: Section | None = sections[1] if sections else None
        self._bases = [h.address for h in elf.headers] if elf.relocatable else None
        self._sorted: tuple[list[int], list[int]] | None = None
        self._by_name: dict[bytes, list[int]] = {}
        self._asked = 0

    def find(self, name: str) -> list[ElfSymbol]:
        """Return all functions called exactly `name`, in the order of their addresses."""
        wanted = name.encode("utf-8", "surrogateescape")
        self._asked += 1
        if self._asked < _ENOUGH:
            return self._named(wanted + b"\0", whole=True)
        if not self._by_name and self._table is not None:
            self._by_name = self._all_names()
        found = (self._symbol(position) for position in self._by_name.get(wanted, ()))
        return sorted((s for s in found if s), key=lambda s: s.address)

    def variants(self, name: str) -> list[ElfSymbol]:
        """Return the functions that a compiler made from `name`: `name.isra.0`, `name.part.0`."""
        return self._named(name.encode("utf-8", "surrogateescape") + b".", whole=False)

    def at(self, address: int) -> list[ElfSymbol]:
        """Return the functions that hold an address: several if names share their code."""
        starts, rows = self._by_address()
        n = bisect_right(starts, address) - 1
        if n < 0:
            return []
        first = starts[n]
        found = []
        while n >= 0 and starts[n] == first:
            symbol = self._symbol(rows[n])
            if symbol and (address < symbol.address + symbol.size or (symbol.size == 0 and address == first)):
                found.append(symbol)
            n -= 1
        return sorted(found, key=lambda s: (s.is_local, s.name))

    def _named(self, wanted: bytes, *, whole: bool) -> list[ElfSymbol]:
        if self._table is None or self._strings is None:
            return []
        found = {}
        for at in self._strings.find_all(wanted):
            if not whole and not self._is_variant(self._strings.string(at + len(wanted) - 1)):
                continue
            for position in self._table.find_all(struct.pack("<I", at)):
                symbol = self._symbol(position) if position % _SIZE == 0 else None
                if symbol:
                    found[symbol.name, symbol.address] = symbol
        return sorted(found.values(), key=lambda s: s.address)

    @staticmethod
    def _is_variant(end: bytes) -> bool:
        """Return whether a name ends in a compiler's suffixes, except `.cold`: no call enters there."""
        return _VARIANT.match(end) is not None and is_called(end.decode("ascii"))

    def _symbol(self, position: int) -> ElfSymbol | None:
        assert self._table is not None and self._strings is not None
        name, info, _, index, value, size = struct.unpack("<IBBHQQ", self._table.read(position, _SIZE))
        if info & 15 not in (_STT_FUNC, _STT_GNU_IFUNC) or not index:
            return None
        text = self._strings.string(name)
        if text.startswith(_PADDING):
            return None
        base = self._bases[index] if self._bases and index < len(self._bases) else 0
        return ElfSymbol(text.decode("utf-8", "surrogateescape"), base + value, size, info >> 4 == _LOCAL)

    def _by_address(self) -> tuple[list[int], list[int]]:
        """Return the addresses of all functions, sorted, and the position of each in the table."""
        if self._sorted is None:
            found = []
            content = self._table.read_all() if self._table else b""
            words = memoryview(content[: len(content) // _SIZE * _SIZE]).cast("Q").tolist()
            bases, padding = self._bases, self._padding()
            for n, (head, value) in enumerate(zip(words[0::3], words[1::3], strict=True)):
                # The first word holds st_name, st_info, st_other and st_shndx: 4, 1, 1 and 2 bytes.
                kind, index, name = head >> 32 & 15, head >> 48, head & 0xFFFFFFFF
                if kind in (_STT_FUNC, _STT_GNU_IFUNC) and index and name not in padding:
                    base = bases[index] if bases and index < len(bases) else 0
                    found.append((base + value, n * _SIZE))
            found.sort()
            self._sorted = [a for a, _ in found], [n for _, n in found]
        return self._sorted

    def _all_names(self) -> dict[bytes, list[int]]:
        """Return the positions in the table by name, for all functions. Worth it from a dozen names on."""
        assert self._table is not None and self._strings is not None
        table, strings = self._table.read_all(), self._strings.read_all()
        names: dict[bytes, list[int]] = {}
        for position in self._by_address()[1]:
            start = int.from_bytes(table[position : position + 4], "little")
            names.setdefault(strings[start : strings.find(b"\0", start)], []).append(position)
        return names

    def _padding(self) -> frozenset[int]:
        """Return the offsets in the strings where the names of padding begin."""
        content = self._strings.read_all() if self._strings else b""
        return frozenset(m.start() for m in re.finditer(b"|".join(_PADDING), content))

    def object_at(self, name: str, address: int) -> str | None:
        """Return the symbol of variable `name` at an address; a function's static is `name.NUMBER`."""
        if self._table is None or self._strings is None:
            return None
        for at in self._strings.find_all(name.encode("utf-8", "surrogateescape")):
            text = self._strings.string(at).decode("utf-8", "surrogateescape")
            if text != name and not text.removeprefix(f"{name}.").isdigit():
                continue
            for position in self._table.find_all(struct.pack("<I", at)):
                if position % _SIZE == 0:
                    index, value = struct.unpack("<6xHQ8x", self._table.read(position, _SIZE))
                    base = self._bases[index] if self._bases and index < len(self._bases) else 0
                    if base + value == address:
                        return text
        return None
