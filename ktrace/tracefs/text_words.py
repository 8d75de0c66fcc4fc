"""Text as columns of 8-byte words: numbers and literals at an offset of each row, all rows at once.

A word holds 8 characters, the first in the lowest byte. Arithmetic on whole words looks at 8
characters in one go (SIMD within a register), and NumPy does that for all rows; nothing here is done
a character or a row at a time.
"""

import itertools
from collections.abc import Callable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ktrace.model.column import Strings
from ktrace.tracefs.text_grammar import decode

U64 = NDArray[np.uint64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

PADDING = 256
"""Bytes that may be looked at behind the last line."""


def _each(byte: int) -> np.uint64:
    return np.uint64(byte * 0x0101010101010101)


_BYTE_ONES, _HIGH, _LOW7, _NIBBLE = _each(0x01), _each(0x80), _each(0x7F), _each(0x0F)
_ZEROS, _BLANKS = _each(ord("0")), _each(ord(" "))
_ONE, _SEVEN, _EIGHT = np.uint64(1), np.uint64(7), np.uint64(8)
_POWERS = {base: np.array([base**n for n in range(9)], np.uint64) for base in (10, 16)}
_FOLDS = {
    base: tuple(
        (np.uint64(mask), np.uint64(1 + (base**width << (8 * width))), np.uint64(8 * width))
        for width, mask in ((1, 0x0F0F0F0F0F0F0F0F), (2, 0x00FF00FF00FF00FF), (4, 0x0000FFFF0000FFFF))
    )
    for base in (10, 16)
}
_U64_HIGH, _U64_LOW = divmod(2**64 - 1, 10**4)


class Words:
    """Bytes that can be looked at in words. `at` is always an offset a row, int64, shape (rows,).

    Args:
        data: what to look at.
        size: how much of it; all by default.
    """

    def __init__(self, data: bytes, size: int | None = None) -> None:
        self.data = b"".join((memoryview(data)[:size], bytes(PADDING)))
        self.octets = np.frombuffer(self.data, np.uint8)
        # Overlapping: a word begins at each byte. As `void`, which NumPy gathers without aligning.
        self._words = np.ndarray((len(self.data) - 7,), "V8", self.data, strides=(1,))
        # To cut out of one str is quicker than to decode each piece, but offsets must be the same.
        self._ascii = self.data.decode("ascii") if self.data.isascii() else None
        self._found: dict[int, Ints] = {}

    def word(self, at: Ints) -> U64:
        """The 8 bytes from `at`, the first one lowest."""
        return self._words[at].view("<u8")

    def byte_is(self, at: Ints, byte: int) -> Bools:
        """Whether the byte at `at` is `byte`."""
        same: Bools = self.octets[at] == byte
        return same

    def window(self, at: Ints, width: int) -> "Window":
        """The `width` bytes from `at`. To gather 64 bytes a row takes no longer than to gather 8."""
        overlapping = np.ndarray((len(self.data) - width + 1,), f"V{width}", self.data, strides=(1,))
        return Window(overlapping[at], width)

    def matches(self, at: Ints, literal: bytes) -> Bools:
        """Whether `literal` stands at `at`."""
        if len(literal) == 1:
            return self.byte_is(at, literal[0])
        width = max(len(literal), 8)
        if width > PADDING:
            # No offset beyond the buffer; what is looked at instead ends in padding, so is no literal.
            at = np.minimum(at, len(self.data) - width)
        window = self.window(at, width)
        ok = window.word_is(0, literal[:8])
        for end in range(16, len(literal) + 8, 8):
            column = min(end, len(literal)) - 8  # the last word overlaps the one before it
            ok &= window.word_is(column, literal[column : column + 8])
        return ok

    def next(self, byte: int, at: Ints) -> Ints:
        """Offset of the first `byte` at or after `at`; one in the padding if there is none."""
        places = self._found.get(byte)
        if places is None:
            places = np.append(np.flatnonzero(self.octets == byte), len(self.data) - PADDING)
            self._found[byte] = places
        return places[np.minimum(np.searchsorted(places, at), len(places) - 1)]

    def strings(self, start: Ints, end: Ints) -> Strings:
        """The text between two offsets of each row."""
        offsets = zip(start.tolist(), end.tolist(), strict=True)
        if self._ascii is not None:
            text = self._ascii
            codes, values = _numbered([text[a:b] for a, b in offsets])
            return Strings(codes, tuple(values))
        data = self.data
        codes, octets = _numbered([data[a:b] for a, b in offsets])
        return Strings(codes, tuple(map(decode, octets)))

    def decimal(self, at: Ints) -> tuple[U64, Ints, Bools]:
        """Decimal digits from `at`: value, offset after them, and whether it is a number below 2^64."""
        value, count = _leading(self.word(at), _digits, 10)
        ok = count > 0
        more = np.flatnonzero(count == 8)
        if len(more):
            low, digits = _leading(self.word(at[more] + 8), _digits, 10)
            value[more] = value[more] * _POWERS[10][digits] + low
            count[more] += digits
        more = np.flatnonzero(count == 16)
        if len(more):
            low, digits = _leading(self.word(at[more] + 16), _digits, 10)
            high = value[more]
            fits = (high < _U64_HIGH) | ((high == _U64_HIGH) & (low <= _U64_LOW))
            ok[more] = (digits < 4) | ((digits == 4) & fits)  # 2^64 has 20 digits
            value[more] = high * _POWERS[10][digits] + low
            count[more] += digits
        return value, at + count, ok

    def hexadecimal(self, at: Ints) -> tuple[U64, Ints, Bools]:
        """Lower-case hexadecimal digits from `at`, 16 at most: as `decimal`."""
        value, count = _leading(self.word(at), _hex_digits, 16)
        ok = count > 0
        more = np.flatnonzero(count == 8)
        if len(more):
            low, digits = _leading(self.word(at[more] + 8), _hex_digits, 16)
            # 8 more digits shift by 32 bits, which a power below 2^64 can say
            value[more] = value[more] * _POWERS[16][digits] + low
            count[more] += digits
        return value, at + count, ok


class Window:
    """Some bytes of each row, at the same columns in all of them."""

    def __init__(self, block: NDArray[np.void], width: int) -> None:
        self._block, self._width = block, width

    def word(self, column: int) -> U64:
        """The 8 bytes from `column`, the first one lowest."""
        shape, stride = (len(self._block),), (self._width,)
        return np.ndarray(shape, "<u8", self._block, offset=column, strides=stride).copy()

    def word_is(self, column: int, literal: bytes) -> Bools:
        """Whether `literal`, of 8 bytes at most, stands at `column`."""
        want = np.uint64(int.from_bytes(literal, "little"))
        same: Bools = first_bytes(self.word(column), len(literal)) == want
        return same

    def right_aligned(self, stop: int, width: int) -> tuple[U64, Bools]:
        """Digits before `stop`, filled up with blanks to `width` (19 at most) bytes from the left."""
        ok = np.ones(len(self._block), np.bool_)
        total, power = np.zeros(len(self._block), np.uint64), 1
        right: U64 | None = None  # the blanks of the word to the right
        while width > 0:
            word = self.word(stop - 8)
            if width < 8:
                keep = ~_low_bytes(8 - width)
                word = (word & keep) | (_BLANKS & ~keep)
            blank = ~_nonzero(word ^ _BLANKS) & _HIGH
            filled = (blank >> _SEVEN) * np.uint64(0xFF)
            digits = (word ^ _ZEROS) & ~filled
            ok &= ((filled & (filled + _ONE)) | _not_digits(digits)) == 0
            if right is None:
                ok &= (filled >> np.uint64(56)) == 0
            else:
                ok &= ((right & np.uint64(0xFF)) == 0) | (filled == np.uint64(2**64 - 1))
            total += _fold(digits, 10) * np.uint64(power)
            power *= 10**8
            right, stop, width = filled, stop - 8, width - 8
        return total, ok


def field_of_digits(word: U64, first: int, count: int) -> tuple[U64, Bools]:
    """The number that bytes `first` to `first + count` of each word spell, and whether they are digits."""
    bits = np.uint64(8 * first)
    digits = ((word >> bits) ^ _ZEROS) & _low_bytes(count)
    return _fold(digits << np.uint64(64 - 8 * count), 10), _not_digits(digits) == 0


def left_aligned(word: U64) -> tuple[U64, Bools]:
    """Up to 7 digits, filled up with blanks to 8 bytes on the right."""
    value, count = _leading(word, _digits, 10)
    rest = (word ^ _BLANKS) >> (count.astype(np.uint64) * _EIGHT)
    return value, (count > 0) & (count < 8) & (rest == 0)


def is_graphic(word: U64, count: int) -> Bools:
    """Whether the first `count` bytes are ASCII without blanks and control characters."""
    high = _HIGH & _low_bytes(count)
    graphic: Bools = (((word & _LOW7) + _each(0x5F)) & ~word & high) == high
    return graphic


def first_bytes(word: U64, count: int) -> U64:
    """Words with nothing but their first `count` bytes."""
    return word & _low_bytes(count)


def _low_bytes(count: int) -> np.uint64:
    return np.uint64(2 ** (8 * count) - 1)


def _nonzero(word: U64) -> U64:
    """The high bit of each byte that is not zero."""
    return (((word & _LOW7) + _LOW7) | word) & _HIGH


def _not_digits(digits: U64) -> U64:
    """The high bit of each byte above 9."""
    return (((digits & _LOW7) + _each(0x76)) | digits) & _HIGH


def _digits(word: U64) -> tuple[U64, U64]:
    """Values of the bytes as decimal digits, and the high bit of each that is none."""
    digits = word ^ _ZEROS
    return digits, _not_digits(digits)


def _hex_digits(word: U64) -> tuple[U64, U64]:
    """As `_digits`, for 0-9 and a-f."""
    letter = word ^ _each(0x60)  # a-f become 1-6
    low = letter & _LOW7
    is_letter = (low + _LOW7) & ~(low + _each(0x79)) & ~letter & _HIGH
    bad = _not_digits(word ^ _ZEROS) & ~is_letter
    return (word & _NIBBLE) + (is_letter >> _SEVEN) * np.uint64(9), bad


def _leading(word: U64, digits_of: Callable[[U64], tuple[U64, U64]], base: int) -> tuple[U64, Ints]:
    """The number that the leading digits of each word spell, and how many those are: 0 to 8."""
    digits, bad = digits_of(word)
    before = (bad - _ONE) & ~bad & _HIGH  # the high bits of the bytes before the first bad one
    count = ((before >> _SEVEN) * _BYTE_ONES) >> np.uint64(56)
    # To the right end of the word, with zeros before them; NumPy shifts all out with 64.
    return _fold(digits << (np.uint64(64) - count * _EIGHT), base), count.astype(np.int64)


def _fold(digits: U64, base: int) -> U64:
    """8 digits, one a byte, the first one lowest: pairs, then fours, then all eight."""
    for mask, factor, shift in _FOLDS[base]:
        digits = ((digits & mask) * factor) >> shift
    return digits


_T = TypeVar("_T")


def _numbered(items: list[_T]) -> tuple[NDArray[np.int32], Iterable[_T]]:
    """The distinct items in the order in which they come, and which of them each item is."""
    rows: dict[_T, int] = {}
    # The row in which each was first seen: one look into the dictionary for each, and no Python code.
    first = np.fromiter(map(rows.setdefault, items, itertools.count()), np.int32, len(items))
    if len(rows) < len(items):
        is_first = first == np.arange(len(items), dtype=np.int32)
        first = (np.cumsum(is_first, dtype=np.int32) - np.int32(1))[first]
    return first, rows
