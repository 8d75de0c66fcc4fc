"""Read the headers of units in .debug_info (7.5.1)."""

from dataclasses import dataclass

from ktrace.symbols.dwarf.bytes import BROKEN, fixed, initial_length
from ktrace.symbols.elf import Section

_UT_COMPILE, _UT_TYPE, _UT_PARTIAL, _UT_SKELETON, _UT_SPLIT_COMPILE, _UT_SPLIT_TYPE = range(1, 7)


@dataclass(frozen=True, slots=True)
class UnitHeader:
    """The position of a unit, in bytes; `first` is the offset of the first entry from the unit's start."""

    offset: int
    size: int
    version: int
    address_size: int
    offset_size: int
    abbrev_offset: int
    first: int
    type: int

    @property
    def has_code(self) -> bool:
        """Return whether it describes code, not only types or parts for other units."""
        return self.type == _UT_COMPILE


def read_header(info: Section, offset: int) -> UnitHeader:
    """Read the header of the unit at `offset`.

    Raises:
        Damaged: it reaches beyond the section, or is of a version that is not 2 to 5.
    """
    head = info.read(offset, min(40, info.size - offset))
    try:
        length, offset_size, at = initial_length(head, 0)
        size = at + length
        version, at = fixed(head, at, 2)
        kind = _UT_COMPILE
        if version == 5:
            kind, address_size, at = head[at], head[at + 1], at + 2
            abbrev, at = fixed(head, at, offset_size)
            at += {_UT_SKELETON: 8, _UT_SPLIT_COMPILE: 8}.get(kind, 0)
            at += 8 + offset_size if kind in (_UT_TYPE, _UT_SPLIT_TYPE) else 0
        elif 2 <= version <= 4:
            abbrev, at = fixed(head, at, offset_size)
            address_size, at = head[at], at + 1
        else:
            raise info.damaged(offset, f"a unit of DWARF version {version}, which is not read")
    except BROKEN:
        raise info.damaged(offset, "the header of a unit makes no sense") from None
    if size > info.size - offset or at >= size or address_size not in (4, 8):
        raise info.damaged(offset, "the header of a unit makes no sense")
    return UnitHeader(offset, size, version, address_size, offset_size, abbrev, at, kind)
