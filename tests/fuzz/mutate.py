"""Make mutants of seeds: the same random numbers make the same mutant."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MAX = 1 << 18
"""Bytes of a mutant: what is slow only because it is long is not a finding."""

_WIDTHS = (1, 2, 4, 8)
_MOST_CHANGES = 6


@dataclass(frozen=True)
class Material:
    """The raw material of one target's mutants.

    Attributes:
        seeds: valid inputs.
        tokens: words of the target's language, put in and put in place of others.
    """

    seeds: Sequence[bytes]
    tokens: Sequence[bytes] = ()


Change = Callable[[bytearray, random.Random, Material], None]


def mutant(material: Material, draw: random.Random) -> bytes:
    """Return a seed with one to six changes."""
    data = bytearray(draw.choice(material.seeds))
    changes = TEXT if material.tokens else BINARY
    for _ in range(draw.randint(1, _MOST_CHANGES)):
        draw.choice(changes)(data, draw, material)
        del data[MAX:]
    return bytes(data)


def _span(data: bytearray, draw: random.Random) -> tuple[int, int]:
    """Return the begin and end of a span, short ones more often than long ones."""
    begin = draw.randrange(len(data) + 1)
    return begin, min(len(data), begin + draw.randrange(1, 1 << draw.randrange(1, 12)))


def flip_bit(data: bytearray, draw: random.Random, _: Material) -> None:
    """Flip one bit."""
    if data:
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def set_byte(data: bytearray, draw: random.Random, _: Material) -> None:
    """Set one byte to any value."""
    if data:
        data[draw.randrange(len(data))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))


def set_number(data: bytearray, draw: random.Random, _: Material) -> None:
    """Write a number at which counters overflow, signs change or memory runs out."""
    width = draw.choice(_WIDTHS)
    if len(data) < width:
        return
    bits = 8 * width
    value = draw.choice(
        (0, 1, 2, -1, -2, 1 << (bits - 1), (1 << (bits - 1)) - 1, 1 << draw.randrange(bits), len(data))
    )
    at = draw.randrange(len(data) - width + 1)
    data[at : at + width] = (value & (1 << bits) - 1).to_bytes(width, draw.choice(("little", "big")))


def add_to_number(data: bytearray, draw: random.Random, _: Material) -> None:
    """Make a number a little larger or smaller."""
    width = draw.choice(_WIDTHS)
    if len(data) < width:
        return
    at = draw.randrange(len(data) - width + 1)
    order = draw.choice(("little", "big"))
    value = int.from_bytes(data[at : at + width], order) + draw.choice((-16, -4, -2, -1, 1, 2, 4, 16))
    data[at : at + width] = (value & (1 << 8 * width) - 1).to_bytes(width, order)


def cut_off(data: bytearray, draw: random.Random, _: Material) -> None:
    """Cut the end off."""
    del data[draw.randrange(len(data) + 1) :]


def remove_span(data: bytearray, draw: random.Random, _: Material) -> None:
    """Remove a span."""
    begin, end = _span(data, draw)
    del data[begin:end]


def double_span(data: bytearray, draw: random.Random, _: Material) -> None:
    """Repeat a span, a few times or many times."""
    begin, end = _span(data, draw)
    data[end:end] = data[begin:end] * draw.choice((1, 1, 2, 3, 100, 3000))


def move_span(data: bytearray, draw: random.Random, _: Material) -> None:
    """Write a span over another place."""
    begin, end = _span(data, draw)
    to = draw.randrange(len(data) + 1)
    data[to : to + end - begin] = data[begin:end]


def clear_span(data: bytearray, draw: random.Random, _: Material) -> None:
    """Fill a span with one byte."""
    begin, end = _span(data, draw)
    data[begin:end] = bytes([draw.choice((0, 0xFF, 0x41))]) * (end - begin)


def splice(data: bytearray, draw: random.Random, material: Material) -> None:
    """Put in a span of another seed."""
    other = bytearray(draw.choice(material.seeds))
    begin, end = _span(other, draw)
    at, to = _span(data, draw)
    data[at : draw.choice((at, to))] = other[begin:end]


def put_token(data: bytearray, draw: random.Random, material: Material) -> None:
    """Put in a word of the language."""
    at = draw.randrange(len(data) + 1)
    data[at:at] = draw.choice(material.tokens)


def replace_with_token(data: bytearray, draw: random.Random, material: Material) -> None:
    """Write a word of the language over something."""
    begin, end = _span(data, draw)
    data[begin : min(end, begin + 16)] = draw.choice(material.tokens)


def set_decimal(data: bytearray, draw: random.Random, _: Material) -> None:
    """Replace a number in text by one of another size."""
    digits = [i for i, byte in enumerate(data) if 0x30 <= byte <= 0x39]
    if not digits:
        return
    begin = end = draw.choice(digits)
    while begin and 0x30 <= data[begin - 1] <= 0x39:
        begin -= 1
    while end < len(data) and 0x30 <= data[end] <= 0x39:
        end += 1
    value = draw.choice(
        (0, 1, 3, 7, 9, 16, 255, 4096, 65536, 1 << 31, (1 << 32) - 1, 1 << 63, 1 << 64, 10**30)
    )
    data[begin:end] = (b"-" if draw.randrange(8) == 0 else b"") + str(value).encode()


BINARY: Sequence[Change] = (
    flip_bit, flip_bit, set_byte, set_byte, set_number, set_number, set_number, add_to_number, cut_off,
    remove_span, double_span, move_span, clear_span, splice, set_decimal,
)  # fmt: skip
TEXT: Sequence[Change] = (
    flip_bit, set_byte, cut_off, remove_span, remove_span, double_span, move_span, splice, splice,
    put_token, put_token, put_token, replace_with_token, replace_with_token, set_decimal, set_decimal,
)  # fmt: skip
