"""Columns of a batch: NumPy arrays, and text stored as a dictionary and codes."""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.model.short_repr import strings_line
from ktrace.records import dataclass


@dataclass(frozen=True, slots=True, eq=False)
class Strings:
    """A column of text, dictionary-encoded.

    Text from the kernel is decoded as UTF-8 with `surrogateescape`: a byte that is not UTF-8 becomes a
    lone surrogate U+DC80..U+DCFF, from which it can be restored. A value that the kernel could not read
    (`(fault)`) is None.

    Attributes:
        codes: int32, shape (rows,): index into `values` for each row.
        values: the dictionary; it may hold values that no row uses.
    """

    codes: NDArray[np.int32]
    values: tuple[str | None, ...]

    @classmethod
    def of(cls, texts: Iterable[str | None]) -> "Strings":
        """Encode one text for each row."""
        index: dict[str | None, int] = {}
        codes = [index.setdefault(text, len(index)) for text in texts]
        return cls(np.array(codes, np.int32), tuple(index))

    def __repr__(self) -> str:
        return f"<Strings: {strings_line(len(self), self.values)}>"

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> str | None:
        return self.values[int(self.codes[row])]

    def __iter__(self) -> Iterator[str | None]:
        return iter(self.tolist())

    def tolist(self) -> list[str | None]:
        """Return the text of each row."""
        values = self.values
        return [values[code] for code in self.codes.tolist()]

    def take(self, rows: NDArray[Any] | slice) -> "Strings":
        """Return the rows that an index array, a mask or a slice selects. They share the dictionary."""
        return Strings(self.codes[rows], self.values)


Column: TypeAlias = NDArray[Any] | Strings
"""A column of `rows` values. `len`, `[row]` and `tolist()` work on every form.

| value | column |
|---|---|
| integer | int64 or uint64, shape (rows,); object of int where neither holds them all |
| array of N integers | the same, shape (rows, N) |
| string, character, symbol | `Strings` |
| array of strings | object, shape (rows,), a list of str or None each |
| array of integers, its length stored in each record | object, shape (rows,), a list of int each |
"""
