"""Protocol buffers' wire format, as much of it as one writer needs.

A message is its fields one after the other: a key (the field's number and its wire type), then a number
as a varint, or a length and so many bytes. Messages within messages are such bytes.
"""

_VARINT, _BYTES = 0, 2


def varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the top bit says that more come. Negative as 64 bits."""
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
    """A field that is an integer, an enum or a bool."""
    return varint(field << 3 | _VARINT) + varint(value)


def text(field: int, value: str) -> bytes:
    """A field that is a string."""
    return message(field, value.encode())


def message(field: int, *pieces: bytes) -> bytes:
    """A field that is a message: its own fields in a row."""
    content = b"".join(pieces)
    return b"".join((varint(field << 3 | _BYTES), varint(len(content)), content))
