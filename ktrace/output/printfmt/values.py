"""The values of an expression for all records: columns of integers, texts or arrays."""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.model.column import Strings
from ktrace.output.printfmt.cint import CInt
from ktrace.output.rendering.distinct_values import Codes, distinct


class Unknown(Exception):
    """A value that only the kernel can compute; not raised outside this package."""


@dataclass(frozen=True, slots=True, eq=False)
class Ints:
    """Integers: one for all records, or shape (rows,) with the type's dtype."""

    data: int | NDArray[Any]
    type: CInt

    @classmethod
    def of(cls, data: int | NDArray[Any], ctype: CInt) -> "Ints":
        """Convert any integers to `ctype`, wrapping as a variable of that type does."""
        if isinstance(data, int):
            return cls(ctype.wrap(data), ctype)
        return cls(data.astype(ctype.dtype, copy=False), ctype)

    def to(self, ctype: CInt) -> "Ints":
        """Convert the values to another type."""
        return Ints.of(self.data, ctype)

    def column(self, rows: int) -> NDArray[Any]:
        """Return a value for each record."""
        return np.full(rows, self.data, self.type.dtype) if isinstance(self.data, int) else self.data


@dataclass(frozen=True, slots=True, eq=False)
class Arrays:
    """Arrays of integers: shape (rows, N), or an object column with a sequence or `bytes` in each row."""

    data: NDArray[Any]
    type: CInt

    def at(self, index: int) -> Ints:
        """Return one element of each array."""
        if index < 0:
            raise Unknown  # before the array's start
        if self.data.ndim == 2:
            if index >= self.data.shape[1]:
                raise Unknown
            return Ints.of(self.data[:, index], self.type)
        items = (item[index] if index < len(item) else 0 for item in self.data.tolist())
        return Ints.of(np.array(list(items), np.int64 if self.type.signed else np.uint64), self.type)

    def distinct(self) -> tuple[list[bytes], Codes]:
        """Return each distinct array as its bytes in memory, and the index of each row's array."""
        if self.data.ndim == 2:
            rows = np.ascontiguousarray(self.data.astype("<" + self.type.dtype, copy=False))
            if not rows.size:
                return [b""], np.zeros(len(rows), np.int64)
            width = rows.itemsize * rows.shape[1]
            if width <= 8:
                words = np.zeros((len(rows), 8), np.uint8)
                words[:, :width] = rows.view(np.uint8).reshape(len(rows), width)
                values, codes = distinct(words.view("<u8")[:, 0])
                return [int(value).to_bytes(8, "little")[:width] for value in values], codes
            cells, inverse = np.unique(rows.view(f"S{width}")[:, 0], return_inverse=True)
            return [cell.ljust(width, b"\0") for cell in cells.tolist()], inverse.astype(np.int64)
        index: dict[bytes, int] = {}
        found = [index.setdefault(self._bytes(item), len(index)) for item in self.data.tolist()]
        return list(index), np.array(found, np.int64)

    def lengths(self, rows: int) -> Ints:
        """Return the size of each array in bytes."""
        size = self.type.bits // 8
        if self.data.ndim == 2:
            return Ints(self.data.shape[1] * size, CInt(32, True))
        counts = [len(item) * size for item in self.data.tolist()]
        return Ints(np.array(counts, np.int32).reshape(rows), CInt(32, True))

    def _bytes(self, item: Any) -> bytes:
        if isinstance(item, bytes):
            return item
        if isinstance(item, str):
            return item.encode("utf-8", "surrogateescape")
        size = self.type.bits // 8
        if any(isinstance(word, str | None) for word in item or ()):
            raise Unknown  # texts instead of numbers
        return b"".join(
            (int(word) & ((1 << self.type.bits) - 1)).to_bytes(size, "little") for word in item or ()
        )


_FEW = 64  # up to this many texts, all are used, whether they occur or not

Value: TypeAlias = Ints | Arrays | Strings


def constant(text: str | None, rows: int) -> Strings:
    """Return a column with the same text in each row."""
    return Strings(np.zeros(rows, np.int32), (text,))


def choice(condition: NDArray[np.bool_], yes: Strings, no: Strings) -> Strings:
    """Choose a text from one of two columns in each row."""
    codes = np.where(condition, yes.codes, no.codes + len(yes.values))
    return Strings(codes.astype(np.int32), yes.values + no.values)


def encoded(value: Value, rows: int) -> tuple[list[Any], Codes]:
    """Return each distinct value (ints, texts or the bytes of arrays), and the index of each row's value."""
    if isinstance(value, Strings):
        if len(value.values) <= min(_FEW, rows):
            return list(value.values), value.codes.astype(np.int64)
        used, codes = distinct(value.codes)
        return [value.values[i] for i in used.tolist()], codes
    if isinstance(value, Arrays):
        return value.distinct()
    if isinstance(value.data, int):
        return [value.data], np.zeros(rows, np.int64)
    values, codes = distinct(value.data)
    return values.tolist(), codes
