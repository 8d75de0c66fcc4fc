"""The values that occur in a column, each once: what is spelled once need not be spelled a row."""

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
"""int64, shape (rows,): which of several values each row has."""

_RANGE_MAX = 1 << 22  # of a table with a place for each number between the least and the greatest
_SLOTS_BITS = 16
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: spreads neighbours over the slots
_SAMPLE = 2048
_FEW = 512  # rows that are sorted sooner than hashed
_VERY_FEW = 16  # rows that plain Python takes sooner


def distinct(column: NDArray[Any]) -> tuple[NDArray[Any], Codes]:
    """The values of a column of integers, and for each row which of them it has.

    Sorting is avoided: by a table where the values are close together, else by hashing.
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
    """Whether few values seem to make up a column of integers: judged by some rows of it."""
    rows = len(column)
    if rows <= _FEW:
        return True
    sample = column[:: max(rows // _SAMPLE, 1)]
    # Not np.unique, which when first called imports what takes a live run as long as many events do.
    ordered = np.sort(sample)
    return (1 + int(np.count_nonzero(ordered[1:] != ordered[:-1]))) * 4 < len(sample)


def joined(codes: Sequence[Codes], sizes: Sequence[int]) -> tuple[list[tuple[int, ...]], Codes]:
    """The combinations that occur of several encoded columns.

    Args:
        codes: of each column.
        sizes: how many values each has.

    Returns:
        Each combination, as which value of each column, and the combination of each row.
    """
    if prod(sizes) >= 1 << 63:
        # Two numbers for a row are too long for one: the first half's combinations are numbered first.
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
    """Which of `size` places occur, and for each row the how manieth of them it is."""
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
    odd = np.flatnonzero(table[slots] != column)  # another value has their slot
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
