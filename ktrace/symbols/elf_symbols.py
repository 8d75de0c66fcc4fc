"""The functions in an ELF file's symbol table: by name, and by the address that they hold.

One name is found by searching the strings for its bytes, and the table for the offset of what was found:
a list of all 190,000 symbols of a kernel would take a hundred times as long.
"""

import re
import struct
from bisect import bisect_right
from dataclasses import dataclass

from ktrace.symbols.elf import Elf, Section

_STT_FUNC, _STT_GNU_IFUNC = 2, 10
_LOCAL = 0
_SIZE = 24  # Elf64_Sym
# What compilers append to a function that they changed. `.cold` is a part of it, not a copy.
_VARIANT = re.compile(rb"(?:\.(?:isra|constprop|part|llvm)(?:\.\d+)?)+\Z")
_PADDING = (b"__pfx_", b"__cfi_")  # names of the bytes before a function


@dataclass(frozen=True, slots=True)
class ElfSymbol:
    """One function. `address` as linked, `size` in bytes."""

    name: str
    address: int
    size: int
    is_local: bool


class ElfSymbols:
    """The functions of one file; empty where it has no symbol table."""

    def __init__(self, elf: Elf) -> None:
        sections = elf.symbol_sections()
        self._table: Section | None = sections[0] if sections else None
        self._strings: Section | None = sections[1] if sections else None
        self._bases = [h.address for h in elf.headers] if elf.relocatable else None
        self._sorted: tuple[list[int], list[int]] | None = None

    def find(self, name: str) -> list[ElfSymbol]:
        """All functions called exactly `name`, in the order of their addresses."""
        return self._named(name.encode("utf-8", "surrogateescape") + b"\0", whole=True)

    def variants(self, name: str) -> list[ElfSymbol]:
        """Functions that a compiler made of `name`: `name.isra.0`, `name.part.0`."""
        return self._named(name.encode("utf-8", "surrogateescape") + b".", whole=False)

    def at(self, address: int) -> list[ElfSymbol]:
        """The functions that hold an address: several where names share their code; none outside."""
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
            if not whole and not _VARIANT.search(self._strings.string(at + len(wanted) - 1)):
                continue
            for position in self._table.find_all(struct.pack("<I", at)):
                symbol = self._symbol(position) if position % _SIZE == 0 else None
                if symbol:
                    found[symbol.name, symbol.address] = symbol
        return sorted(found.values(), key=lambda s: s.address)

    def _symbol(self, position: int) -> ElfSymbol | None:
        assert self._table is not None and self._strings is not None
        name, info, _, index, value, size = struct.unpack("<IBBHQQ", self._table.bytes(position, _SIZE))
        if info & 15 not in (_STT_FUNC, _STT_GNU_IFUNC) or not index:
            return None
        text = self._strings.string(name)
        if text.startswith(_PADDING):
            return None
        base = self._bases[index] if self._bases and index < len(self._bases) else 0
        return ElfSymbol(text.decode("utf-8", "surrogateescape"), base + value, size, info >> 4 == _LOCAL)

    def _by_address(self) -> tuple[list[int], list[int]]:
        """Addresses of all functions in order, and where in the table each is."""
        if self._sorted is None:
            found = []
            content = self._table.all() if self._table else b""
            words = memoryview(content[: len(content) // _SIZE * _SIZE]).cast("Q").tolist()
            bases, padding = self._bases, self._padding()
            for n, (head, value) in enumerate(zip(words[0::3], words[1::3], strict=True)):
                # st_name, st_info, st_other and st_shndx are 4, 1, 1 and 2 bytes of the first word.
                if head >> 32 & 15 in (_STT_FUNC, _STT_GNU_IFUNC) and head >> 48 and head & 0xFFFFFFFF not in padding:
                    base = bases[head >> 48] if bases and head >> 48 < len(bases) else 0
                    found.append((base + value, n * _SIZE))
            found.sort()
            self._sorted = [a for a, _ in found], [n for _, n in found]
        return self._sorted

    def _padding(self) -> frozenset[int]:
        """Where in the strings the names of paddings are."""
        content = self._strings.all() if self._strings else b""
        return frozenset(m.start() for m in re.finditer(b"|".join(_PADDING), content))
