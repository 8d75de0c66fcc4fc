"""Texts in records, many rows in one step: a key for each, from which the dictionary is made."""

import secrets

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Strings
from ktrace.ringbuffer.interning import Interner

_WORDS = 16  # of 8 bytes: texts that are longer are read one by one

_ONES = np.uint64(0x0101010101010101)
_HIGH = np.uint64(0x8080808080808080)
_ONE = np.uint64(1)
_FACTOR = np.uint64(secrets.randbits(64) | 1)
_SEED = np.uint64(secrets.randbits(64) | 1)
_NONE = np.uint64(secrets.randbits(64))
_KEEP = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)  # masks of the first n bytes


class Texts:
    """One column of texts over all that is read: its dictionary lives on."""

    def __init__(self) -> None:
        self._interner = Interner()

    def read(
        self,
        buffer: NDArray[np.uint8],
        start: NDArray[np.int64],
        length: NDArray[np.int64],
        *,
        absent: bool = False,
    ) -> Strings:
        """The text of each row: up to its first NUL, else its whole length.

        Args:
            buffer: of bytes.
            start: where each begins.
            length: bytes of each at most.
            absent: whether a length of 0 means that there is none.
        """
        keys = _keys(buffer, start, length)
        if absent:
            keys[length == 0] = _NONE

        def text_of(row: int) -> str | None:
            if absent and not length[row]:
                return None
            return text_at(buffer, int(start[row]), int(length[row]))

        return self._interner.strings(keys, text_of)


def text_at(buffer: NDArray[np.uint8], start: int, length: int) -> str:
    """One text."""
    raw = buffer[start : start + length].tobytes()
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _keys(
    buffer: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """A hash of each text: the same for the same bytes up to a NUL, whatever comes behind it."""
    if len(start) and int(start.max()) + int(length.max()) + 8 > len(buffer):
        buffer = np.concatenate([buffer, np.zeros(int(length.max()) + 8, np.uint8)])
    anywhere = np.ndarray((len(buffer) - 7,), "V8", buffer, 0, (1,))
    keys = np.full(len(start), _SEED, np.uint64)
    rows: NDArray[np.int64] | None = None  # None: all
    at, left = start, length
    for _ in range(_WORDS):
        word = anywhere[at].view("<u8")
        if int(left.min(initial=8)) < 8:
            word &= _KEEP[np.clip(left, 0, 8)]
        zero = (word - _ONES) & ~word & _HIGH
        # All bits below the lowest NUL; all bits where there is none.
        word &= ((zero & (~zero + _ONE)) >> np.uint64(7)) - _ONE
        ended = (zero != 0) | (left <= 8)
        if rows is None:
            keys = (keys ^ word) * _FACTOR
            keys ^= keys >> np.uint64(29)
        else:
            mixed = (keys[rows] ^ word) * _FACTOR
            keys[rows] = mixed ^ (mixed >> np.uint64(29))
        if ended.all():
            return keys
        going = np.flatnonzero(~ended)
        rows = going if rows is None else rows[going]
        at, left = at[going] + 8, left[going] - 8
    assert rows is not None
    for row in rows.tolist():
        text = text_at(buffer, int(start[row]), int(length[row]))
        keys[row] = hash(text) & 0xFFFFFFFFFFFFFFFF
    return keys
