"""Turn columns of integers into decimal and hexadecimal digits, all rows in one step."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ktrace.output.rendering.pieces import Digits

_POWERS = np.array([10**k for k in range(1, 20)], np.uint64)
_NIBBLES = np.array([16**k for k in range(1, 16)], np.uint64)


def _table(base: int, spec: str, digits: int) -> NDArray[np.uint32]:
    text = "".join(f"{number:{spec}}" for number in range(base**digits))
    return np.frombuffer(text.encode(), "<u4")


_DECIMAL = _table(10, "04d", 4)
_HEX: dict[str, NDArray[np.uint32]] = {}  # made at first use: 65,536 entries each


def decimal(column: NDArray[Any], width: int = 0, zero: bool = False) -> Digits:
    """Format integers as `%*d`, padded with blanks (or zeros, if `zero`) to `width` (at most 16)."""
    negative = column < 0 if column.dtype.kind == "i" else np.zeros(0, np.bool_)
    has_sign = bool(negative.any())
    words = column.astype(np.uint64)
    if has_sign:
        words = np.where(negative, np.uint64(0) - words, words)
    lengths = np.searchsorted(_POWERS, words, side="right") + 1
    groups = max((int(lengths.max(initial=1)) + 3) // 4, (width + 3) // 4)
    cells = np.empty((len(words), groups + has_sign), "<u4")
    if groups <= 2:
        words = words.astype(np.uint32)  # division is several times as fast
    for group in range(groups - 1, -1, -1):
        rest = words // words.dtype.type(10000)
        cells[:, group + has_sign] = _DECIMAL[words - rest * words.dtype.type(10000)]
        words = rest
    texts = cells.view(np.uint8)
    if zero and width:
        lengths = np.maximum(lengths, np.where(negative, width - 1, width) if has_sign else width)
    if has_sign:
        rows = np.flatnonzero(negative)
        texts[rows, texts.shape[1] - 1 - lengths[rows]] = ord("-")
        lengths = lengths + negative
    return Digits(texts, _blank(texts, lengths, 0 if zero else width))


def hexadecimal(column: NDArray[Any], width: int = 0, zero: bool = False, upper: bool = False) -> Digits:
    """Format unsigned integers as `%*x`, padded with blanks (or zeros, if `zero`) to `width` (at most 16)."""
    words = column.astype(np.uint64, copy=False)
    lengths = np.searchsorted(_NIBBLES, words, side="right") + 1
    groups = max((int(lengths.max(initial=1)) + 3) // 4, (width + 3) // 4)
    spec = "04X" if upper else "04x"
    table = _HEX.get(spec)
    if table is None:
        table = _HEX[spec] = _table(16, spec, 4)
    cells = np.empty((len(words), groups), "<u4")
    for group in range(groups):
        cells[:, groups - 1 - group] = table[(words >> np.uint64(16 * group)).astype(np.uint16)]
    texts = cells.view(np.uint8)
    if zero:
        lengths = np.maximum(lengths, width)
    return Digits(texts, _blank(texts, lengths, 0 if zero else width))


def micros(micro: NDArray[Any]) -> Digits:
    """Format numbers below a million as `%06d: `."""
    micro = micro.astype(np.uint32)
    cells = np.empty((len(micro), 2), "<u4")
    upper = micro // np.uint32(100)
    cells[:, 0] = _DECIMAL[upper]
    cells[:, 1] = _TWO[micro - upper * np.uint32(100)]
    return Digits(cells.view(np.uint8), None)


_TWO = np.frombuffer("".join(f"{number:02d}: " for number in range(100)).encode(), "<u4")


def _blank(texts: NDArray[np.uint8], lengths: NDArray[Any], width: int) -> NDArray[np.int64]:
    """Put blanks before texts shorter than `width`, and return the new lengths."""
    for done in range(width - 1, 0, -1):
        short = np.flatnonzero(lengths <= done)
        if not len(short):
            break
        texts[short, texts.shape[1] - 1 - done] = ord(" ")
    widened: NDArray[np.int64] = np.maximum(lengths, width).astype(np.int64)
    return widened
