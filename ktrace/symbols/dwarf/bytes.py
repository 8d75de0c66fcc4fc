"""Read numbers and strings from a `bytes` at a position; each function also returns the position after it.

Reading past the end raises one of `BROKEN`. The caller turns it into Damaged with the offset of what it was
reading.
"""

import struct

# The exceptions that damaged bytes can cause.
BROKEN = (IndexError, ValueError, struct.error, OverflowError)

_LEB_BITS = 70  # ten bytes: enough for any 64-bit number


def uleb(data: bytes, at: int) -> tuple[int, int]:
    """Read an unsigned LEB128 number (7.6)."""
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value, shift = byte & 0x7F, 7
    while True:
        at += 1
        byte = data[at]
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at + 1
        if shift > _LEB_BITS:
            raise ValueError("a LEB128 number does not end")


def sleb(data: bytes, at: int) -> tuple[int, int]:
    """Read a signed LEB128 number (7.6)."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value - (1 << shift) if byte & 0x40 else value), at
        if shift > _LEB_BITS:
            raise ValueError("a LEB128 number does not end")


def fixed(data: bytes, at: int, size: int) -> tuple[int, int]:
    """Read an unsigned number of `size` bytes."""
    end = at + size
    if end > len(data):
        raise IndexError("beyond the end")
    return int.from_bytes(data[at:end], "little"), end


def block(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """Read `size` bytes."""
    if at + size > len(data):
        raise IndexError("beyond the end")
    return data[at : at + size], at + size


def cstring(data: bytes, at: int) -> tuple[bytes, int]:
    """Read the bytes up to the next zero."""
    end = data.index(0, at)
    return data[at:end], end + 1


def initial_length(data: bytes, at: int) -> tuple[int, int, int]:
    """Read a unit's length (7.4). Returns length, size of an offset in bytes (4 or 8), position after it."""
    length, at = fixed(data, at, 4)
    if length == 0xFFFFFFFF:
        length, at = fixed(data, at, 8)
        return length, 8, at
    if length >= 0xFFFFFFF0:
        raise ValueError("a length that is reserved")
    return length, 4, at
