"""Intern values: replace recurring values with small numbers, many rows in one step.

A table maps the hash of a key to its code. Rows whose key is in the table cost a few instructions. Other keys
are looked up in a dictionary, once for each distinct key.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ktrace.model.column import Strings

_BITS = 14
_FULL = 1 << 16  # values after which the interner starts over
_SMALL = 64  # up to this many values, the whole dictionary is returned


def unforeseen(what: str) -> np.uint64:
    """Return an unpredictable number, different in each process.

    Keys come from the kernel's strings, which anyone may choose. With this number in the hash, nobody can
    choose keys that collide.
    """
    return np.uint64(hash(what) & (1 << 64) - 1)  # Python's hash of a str depends on a secret


_FACTOR = unforeseen("slots") | np.uint64(1)
_SHIFT = np.uint64(64 - _BITS)


class Interner:
    """Codes for keys, and a text for each code.

    Attributes:
        values: the text of each code; no text occurs twice.
    """

    def __init__(self) -> None:
        self._start_afresh()

    def _start_afresh(self) -> None:
        self.values: list[str | None] = []
        self._by_text: dict[str | None, int] = {}
        self._by_key: dict[int, int] = {}
        self._keys = np.zeros(1 << _BITS, np.uint64)
        self._codes = np.full(1 << _BITS, -1, np.int32)

    def strings(self, keys: NDArray[np.uint64], text_of: Callable[[int], str | None]) -> Strings:
        """Return the text of each row; rows with the same key have the same text.

        Args:
            keys: shape (rows,).
            text_of: returns the text of a row; called once for each new key.
        """
        if len(self.values) > _FULL:
            self._start_afresh()
        if len(keys) and keys[0] == keys[-1] and bool((keys == keys[0]).all()):
            code = self._code(int(keys[0]), 0, text_of)
            return Strings(np.zeros(len(keys), np.int32), (self.values[code],))
        slots = ((keys * _FACTOR) >> _SHIFT).astype(np.int64)
        codes = self._codes[slots]
        known = (self._keys[slots] == keys) & (codes >= 0)
        if not known.all():
            self._learn(keys, codes, np.flatnonzero(~known), text_of)
        return self._compact(codes)

    def _learn(
        self,
        keys: NDArray[np.uint64],
        codes: NDArray[np.int32],
        rows: NDArray[np.int64],
        text_of: Callable[[int], str | None],
    ) -> None:
        new, first, which = distinct(keys[rows])
        found = [
            self._code(key, row, text_of) for key, row in zip(new.tolist(), rows[first].tolist(), strict=True)
        ]
        learned = np.array(found, np.int32)
        codes[rows] = learned[which]
        slots = ((new * _FACTOR) >> _SHIFT).astype(np.int64)
        self._keys[slots] = new
        self._codes[slots] = learned

    def _code(self, key: int, row: int, text_of: Callable[[int], str | None]) -> int:
        code = self._by_key.get(key)
        if code is None:
            text = text_of(row)
            code = self._by_text.setdefault(text, len(self.values))
            if code == len(self.values):
                self.values.append(text)
            self._by_key[key] = code
        return code

    def _compact(self, codes: NDArray[np.int32]) -> Strings:
        """Return the column, with only the values that occur if the dictionary is much larger."""
        if len(self.values) <= max(_SMALL, len(codes) // 8):
            return Strings(codes, tuple(self.values))
        used, _, compact = distinct(codes)
        return Strings(compact.astype(np.int32), tuple(self.values[code] for code in used.tolist()))


def distinct(values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct values in order, the first row of each, and the index of each row's value.

    It does what `np.unique` does, whose first call imports much more of NumPy.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    begins = np.ones(len(values), np.bool_)
    begins[1:] = ordered[1:] != ordered[:-1]
    which = np.empty(len(values), np.int64)
    which[order] = np.cumsum(begins) - 1
    return ordered[begins], order[begins], which
