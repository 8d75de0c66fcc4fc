"""The beginning of a trace.dat file, which is the same in versions 6 and 7.

See trace-cmd.dat.v7(5), "INITIAL FORMAT".
"""

import struct
from dataclasses import dataclass

from ktrace.tracedat.contents import Version
from ktrace.tracedat.source import Bytes, Cursor, Order

MAGIC = b"\x17\x08\x44tracing"
_MAX_PAGE = 1 << 26


@dataclass(frozen=True, slots=True)
class Head:
    """The first bytes of a file.

    Attributes:
        compression: the name of the compression; empty for none. Version 6 has none.
        options_at: the offset of the first section of options (version 7).
        end: the offset of what follows.
    """

    version: Version
    order: Order
    long_size: int
    page_size: int
    compression: str = ""
    options_at: int = 0
    end: int = 0


def read_head(source: Bytes) -> Head:
    """Read the beginning of a file.

    Raises Damaged if `source` is not a trace.dat file, or has an unknown version.
    """
    if source.size < len(MAGIC):
        raise source.damaged("not a trace.dat file" + ("" if source.size else ": it is empty"), 0)
    at = Cursor(source, "little")
    at.expect(MAGIC, "a trace.dat file")
    version_at = at.at
    version = at.text(16)
    if version not in ("6", "7"):
        raise source.damaged(f"trace.dat version {version}: ktrace reads 6 and 7", version_at)
    endianness = at.number(1)
    if endianness > 1:
        raise source.damaged("neither little nor big endian", at.at - 1)
    at.order = "big" if endianness else "little"
    long_size = at.number(1)
    page_size = at.number(4)
    # The decoder needs a header of 16 bytes, and offsets in words.
    if not 64 <= page_size <= _MAX_PAGE or page_size % 4:
        raise source.damaged(f"pages of {page_size} bytes", at.at - 4)
    if version == "6":
        return Head(6, at.order, long_size, page_size, end=at.at)
    compression, _ = at.text(256), at.text(256)
    options_at = at.number(8)
    return Head(
        7, at.order, long_size, page_size, "" if compression == "none" else compression, options_at, at.at
    )


def encode_head(order: Order, long_size: int, page_size: int) -> bytes:
    """Encode the first bytes of a version 6 file."""
    mark = "<" if order == "little" else ">"
    return MAGIC + b"6\0" + struct.pack(mark + "BBI", order == "big", long_size, page_size)
