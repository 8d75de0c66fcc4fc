"""Assemble lines of text from columns: each step puts one piece of all lines in place.

A line is written from right to left, in cells of a fixed width whose text is aligned to the right. The part
of a cell to the left of its text is overwritten by the next piece. The first piece of a line is written
exactly, so that it does not overwrite the line before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ktrace.output.rendering.pieces import Coded, Digits, Piece

CELL = 32  # bytes written for a line in one step
FIRST_MIN = 16
"""The minimum length of a line's first piece."""
HEAD_MIN = CELL
"""The minimum length of a line before the first piece that is short or is not `Coded`."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The ends of lines that have the same pieces.

    Attributes:
        seq: int64, shape (rows,): the position of each line among those of all blocks.
        pieces: the pieces, from left to right.
    """

    seq: NDArray[np.int64]
    pieces: Sequence[Piece]


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """Lines whose beginnings have the same pieces.

    Attributes:
        heads: the beginnings of the lines, block after block; at least `HEAD_MIN` bytes. The first piece
            has at least `FIRST_MIN` bytes, and is `Coded` or `bytes`.
        blocks: the rest of the lines.
    """

    heads: Sequence[Piece]
    blocks: Sequence[Block]


def assemble(groups: Sequence[Group], others: Sequence[tuple[int, bytes]]) -> memoryview:
    """Return all lines, in order of `seq`.

    Args:
        groups: lines, by how they begin.
        others: single lines, each with its `seq`.
    """
    blocks = [block for group in groups for block in group.blocks]
    bodies = [_lengths(block.pieces, len(block.seq)) for block in blocks]
    bodies.append(np.array([len(text) for _, text in others], np.int64))
    seqs = [block.seq for block in blocks]
    seqs.append(np.array([seq for seq, _ in others], np.int64))
    sizes = np.concatenate(bodies)
    at = 0
    for group in groups:
        rows = sum(len(block.seq) for block in group.blocks)
        sizes[at : at + rows] += _lengths(group.heads, rows)
        at += rows
    order = _order(np.concatenate(seqs))
    ends = np.empty_like(sizes)
    ends[order] = np.cumsum(sizes[order])
    ends += CELL  # the padding of a cell needs space before the first line, too
    buffer = np.empty(int(sizes.sum()) + CELL, np.uint8)
    _write(groups, ends, _Out(buffer))
    for (_, text), end in zip(others, ends[at:].tolist(), strict=True):
        buffer[end - len(text) : end] = np.frombuffer(text, np.uint8)
    return buffer.data[CELL:]


def _write(groups: Sequence[Group], ends: NDArray[np.int64], out: "_Out") -> None:
    at = 0
    for group in groups:
        first = at
        for block in group.blocks:
            rows = len(block.seq)
            ends[at : at + rows] = out.pieces(block.pieces, ends[at : at + rows], is_start=False)
            at += rows
        if at > first:
            out.pieces(group.heads, ends[first:at], is_start=True)


def _order(seq: NDArray[np.int64]) -> NDArray[Any]:
    """Return the rows sorted by `seq`, stably."""
    if len(seq) < 2 or bool((seq[1:] >= seq[:-1]).all()):
        return np.arange(len(seq))
    low, high = int(seq.min()), int(seq.max())
    if high - low < 4 * len(seq):
        places = np.full(high - low + 1, -1, np.int64)
        places[seq - low] = np.arange(len(seq))
        found = places[places >= 0]
        if len(found) == len(seq):
            return found
    return np.argsort(seq, kind="stable")


def _lengths(pieces: Sequence[Piece], rows: int) -> NDArray[np.int64]:
    total = np.zeros(rows, np.int64)
    fixed = 0
    for piece in pieces:
        if isinstance(piece, bytes):
            fixed += len(piece)
        elif isinstance(piece, Coded):
            total += _taken(_text_lengths(piece), piece.codes)
        elif piece.lengths is None:
            fixed += piece.cells.shape[1]
        else:
            total += piece.lengths
    return total + fixed


def _taken(table: NDArray[Any], codes: NDArray[np.int64]) -> NDArray[Any]:
    # Twice as fast as indexing, which checks bounds; all codes are valid.
    return table.take(codes, mode="clip")


def _text_lengths(piece: Coded) -> NDArray[np.int64]:
    return np.array([len(text) for text in piece.texts], np.int64)


class _Out:
    """The buffer of all lines, and views of it as overlapping cells."""

    def __init__(self, buffer: NDArray[np.uint8]) -> None:
        self._buffer = buffer
        self._views: dict[int, NDArray[Any]] = {}

    def _cells(self, width: int) -> NDArray[Any]:
        """Return a view of the `width` bytes that begin at each position."""
        view = self._views.get(width)
        if view is None:
            count = max(len(self._buffer) - width + 1, 0)
            view = np.ndarray((count,), f"V{width}", self._buffer.data, strides=(1,))
            self._views[width] = view
        return view

    def pieces(
        self, pieces: Sequence[Piece], ends: NDArray[np.int64], *, is_start: bool
    ) -> NDArray[np.int64]:
        """Write pieces that end at `ends`; return where they begin."""
        for index in range(len(pieces) - 1, -1, -1):
            piece = pieces[index]
            if isinstance(piece, bytes):
                ends = ends - len(piece)
                self._cells(len(piece))[ends] = np.frombuffer(piece, f"V{len(piece)}")[0]
            elif isinstance(piece, Digits):
                width = piece.cells.shape[1]
                cells = np.ascontiguousarray(piece.cells).view(f"V{width}")[:, 0]
                self._cells(width)[ends - width] = cells
                ends = ends - (width if piece.lengths is None else piece.lengths)
            else:
                lengths = _text_lengths(piece)
                self._coded(piece, lengths, ends, is_first=is_start and index == 0)
                ends = ends - _taken(lengths, piece.codes)
        return ends

    def _coded(
        self, piece: Coded, lengths: NDArray[np.int64], ends: NDArray[np.int64], is_first: bool
    ) -> None:
        """Write a coded piece cell by cell, from the right end."""
        width = CELL if not is_first or lengths.min() >= CELL else FIRST_MIN
        cells = -(-int(lengths.max()) // width)
        padded = b"".join([text.rjust(cells * width) for text in piece.texts])
        table = np.frombuffer(padded, f"V{width}").reshape(len(piece.texts), cells)
        out = self._cells(width)
        codes, right = piece.codes, ends
        for cell in range(cells):
            # Write only whole cells of a line's first piece; its beginning is written below.
            wanted = lengths >= (cell + 1) * width if is_first else lengths > cell * width
            if not wanted.all():
                rows = np.flatnonzero(wanted[codes])
                codes, right = codes[rows], right[rows]
            out[right - (cell + 1) * width] = _taken(table[:, cells - 1 - cell], codes)
        if is_first:
            firsts = np.frombuffer(b"".join([text[:width] for text in piece.texts]), f"V{width}")
            out[ends - _taken(lengths, piece.codes)] = _taken(firsts, piece.codes)
