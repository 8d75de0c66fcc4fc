"""The table of a blob's types, kept between runs: walking 120,000 records costs most of a look-up.

A file below the user's cache folder for each kernel, named by the kernel's build-id:

    16 bytes  "ktrace BTF 1", byte order, zeros
    u32       length of the stamp
    stamp     what the blob looked like when the table was made
    u32       CRC-32 of the table
    table     u32 words before the first function, then u32 for each type: words before it

A file that is of another blob, damaged or somebody else's is as good as none: the table is made anew.
"""

import struct
import sys
import zlib
from array import array
from collections.abc import Mapping
from pathlib import Path

from ktrace.storage.cache import keep, open_cached
from ktrace.symbols.btf_index import Table

_MAGIC = b"ktrace BTF 1" + sys.byteorder[:1].encode() + bytes(3)
_NT_GNU_BUILD_ID = 3


def cache_folder(environ: Mapping[str, str]) -> Path | None:
    """The user's folder for ktrace (XDG base directories); None where there is no home."""
    home = environ.get("XDG_CACHE_HOME", "")
    if home.startswith("/"):
        return Path(home, "ktrace")
    home = environ.get("HOME", "")
    return Path(home, ".cache", "ktrace") if home.startswith("/") else None


def build_id(notes: bytes) -> str | None:
    """The build-id in the kernel's ELF notes (/sys/kernel/notes), in hexadecimal; None without."""
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
    """What tells one blob from another of the same name without reading all of it.

    Args:
        data: the first few thousand bytes at least.
        size: of the whole blob in bytes.
    """
    return struct.pack("=QI", size, zlib.crc32(data[:4096])) + data[:32]


def load(path: Path, wanted: bytes) -> Table | None:
    """The table in `path` if it was made of the blob with the stamp `wanted`; None otherwise."""
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
    """Keep the table. A folder that cannot be written only means that the next run is slower."""
    words = array("I", [table.first_function]) + table.offsets
    head = _MAGIC + struct.pack("=I", len(wanted)) + wanted + struct.pack("=I", zlib.crc32(words))
    keep(path, (head, words.tobytes()))
