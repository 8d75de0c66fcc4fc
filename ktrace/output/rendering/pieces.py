"""Pieces of lines of text, one column each; `ktrace.output.rendering.lines` puts them together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.output.rendering.distinct_values import Codes, distinct, joined, looks_repetitive

_JOINED_MAX = 512  # up to this many combinations, all are spelled, whether they occur or not


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """One of several texts in each row."""

    texts: list[bytes]
    codes: Codes


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """A different text in each row.

    Attributes:
        cells: uint8, shape (rows, W): the text of each row, aligned to the right; W is 4, 8, 12, ... 32.
        lengths: int64, shape (rows,): the length of each text in bytes; None if it fills the cell.
    """

    cells: NDArray[np.uint8]
    lengths: NDArray[np.int64] | None


Piece: TypeAlias = bytes | Coded | Digits
"""A piece of each line; `bytes` are the same in each row."""


class Pieces:
    """Pieces from left to right; neighbours with few combinations are joined.

    Placing two joined texts in each row costs no more than placing one short text.
    """

    def __init__(self) -> None:
        self._done: list[Piece] = []
        self._open: Coded | None = None
        self._literal = b""  # follows `_open`

    def add(self, piece: Piece) -> None:
        """Append a piece."""
        if isinstance(piece, bytes):
            self._literal += piece
        elif isinstance(piece, Coded):
            self._add_coded(piece)
        else:
            self._close()
            self._done.append(piece)

    def extend(self, pieces: Iterable[Piece]) -> None:
        """Append several pieces."""
        for piece in pieces:
            self.add(piece)

    def finish(self) -> list[Piece]:
        """Return all pieces."""
        self._close()
        return self._done

    def _add_coded(self, piece: Coded) -> None:
        if len(piece.texts) == 1:
            self._literal += piece.texts[0]
            return
        before = self._open
        if before is None:
            self._open = Coded([self._literal + text for text in piece.texts], piece.codes)
            self._literal = b""
            return
        both = self._joined(before, piece)
        if both is None:
            self._close()
            both = piece
        self._open = both
        self._literal = b""

    def _joined(self, before: Coded, piece: Coded) -> Coded | None:
        count = len(piece.texts)
        middle = self._literal
        if len(before.texts) * count <= min(_JOINED_MAX, len(piece.codes)):
            texts = [a + middle + b for a in before.texts for b in piece.texts]
            return Coded(texts, before.codes * count + piece.codes)
        if not looks_repetitive(before.codes * count + piece.codes):
            return None
        pairs, codes = joined([before.codes, piece.codes], [len(before.texts), count])
        if len(pairs) > max(_JOINED_MAX, len(codes) // 8):
            return None
        return Coded([before.texts[a] + middle + piece.texts[b] for a, b in pairs], codes)

    def _close(self) -> None:
        if self._open is not None:
            texts = self._open.texts
            if self._literal:
                texts = [text + self._literal for text in texts]
            self._done.append(Coded(texts, self._open.codes))
            self._open = None
        elif self._literal:
            self._done.append(self._literal)
        self._literal = b""


def coded(texts: Iterable[bytes], codes: NDArray[Any]) -> Coded:
    """Return a piece with those of `texts` that occur."""
    texts = list(texts)
    if len(texts) > len(codes):
        used, codes = distinct(codes)
        texts = [texts[i] for i in used.tolist()]
    return Coded(texts, codes.astype(np.int64, copy=False))
