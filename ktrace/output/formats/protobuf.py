"""The wire format of Protocol Buffers, as far as one writer needs it.

A message is a sequence of fields. Each field is a key (the field's number and its wire type), followed by a
number as a varint, or by a length and that many bytes. A nested message is such a run of bytes.
"""

import struct

_VARINT, _DOUBLE, _BYTES = 0, 1, 2


def varint(value: int) -> bytes:
    """Return a number as a varint: seven bits a byte, lowest first.

    The top bit of a byte says that more bytes follow. A negative number is encoded as 64 bits.
    """
    if 0 <= value < 0x80:
        return _SMALL[value]
    value &= (1 << 64) - 1
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


_SMALL = [bytes([value]) for value in range(0x80)]


def number(field: int, value: int) -> bytes:
    """Return a field that is an integer, an enum or a bool."""
    return varint(field << 3 | _VARINT) + varint(value)


def double(field: int, value: float) -> bytes:
    """Return a field that is a double."""
    return varint(field << 3 | _DOUBLE) + struct.pack("<d", value)


def text(field: int, value: str) -> bytes:
    """Return a field that is a string."""
    return message(field, value.encode())


def message(field: int, *pieces: bytes) -> bytes:
    """Return a field that is a message; `pieces` are the fields of that message."""
    content = b"".join(pieces)
    return b"".join((varint(field << 3 | _BYTES), varint(len(content)), content))
