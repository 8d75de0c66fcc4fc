"""Read location lists: .debug_loc (DWARF 4, 2.6.2) and .debug_loclists (DWARF 5, 2.6.2 and 7.29)."""

from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.bytes import BROKEN, block, fixed, uleb
from ktrace.symbols.dwarf.ranges import base_address
from ktrace.symbols.dwarf.unit import Die, Unit
from ktrace.symbols.elf import Section

_END, _BASE_X, _STARTX_ENDX, _STARTX_LENGTH, _OFFSET_PAIR = range(5)
_DEFAULT, _BASE, _START_END, _START_LENGTH, _VIEW_PAIR = range(5, 10)
_USUAL = 512  # usual size of a list in bytes
_LIST_MAX = 1 << 20


def description_at(die: Die, address: int) -> bytes | None:
    """Return the location description of a variable at an address, or None."""
    found = die.raw(c.AT_LOCATION)
    if found is None:
        return None
    form, value = found
    if isinstance(value, bytes):
        return value
    unit = die.unit
    if unit.header.version < 5:
        return _read(unit, unit.file.need(".debug_loc"), value, address)
    at = unit.list_offset(form, value, c.AT_LOCLISTS_BASE, ".debug_loclists")
    return _read(unit, unit.file.need(".debug_loclists"), at, address)


def _read(unit: Unit, section: Section, at: int, address: int) -> bytes | None:
    search = _search if unit.header.version >= 5 else _search_old
    for size in (_USUAL, _LIST_MAX):
        data = section.read(at, max(min(size, section.size - at), 0))
        try:
            return search(unit, data, address)
        except BROKEN:
            if len(data) < size:
                break
    raise section.damaged(at, "a location list makes no sense, or does not end")


def _search_old(unit: Unit, data: bytes, address: int) -> bytes | None:
    size, at, base = unit.header.address_size, 0, base_address(unit)
    biggest = (1 << 8 * size) - 1
    while True:
        low, at = fixed(data, at, size)
        high, at = fixed(data, at, size)
        if low == biggest:
            base = high
        elif not low and not high:
            return None
        else:
            length, at = fixed(data, at, 2)
            code, at = block(data, at, length)
            if base + low <= address < base + high:
                return code


def _search(unit: Unit, data: bytes, address: int) -> bytes | None:
    size, at, base = unit.header.address_size, 0, base_address(unit)
    default = None
    while True:
        kind = data[at]
        at += 1
        low = high = 0
        if kind == _END:
            return default
        if kind == _BASE:
            base, at = fixed(data, at, size)
            continue
        if kind in (_BASE_X, _STARTX_ENDX, _STARTX_LENGTH):
            first, at = uleb(data, at)
            low = unit.indexed_address(first)
            if kind == _BASE_X:
                base = low
                continue
            second, at = uleb(data, at)
            high = unit.indexed_address(second) if kind == _STARTX_ENDX else low + second
        elif kind in (_OFFSET_PAIR, _VIEW_PAIR):
            first, at = uleb(data, at)
            second, at = uleb(data, at)
            if kind == _VIEW_PAIR:  # GNU: distinguishes several states of one address
                continue
            low, high = base + first, base + second
        elif kind in (_START_END, _START_LENGTH):
            low, at = fixed(data, at, size)
            second, at = fixed(data, at, size) if kind == _START_END else uleb(data, at)
            high = second if kind == _START_END else low + second
        elif kind != _DEFAULT:
            raise ValueError(f"unknown kind of location {kind}")
        length, at = uleb(data, at)
        code, at = block(data, at, length)
        if kind == _DEFAULT:
            default = code
        elif low <= address < high:
            return code
