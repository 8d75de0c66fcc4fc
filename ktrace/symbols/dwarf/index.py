"""Find the unit that holds an address, and the units of a source file.

Some compilers record the first (.debug_aranges, 6.1.2). The second has to be gathered from the first entry of
each unit. For a kernel that takes half a second, so the result is kept in a file in the user's cache folder,
named by build-id:

    16 bytes   "ktrace DWARF 1", zeros
    u64        bytes of the file with the debug info
    u32        CRC-32 of everything after it
    u32 u32    units, ranges
    u64[]      offsets of the units in .debug_info
    u64[]      first addresses, in order
    u64[]      first addresses after each range
    u32[]      number of the unit of each range
    bytes      name and folder of each unit, each followed by a zero

A file that is damaged, has another size or belongs to another user is ignored.
"""

import struct
import zlib
from array import array
from bisect import bisect_right
from dataclasses import dataclass
from pathlib import Path

from ktrace.storage.cache import keep, open_cached
from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.bytes import BROKEN, fixed, initial_length
from ktrace.symbols.dwarf.ranges import ranges_of
from ktrace.symbols.dwarf.unit import DebugFile

_MAGIC = b"ktrace DWARF 1\0\0"
_TOP = 1 << 64  # no code reaches the end of the address space, whatever damaged bytes say
_HEAD = struct.Struct("<16sQI")


@dataclass(frozen=True, slots=True)
class AddressMap:
    """Ranges in the order of their addresses, each with the offset of its unit."""

    starts: "array[int]"
    ends: "array[int]"
    units: "array[int]"

    def unit_at(self, address: int) -> int | None:
        """Return the offset of the unit that holds an address, or None."""
        n = bisect_right(self.starts, address) - 1
        return self.units[n] if n >= 0 and address < self.ends[n] else None


@dataclass(frozen=True, slots=True)
class UnitIndex:
    """All units: offsets, source files (name, folder of the compiler) and addresses."""

    offsets: "array[int]"
    names: tuple[tuple[str, str], ...]
    addresses: AddressMap


def read_aranges(file: DebugFile) -> AddressMap | None:
    """Read the ranges that compilers recorded; None if there are none."""
    section = file.elf.section(".debug_aranges")
    if section is None or not section.size:
        return None
    data, at, found = section.read_all(), 0, []
    try:
        while at < len(data):
            start = at
            length, offset_size, at = initial_length(data, at)
            end = at + length
            if end > len(data):
                raise ValueError("too long")
            _, at = fixed(data, at, 2)
            unit, at = fixed(data, at, offset_size)
            size, segment = data[at], data[at + 1]
            if size not in (4, 8) or segment:
                raise ValueError("addresses of an unknown kind")
            # Pairs are aligned to their own size, counted from the set's start.
            at = start + -(-(at + 2 - start) // (2 * size)) * 2 * size
            words = array("Q" if size == 8 else "I", data[at : at + (end - at) // (2 * size) * 2 * size])
            found += [(low, low + n, unit) for low, n in zip(words[0::2], words[1::2], strict=True) if n]
            at = end
    except BROKEN:
        raise section.damaged(at, "the table of addresses makes no sense") from None
    return _address_map(found)


def build(file: DebugFile) -> UnitIndex:
    """Build the index from the first entry of every unit."""
    offsets, names, found = array("Q"), [], []
    for offset, header in file.headers().items():
        if not header.has_code:
            continue
        top = file.unit(offset).top
        if top.tag != c.TAG_COMPILE_UNIT:
            continue
        offsets.append(offset)
        names.append((top.text(c.AT_NAME) or "", top.text(c.AT_COMP_DIR) or ""))
        found += [(low, high, offset) for low, high in ranges_of(top)]
    return UnitIndex(offsets, tuple(names), _address_map(found))


def cached(file: DebugFile, path: Path | None) -> UnitIndex:
    """Return the index from the cache, or build it and save it there."""
    size = len(file.elf)
    index = _load(path, size) if path else None
    if index is None:
        index = build(file)
        if path:
            _save(path, size, index)
    return index


def _address_map(found: list[tuple[int, int, int]]) -> AddressMap:
    found = sorted(one for one in found if one[1] < _TOP)
    columns = list(zip(*found, strict=True)) or [(), (), ()]
    return AddressMap(array("Q", columns[0]), array("Q", columns[1]), array("Q", columns[2]))


def _load(path: Path, size: int) -> UnitIndex | None:
    file = open_cached(path)
    if file is None:
        return None
    with file:
        content = file.read()
    if len(content) < _HEAD.size + 8:
        return None
    magic, of_size, crc = _HEAD.unpack_from(content)
    body = memoryview(content)[_HEAD.size :]
    if magic != _MAGIC or of_size != size or crc != zlib.crc32(body):
        return None
    count, ranges = struct.unpack_from("<II", body)
    if 8 + count * 8 + ranges * 20 > len(body):
        return None
    at, columns = 8, []
    for kind, n in (("Q", count), ("Q", ranges), ("Q", ranges), ("I", ranges)):
        column = array(kind)
        column.frombytes(body[at : at + n * column.itemsize])
        at += n * column.itemsize
        columns.append(column)
    texts = bytes(body[at:]).decode("utf-8", "replace").split("\0")
    offsets, starts, ends, owners = columns
    if len(texts) != 2 * count + 1 or (owners and max(owners) >= count):
        return None
    names = tuple(zip(texts[0:-1:2], texts[1::2], strict=True))
    units = array("Q", [offsets[n] for n in owners])
    return UnitIndex(offsets, names, AddressMap(starts, ends, units))


def _save(path: Path, size: int, index: UnitIndex) -> None:
    """Save the index. If the folder cannot be written, only the next run is slower."""
    number = {offset: n for n, offset in enumerate(index.offsets)}
    addresses = index.addresses
    owners = array("I", [number[offset] for offset in addresses.units])
    texts = "".join(f"{name}\0{folder}\0" for name, folder in index.names).encode("utf-8", "replace")
    body = struct.pack("<II", len(index.offsets), len(owners))
    body += index.offsets.tobytes() + addresses.starts.tobytes() + addresses.ends.tobytes()
    body += owners.tobytes() + texts
    keep(path, (_HEAD.pack(_MAGIC, size, zlib.crc32(body)), body))
