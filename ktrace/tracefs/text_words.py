"""Text as columns of 8-byte words: parse numbers and literals in all rows at once.

Each row has its own offset. A word holds 8 characters, the first in the lowest byte. Arithmetic on whole
words processes 8 characters at once (SIMD within a register), and NumPy does that for all rows. Nothing here
works on single characters or rows.
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
"""The number of bytes after the last line that may be read."""


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
    """Bytes that can be read as words. `at` is always one offset for each row, int64, shape (rows,).

    Args:
        data: the bytes to read.
        size: how many of them; all by default.
    """

    def __init__(self, data: bytes, size: int | None = None) -> None:
        self.data = b"".join((memoryview(data)[:size], bytes(PADDING)))
        self.octets = np.frombuffer(self.data, np.uint8)
        # Words overlap: one begins at each byte. Their type is `void`, which NumPy gathers without alignment.
        self._words = np.ndarray((len(self.data) - 7,), "V8", self.data, strides=(1,))
        # Slicing one str is faster than decoding each piece, but the offsets must be the same.
        self._ascii = self.data.decode("ascii") if self.data.isascii() else None
        self._found: dict[int, Ints] = {}

    def word(self, at: Ints) -> U64:
        """Return the 8 bytes from `at`, the first one lowest."""
        return self._words[at].view("<u8")

    def byte_is(self, at: Ints, byte: int) -> Bools:
        """Return whether the byte at `at` is `byte`."""
        same: Bools = self.octets[at] == byte
        return same

    def window(self, at: Ints, width: int) -> "Window":
        """Return the `width` bytes from `at`. Gathering 64 bytes a row takes no longer than gathering 8."""
        overlapping = np.ndarray((len(self.data) - width + 1,), f"V{width}", self.data, strides=(1,))
        return Window(overlapping[at], width)

    def matches(self, at: Ints, literal: bytes) -> Bools:
        """Return whether `literal` is at `at`."""
        if len(literal) == 1:
            return self.byte_is(at, literal[0])
        width = max(len(literal), 8)
        if width > PADDING:
            # Clip offsets beyond the buffer; the text there ends in padding, so it does not match.
            at = np.minimum(at, len(self.data) - width)
        window = self.window(at, width)
        ok = window.word_is(0, literal[:8])
        for end in range(16, len(literal) + 8, 8):
            column = min(end, len(literal)) - 8  # the last word overlaps the one before it
            ok &= window.word_is(column, literal[column : column + 8])
        return ok

    def next(self, byte: int, at: Ints) -> Ints:
        """Return the offset of the first `byte` at or after `at`; one in the padding if there is none."""
        places = self._found.get(byte)
        if places is None:
            places = np.append(np.flatnonzero(self.octets == byte), len(self.data) - PADDING)
            self._found[byte] = places
        return places[np.minimum(np.searchsorted(places, at), len(places) - 1)]

    def strings(self, start: Ints, end: Ints) -> Strings:
        """Return the text between two offsets of each row."""
        offsets = zip(start.tolist(), end.tolist(), strict=True)
        if self._ascii is not None:
            text = self._ascii
            codes, values = _numbered([text[a:b] for a, b in offsets])
            return Strings(codes, tuple(values))
        data = self.data
        codes, octets = _numbered([data[a:b] for a, b in offsets])
        return Strings(codes, tuple(map(decode, octets)))

    def decimal(self, at: Ints) -> tuple[U64, Ints, Bools]:
        """Parse decimal digits from `at`: value, offset after them, and whether it is below 2^64."""
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
        """Parse up to 16 lower-case hexadecimal digits from `at`; returns the same as `decimal`."""
        value, count = _leading(self.word(at), _hex_digits, 16)
        ok = count > 0
        more = np.flatnonzero(count == 8)
        if len(more):
            low, digits = _leading(self.word(at[more] + 8), _hex_digits, 16)
            # 8 more digits shift by 32 bits; that power fits in 64 bits
            value[more] = value[more] * _POWERS[16][digits] + low
            count[more] += digits
        return value, at + count, ok


class Window:
    """A range of bytes of each row, at the same columns in all of them."""

    def __init__(self, block: NDArray[np.void], width: int) -> None:
        self._block, self._width = block, width

    def word(self, column: int) -> U64:
        """Return the 8 bytes from `column`, the first one lowest."""
        shape, stride = (len(self._block),), (self._width,)
        return np.ndarray(shape, "<u8", self._block, offset=column, strides=stride).copy()

    def word_is(self, column: int, literal: bytes) -> Bools:
        """Return whether `literal`, of 8 bytes at most, is at `column`."""
        want = np.uint64(int.from_bytes(literal, "little"))
        same: Bools = first_bytes(self.word(column), len(literal)) == want
        return same

    def right_aligned(self, stop: int, width: int) -> tuple[U64, Bools]:
        """Parse digits before `stop`, padded with blanks on the left to `width` (19 at most) bytes."""
        ok = np.ones(len(self._block), np.bool_)
        total, power = np.zeros(len(self._block), np.uint64), 1
        right: U64 | None = None  # the blanks in the word to the right
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
    """Parse bytes `first` to `first + count` of each word; return the number and whether all are digits."""
    bits = np.uint64(8 * first)
    digits = ((word >> bits) ^ _ZEROS) & _low_bytes(count)
    return _fold(digits << np.uint64(64 - 8 * count), 10), _not_digits(digits) == 0


def left_aligned(word: U64, width: int = 7) -> tuple[U64, Bools]:
    """Parse up to `width` (7 at most) digits, padded with blanks on the right to one more byte."""
    if width < 7:
        word = (word & _low_bytes(width + 1)) | (_BLANKS & ~_low_bytes(width + 1))
    value, count = _leading(word, _digits, 10)
    rest = (word ^ _BLANKS) >> (count.astype(np.uint64) * _EIGHT)
    return value, (count > 0) & (count < 8) & (rest == 0)


def is_graphic(word: U64, count: int) -> Bools:
    """Return whether the first `count` bytes are ASCII without blanks and control characters."""
    high = _HIGH & _low_bytes(count)
    graphic: Bools = (((word & _LOW7) + _each(0x5F)) & ~word & high) == high
    return graphic


def first_bytes(word: U64, count: int) -> U64:
    """Return words with only their first `count` bytes."""
    return word & _low_bytes(count)


def _low_bytes(count: int) -> np.uint64:
    return np.uint64(2 ** (8 * count) - 1)


def _nonzero(word: U64) -> U64:
    """Return the high bit of each byte that is not zero."""
    return (((word & _LOW7) + _LOW7) | word) & _HIGH


def _not_digits(digits: U64) -> U64:
    """Return the high bit of each byte above 9."""
    return (((digits & _LOW7) + _each(0x76)) | digits) & _HIGH


def _digits(word: U64) -> tuple[U64, U64]:
    """Return the decimal value of each byte, and the high bit of each byte that is not a digit."""
    digits = word ^ _ZEROS
    return digits, _not_digits(digits)


def _hex_digits(word: U64) -> tuple[U64, U64]:
    """Do the same as `_digits` for 0-9 and a-f."""
    letter = word ^ _each(0x60)  # a-f become 1-6
    low = letter & _LOW7
    is_letter = (low + _LOW7) & ~(low + _each(0x79)) & ~letter & _HIGH
    bad = _not_digits(word ^ _ZEROS) & ~is_letter
    return (word & _NIBBLE) + (is_letter >> _SEVEN) * np.uint64(9), bad


def _leading(word: U64, digits_of: Callable[[U64], tuple[U64, U64]], base: int) -> tuple[U64, Ints]:
    """Return the number that the leading digits of each word spell, and their count: 0 to 8."""
    digits, bad = digits_of(word)
    before = (bad - _ONE) & ~bad & _HIGH  # the high bits of the bytes before the first bad one
    count = ((before >> _SEVEN) * _BYTE_ONES) >> np.uint64(56)
    # Shift them to the right end of the word, with zeros before them; a shift by 64 clears the word.
    return _fold(digits << (np.uint64(64) - count * _EIGHT), base), count.astype(np.int64)


def _fold(digits: U64, base: int) -> U64:
    """Combine 8 digits, one in each byte, the first one lowest: pairs, then fours, then all eight."""
    for mask, factor, shift in _FOLDS[base]:
        digits = ((digits & mask) * factor) >> shift
    return digits


_T = TypeVar("_T")


def _numbered(items: list[_T]) -> tuple[NDArray[np.int32], Iterable[_T]]:
    """Return the index of each item among the distinct items, and those in order of appearance."""
    rows: dict[_T, int] = {}
    # The row of each first occurrence: one dictionary look-up for each, without Python code.
    first = np.fromiter(map(rows.setdefault, items, itertools.count()), np.int32, len(items))
    if len(rows) < len(items):
        is_first = first == np.arange(len(items), dtype=np.int32)
        first = (np.cumsum(is_first, dtype=np.int32) - np.int32(1))[first]
    return first, rows
