"""Numbers and strings in a `bytes`, at a position; each returns the position after it too.

What reaches beyond the end raises one of `BROKEN`, which the caller turns into Damaged with the offset
of the thing that it was reading.
"""

import struct

# What reading bytes that make no sense can raise.
BROKEN = (IndexError, ValueError, struct.error, OverflowError)

_LEB_BITS = 70  # ten bytes: more than any number of 64 bits needs


def uleb(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 number (7.6)."""
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
    """A signed LEB128 number (7.6)."""
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
    """An unsigned number of `size` bytes."""
    end = at + size
    if end > len(data):
        raise IndexError("beyond the end")
    return int.from_bytes(data[at:end], "little"), end


def block(data: bytes, at: int, size: int) -> tuple[bytes, int]:
    """`size` bytes."""
    if at + size > len(data):
        raise IndexError("beyond the end")
    return data[at : at + size], at + size


def cstring(data: bytes, at: int) -> tuple[bytes, int]:
    """The bytes up to the next zero."""
    end = data.index(0, at)
    return data[at:end], end + 1


def initial_length(data: bytes, at: int) -> tuple[int, int, int]:
    """A unit's length (7.4). Returns length, bytes of an offset (4 or 8), position after it."""
    length, at = fixed(data, at, 4)
    if length == 0xFFFFFFFF:
        length, at = fixed(data, at, 8)
        return length, 8, at
    if length >= 0xFFFFFFF0:
        raise ValueError("a length that is reserved")
    return length, 4, at
