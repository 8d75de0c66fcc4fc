"""Read address ranges: .debug_ranges (DWARF 4, 2.17.3) and .debug_rnglists (DWARF 5, 2.17.3 and 7.25)."""

from collections.abc import Callable

from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.bytes import BROKEN, fixed, uleb
from ktrace.symbols.dwarf.unit import Die, Unit
from ktrace.symbols.elf import Section

Ranges = tuple[tuple[int, int], ...]  # first address, first address after it

_END, _BASE_X, _STARTX_ENDX, _STARTX_LENGTH, _OFFSET_PAIR, _BASE, _START_END, _START_LENGTH = range(8)
_USUAL = 256  # usual size of a list in bytes
_LIST_MAX = 1 << 20  # a unit has a few thousand ranges at most


def ranges_of(die: Die) -> Ranges:
    """Return the addresses of an entry's code; empty if it has none."""
    listed = die.raw(c.AT_RANGES)
    if listed and isinstance(listed[1], int):
        unit = die.unit
        if unit.header.version >= 5:
            at = unit.list_offset(listed[0], listed[1], c.AT_RNGLISTS_BASE, ".debug_rnglists")
            return _rnglist(unit, at)
        return _old_ranges(unit, listed[1])
    low, high = die.address(c.AT_LOW_PC), die.raw(c.AT_HIGH_PC)
    if low is None or high is None:
        return ()
    end = die.address(c.AT_HIGH_PC)
    if end is None and isinstance(high[1], int):
        end = low + high[1]  # since DWARF 4 a constant is the length
    return ((low, end),) if end is not None and end > low else ()


def entry_of(die: Die) -> int | None:
    """Return the entry address of an entry's code (2.18); None if it has no code."""
    spans, entry = ranges_of(die), stated_entry(die)
    if entry is None or not spans or holds(spans, entry):
        return entry
    # GCC sometimes names an instruction of the caller just before the code; no variables are described there.
    start = die.address(c.AT_LOW_PC)
    return min(
        (first for first, _ in spans if first > entry), default=spans[0][0] if start is None else start
    )


def stated_entry(die: Die) -> int | None:
    """Return the entry address as the compiler wrote it, even if it is outside the entry's code."""
    low, spans = die.address(c.AT_LOW_PC), ranges_of(die)
    start = low if low is not None else spans[0][0] if spans else None
    found = die.raw(c.AT_ENTRY_PC)
    if not found:
        return start
    entry = die.address(c.AT_ENTRY_PC)
    if entry is None and start is not None and isinstance(found[1], int):
        entry = start + found[1]
    return start if entry is None else entry


def holds(ranges: Ranges, address: int) -> bool:
    """Return whether an address is in one of the ranges."""
    return any(low <= address < high for low, high in ranges)


def base_address(unit: Unit) -> int:
    """Return the initial base address for offsets in the lists of a unit."""
    return unit.top.address(c.AT_LOW_PC) or 0


def _read(section: Section, at: int, decode: Callable[[bytes], Ranges]) -> Ranges:
    """Decode the list at `at`. Its length is not stored: read a little first, and more only if necessary."""
    for size in (_USUAL, _LIST_MAX):
        data = section.read(at, max(min(size, section.size - at), 0))
        try:
            return decode(data)
        except BROKEN:
            if len(data) < size:
                break
    raise section.damaged(at, "a list of address ranges makes no sense, or does not end")


def _old_ranges(unit: Unit, at: int) -> Ranges:
    size = unit.header.address_size
    biggest = (1 << 8 * size) - 1

    def decode(data: bytes) -> Ranges:
        base, position = base_address(unit), 0
        found: list[tuple[int, int]] = []
        while True:
            low, position = fixed(data, position, size)
            high, position = fixed(data, position, size)
            if low == biggest:
                base = high
            elif not low and not high:
                return tuple(found)
            elif low < high:
                found.append((base + low, base + high))

    return _read(unit.file.need(".debug_ranges"), at, decode)


def _rnglist(unit: Unit, at: int) -> Ranges:
    size = unit.header.address_size

    def decode(data: bytes) -> Ranges:
        base, position = base_address(unit), 0
        found: list[tuple[int, int]] = []
        while True:
            kind = data[position]
            position += 1
            if kind == _END:
                return tuple(found)
            if kind == _BASE:
                base, position = fixed(data, position, size)
                continue
            if kind == _START_END:
                low, position = fixed(data, position, size)
                high, position = fixed(data, position, size)
            elif kind == _START_LENGTH:
                low, position = fixed(data, position, size)
                length, position = uleb(data, position)
                high = low + length
            else:
                first, position = uleb(data, position)
                if kind == _BASE_X:
                    base = unit.indexed_address(first)
                    continue
                second, position = uleb(data, position)
                if kind == _OFFSET_PAIR:
                    low, high = base + first, base + second
                elif kind == _STARTX_ENDX:
                    low, high = unit.indexed_address(first), unit.indexed_address(second)
                elif kind == _STARTX_LENGTH:
                    low = unit.indexed_address(first)
                    high = low + second
                else:
                    raise ValueError(f"unknown kind of range {kind}")
            if low < high:
                found.append((low, high))

    return _read(unit.file.need(".debug_rnglists"), at, decode)
