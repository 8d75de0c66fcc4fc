"""The values of an expression for all records: columns of integers, texts or arrays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.model.c_integer import CInt
from ktrace.model.column import Strings
from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.cint import MACHINE, Machine
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
    """Arrays of integers, or pointers to their first elements: what C does not tell apart.

    Attributes:
        data: shape (rows, N), or an object column with a sequence or `bytes` in each row.
        type: the type of an element.
        machine: the order of bytes in memory.
    """

    data: NDArray[Any]
    type: CInt
    machine: Machine = MACHINE

    def at(self, index: int) -> Ints:
        """Return one element of each array; 0 after its end, where only the kernel knows what follows."""
        if index < 0:
            raise Unknown  # before the array's start
        if self.data.ndim == 2:
            if index >= self.data.shape[1]:
                raise Unknown
            return Ints.of(self.data[:, index], self.type)
        return self.each([index] * len(self.data))

    def each(self, indices: Sequence[int]) -> Ints:
        """Return an element of each array, as `at` does, with another index in each row."""
        items = [
            item[index] if item is not None and 0 <= index < len(item) else 0
            for item, index in zip(self.data.tolist(), indices, strict=True)
        ]
        if any(not isinstance(item, int) for item in items):
            raise Unknown  # texts instead of numbers
        wrapped = [self.type.wrap(item) for item in items]
        return Ints(np.array(wrapped, self.type.dtype), self.type)

    def after(self, count: int) -> "Arrays":
        """Return pointers to the elements after the first `count`."""
        if count < 0:
            raise Unknown  # before the array's start
        if self.data.ndim == 2:
            return Arrays(self.data[:, count:], self.type, self.machine)
        return Arrays(
            _objects([(item or ())[count:] for item in self.data.tolist()]), self.type, self.machine
        )

    def cast(self, ctype: CInt) -> "Arrays":
        """Return pointers of another type to the same memory."""
        if ctype.bits == self.type.bits:
            return Arrays(self.data, ctype, self.machine)
        dtype = np.dtype(ctype.dtype).newbyteorder(self.machine.order)
        if self.data.ndim == 2:
            cells = self._memory()
            whole = cells.shape[1] // dtype.itemsize * dtype.itemsize
            if not whole:
                return Arrays(np.zeros((len(cells), 0), np.int64), ctype, self.machine)
            numbers = np.ascontiguousarray(cells[:, :whole]).view(dtype)
            return Arrays(numbers.astype(ctype.dtype), ctype, self.machine)
        raw = [self._bytes(item) for item in self.data.tolist()]
        size = dtype.itemsize
        return Arrays(
            _objects([np.frombuffer(item, dtype, len(item) // size).tolist() for item in raw]),
            ctype,
            self.machine,
        )

    def distinct(self) -> tuple[list[bytes], Codes]:
        """Return each distinct array as its bytes in memory, and the index of each row's array."""
        if self.data.ndim == 2:
            rows = self._memory()
            if not rows.size:
                return [b""], np.zeros(len(rows), np.int64)
            width = rows.shape[1]
            if width <= 8:
                words = np.zeros((len(rows), 8), np.uint8)
                words[:, :width] = rows
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

    def _memory(self) -> NDArray[np.uint8]:
        """Return the bytes of each array, shape (rows, N)."""
        dtype = np.dtype(self.type.dtype).newbyteorder(self.machine.order)
        return np.ascontiguousarray(self.data.astype(dtype)).view(np.uint8).reshape(len(self.data), -1)

    def _bytes(self, item: Any) -> bytes:
        if isinstance(item, bytes):
            return item
        if isinstance(item, str):
            return item.encode("utf-8", "surrogateescape")
        size = self.type.bits // 8
        if any(isinstance(word, str | None) for word in item or ()):
            raise Unknown  # texts instead of numbers
        mask = (1 << self.type.bits) - 1
        return b"".join((int(word) & mask).to_bytes(size, self.machine.order) for word in item or ())


def _objects(items: Sequence[object]) -> NDArray[np.object_]:
    column = np.empty(len(items), object)
    for row, item in enumerate(items):
        column[row] = item
    return column


_FEW = 64  # up to this many texts, all are used, whether they occur or not

Value: TypeAlias = Ints | Arrays | Strings


def texts_of(value: Value, rows: int, lookups: Lookups) -> Strings:
    """Return what `%s` prints of each value: an address, an array that ends at a NUL, or a text."""
    if isinstance(value, Strings):
        return value
    found, codes = encoded(value, rows)
    return Strings(codes.astype(np.int32), tuple(text_of(one, lookups) for one in found))


def text_of(value: object, lookups: Lookups) -> str | None:
    """Return the text at an address, or the text that bytes hold; None at the address 0."""
    if isinstance(value, bytes):
        return value.partition(b"\0")[0].decode("utf-8", "surrogateescape")
    if not isinstance(value, int):
        return None if value is None else str(value)
    address = value & 0xFFFFFFFFFFFFFFFF
    return None if not address else lookups.text(address) or f"0x{address:x}"


def constant(text: str | None, rows: int) -> Strings:
    """Return a column with the same text in each row."""
    return Strings(np.zeros(rows, np.int32), (text,))


def choice(condition: NDArray[np.bool_], yes: Strings, no: Strings) -> Strings:
    """Choose a text from one of two columns in each row."""
    codes = np.where(condition, yes.codes, no.codes + len(yes.values))
    return Strings(codes.astype(np.int32), yes.values + no.values)


def either(condition: NDArray[np.bool_], yes: Arrays, no: Arrays) -> Arrays:
    """Choose one of two arrays in each row."""
    if yes.type.bits != no.type.bits:
        yes, no = yes.cast(CInt(8, False)), no.cast(CInt(8, False))
    rows = zip(condition.tolist(), yes.data.tolist(), no.data.tolist(), strict=True)
    return Arrays(_objects([one if truth else other for truth, one, other in rows]), yes.type, yes.machine)


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
