"""Keep the table of a blob's types between runs: walking 120,000 records costs most of a look-up.

Each kernel has a file in the user's cache folder, named by the kernel's build-id:

    16 bytes  "ktrace BTF 1", byte order, zeros
    u32       length of the stamp
    stamp     what the blob looked like when the table was made
    u32       CRC-32 of the table
    table     u32 words before the first function, then u32 for each type: words before it

A file that is damaged, belongs to another user or describes another blob is ignored and written again.
"""

import struct
import sys
import zlib
from array import array
from pathlib import Path

from ktrace.storage.cache import keep, open_cached
from ktrace.symbols.btf_index import Table

_MAGIC = b"ktrace BTF 1" + sys.byteorder[:1].encode() + bytes(3)
_NT_GNU_BUILD_ID = 3


def build_id(notes: bytes) -> str | None:
    """Return the build-id from the kernel's ELF notes (/sys/kernel/notes) in hexadecimal, or None."""
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from("=3I", notes, at)
        name_at = at + 12
        at = name_at + (name_size + 3 & ~3)
        if kind == _NT_GNU_BUILD_ID and notes[name_at : name_at + 4] == b"GNU\0" and 0 < size <= 64:
            found = notes[at : at + size]
            return found.hex() if len(found) == size else None
        at += size + 3 & ~3
    return None


def stamp(data: bytes, size: int) -> bytes:
    """Return bytes that distinguish blobs of the same name without reading all of them.

    Args:
        data: at least the first few thousand bytes.
        size: size of the whole blob in bytes.
    """
    return struct.pack("=QI", size, zlib.crc32(data[:4096])) + data[:32]


def load(path: Path, wanted: bytes) -> Table | None:
    """Return the table in `path` if it was made from the blob with the stamp `wanted`, else None."""
    file = open_cached(path)
    if file is None:
        return None
    with file:
        content = file.read()
    head = len(_MAGIC) + 4 + len(wanted)
    if content[:head] != _MAGIC + struct.pack("=I", len(wanted)) + wanted:
        return None
    table = memoryview(content)[head + 4 :]
    if len(table) % 4 or content[head : head + 4] != struct.pack("=I", zlib.crc32(table)):
        return None
    words = array("I")
    words.frombytes(table)
    return Table(words[1:], words[0]) if words else None


def save(path: Path, wanted: bytes, table: Table) -> None:
    """Save the table. If the folder cannot be written, only the next run is slower."""
    words = array("I", [table.first_function]) + table.offsets
    head = _MAGIC + struct.pack("=I", len(wanted)) + wanted + struct.pack("=I", zlib.crc32(words))
    keep(path, (head, words.tobytes()))
