"""Read texts from records, many rows in one step.

Each text gets a key, a hash of its bytes. The dictionary is made from the keys.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from ktrace.model.column import Strings
from ktrace.ringbuffer.interning import Interner, unforeseen

_WORDS = 16  # of 8 bytes: longer texts are read one by one
_SHORT = 6  # words: texts up to this length are gathered whole
_BLOCK = 1 << 13  # rows at a time, so that intermediate results stay in the cache

_FACTOR = unforeseen("factor") | np.uint64(1)
_FOLD = np.uint64(29)
_SEED = unforeseen("seed") | np.uint64(1)
_NONE = unforeseen("none")
_KEEP = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)  # masks of the first n bytes


class Texts:
    """One column of texts; its dictionary is kept from one read to the next."""

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
        """Return the text of each row, up to its first NUL or its whole length.

        Args:
            buffer: the bytes.
            start: the offset of each text.
            length: the maximum length of each text in bytes.
            absent: whether a length of 0 means that there is no text (None).
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
    """Return one text."""
    raw = buffer[start : start + length].tobytes()
    return raw.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _keys(
    buffer: NDArray[np.uint8], start: NDArray[np.int64], length: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Return a hash of the bytes of each text, including those after a NUL."""
    keys = np.empty(len(start), np.uint64)
    if not len(start):
        return keys
    # The last text may end less than a word before the end of the buffer.
    last = int(start.max()) + int(length.max()) + 8
    if last > len(buffer):
        buffer = np.concatenate([buffer, np.zeros(last - len(buffer), np.uint8)])
    anywhere = np.ndarray((len(buffer) - 7,), "V8", buffer, 0, (1,))
    for first in range(0, len(start), _BLOCK):
        some = slice(first, first + _BLOCK)
        words = (int(length[some].max()) + 7) // 8
        if 0 < words <= _SHORT and int(start[some].max()) + 8 * words <= len(buffer):
            _hash_short(buffer, start[some], length[some], words, keys[some])
        else:
            _hash(anywhere, start[some], length[some], keys[some])
    for row in np.flatnonzero(length > 8 * _WORDS).tolist():
        text = text_at(buffer, int(start[row]), int(length[row]))
        keys[row] = hash(text) & 0xFFFFFFFFFFFFFFFF
    return keys


def _hash_short(
    buffer: NDArray[np.uint8],
    at: NDArray[np.int64],
    length: NDArray[np.int64],
    words: int,
    keys: NDArray[np.uint64],
) -> None:
    """Hash texts of at most `words` words, gathered whole.

    The same text may have different hashes for different values of `words`. It is still one text, since the
    dictionary contains no text twice.
    """
    size = 8 * words
    texts = np.ndarray((len(buffer) - size + 1,), f"V{size}", buffer, 0, (1,))
    table = texts[at].view("<u8").reshape(len(at), words)
    if int(length.min()) < size:
        table &= _keep(words).take(length, axis=0)
    mixed = (table[:, 0] ^ _SEED) * _FACTOR
    mixed ^= mixed >> _FOLD
    for i in range(1, words):
        mixed ^= table[:, i]
        mixed *= _FACTOR
        mixed ^= mixed >> _FOLD
    keys[:] = mixed


@cache
def _keep(words: int) -> NDArray[np.uint64]:
    """Return masks of the bits of each word that belong to a text, by its length."""
    left = np.arange(8 * words + 1)[:, None] - 8 * np.arange(words)
    masks: NDArray[np.uint64] = _KEEP[np.clip(left, 0, 8)]
    return masks


def _hash(
    anywhere: NDArray[np.void], at: NDArray[np.int64], left: NDArray[np.int64], keys: NDArray[np.uint64]
) -> None:
    """Hash texts of up to `_WORDS` words, one word of all of them at a time."""
    rows: NDArray[np.int64] | None = None  # None: all
    mixed = np.full(len(at), _SEED, np.uint64)
    for _ in range(_WORDS):
        word = anywhere[at].view("<u8")
        if int(left.min()) < 8:
            word &= _KEEP.take(np.minimum(left, 8))
        mixed ^= word
        mixed *= _FACTOR
        mixed ^= mixed >> _FOLD
        if int(left.max()) <= 8:
            break
        going = left > 8
        if going.all():
            at, left = at + 8, left - 8
            continue
        if rows is None:
            keys[:] = mixed
        else:
            keys[rows] = mixed
        more = np.flatnonzero(going)
        rows = more if rows is None else rows[more]
        at, left, mixed = at[more] + 8, left[more] - 8, mixed[more]
    if rows is None:
        keys[:] = mixed
    else:
        keys[rows] = mixed
