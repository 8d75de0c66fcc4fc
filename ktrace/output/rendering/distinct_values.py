"""Find the distinct values of a column, so that each is spelled once instead of once a row."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
"""int64, shape (rows,): the index of each row's value."""

_RANGE_MAX = 1 << 22  # entries of a table that has one for each number of a range
_SLOTS_BITS = 16
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads neighbours over the slots
_SAMPLE = 2048
_FEW = 512  # with fewer rows, sorting is faster than hashing
_VERY_FEW = 16  # with fewer rows, plain Python is faster


def distinct(column: NDArray[Any]) -> tuple[NDArray[Any], Codes]:
    """Return the distinct values of a column of integers, and the index of each row's value.

    It avoids sorting: it uses a table if the values are close together, and hashing otherwise.
    """
    if len(column) <= _VERY_FEW:
        index: dict[int, int] = {}
        found = [index.setdefault(value, len(index)) for value in column.tolist()]
        return np.array(list(index), column.dtype), np.array(found, np.int64)
    low, high = int(column.min()), int(column.max())
    if high - low < min(max(4 * len(column), 1 << 12), _RANGE_MAX):
        places = (
            column.astype(np.int64) - low
            if high < 1 << 63
            else (column - column.dtype.type(low)).astype(np.int64)
        )
        present, codes = _ranks(places, high - low + 1)
        values = present.astype(column.dtype) + column.dtype.type(low)
        return values, codes
    return _hashed(column)


def looks_repetitive(column: NDArray[Any]) -> bool:
    """Return whether a column of integers seems to have few distinct values, judged by a sample."""
    rows = len(column)
    if rows <= _FEW:
        return True
    sample = column[:: max(rows // _SAMPLE, 1)]
    # Not np.unique: its first call imports modules, which costs a live run as much as many events.
    ordered = np.sort(sample)
    return (1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))) * 4 < len(sample)


def joined(codes: Sequence[Codes], sizes: Sequence[int]) -> tuple[list[tuple[int, ...]], Codes]:
    """Return the combinations of several encoded columns that occur.

    Args:
        codes: the codes of each column.
        sizes: how many values each column has.

    Returns:
        Each combination, as an index into the values of each column, and the index of each row's
        combination.
    """
    if prod(sizes) >= 1 << 63:
        # A combined code would not fit into 64 bits: number the combinations of each half first.
        half = len(codes) // 2
        before, first = joined(codes[:half], sizes[:half])
        behind, second = joined(codes[half:], sizes[half:])
        pairs, found = joined([first, second], [len(before), len(behind)])
        return [before[a] + behind[b] for a, b in pairs], found
    joint = codes[0]
    for more, size in zip(codes[1:], sizes[1:], strict=True):
        joint = joint * size + more
    values, joint = distinct(joint)
    columns = []
    for size in reversed(sizes[1:]):
        columns.append(values % size)
        values = values // size
    columns.append(values)
    return list(zip(*(column.tolist() for column in reversed(columns)), strict=True)), joint


def _ranks(places: NDArray[np.int64], size: int) -> tuple[NDArray[Any], Codes]:
    """Return which of `size` places occur, and the index of each row's place among them."""
    flags = np.zeros(size, np.bool_)
    flags[places] = True
    present = np.flatnonzero(flags)
    ranks = np.empty(size, np.int64)
    ranks[present] = np.arange(len(present))
    return present, ranks[places]


def _hashed(column: NDArray[Any]) -> tuple[NDArray[Any], Codes]:
    if len(column) <= _FEW:
        values, codes = np.unique(column, return_inverse=True)
        return values, codes.astype(np.int64, copy=False)
    words = column.astype(np.int64).view(np.uint64) if column.dtype.kind == "i" else column.astype(np.uint64)
    bits = min(_SLOTS_BITS, (8 * len(column)).bit_length())
    slots = ((words * _GOLDEN) >> np.uint64(64 - bits)).astype(np.int64)
    table = np.empty(1 << bits, column.dtype)
    table[slots] = column
    odd = np.flatnonzero(table[slots] != column)  # rows whose slot holds another value
    if len(odd) * 4 > len(column):
        values, codes = np.unique(column, return_inverse=True)
        return values, codes.astype(np.int64, copy=False)
    if not len(odd):
        used, codes = _ranks(slots, len(table))
        return table[used], codes
    rest, rest_codes = np.unique(column[odd], return_inverse=True)
    used, codes = _ranks(slots, len(table))
    codes[odd] = len(used) + rest_codes
    return np.concatenate([table[used], rest]), codes
