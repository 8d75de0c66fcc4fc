"""Lines of chunks, in stream order: by a template, or, when there are many, a piece of all lines at a time.

In bulk, other threads make the lines while the next records are decoded: what takes long, in NumPy and in
Polars, does not hold up Python. They are written in order, by whoever calls `write`.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO, TypeAlias, cast

import numpy as np

from ktrace.model.batch import Batch, Chunk, Mark
from ktrace.output.lines import Block, assemble
from ktrace.output.order import in_order, order_of
from ktrace.output.row import Choices, Part, Row

if TYPE_CHECKING:
    import polars as pl

Buffer: TypeAlias = bytes | memoryview

_BULK = 256  # records in a chunk from which on a template is slower
_THREADS = min(os.cpu_count() or 1, 4)
_PIECE = 1 << 15  # records of which the lines are made together: what they take stays in the cache


class RowWriter:
    """Writes chunks as lines.

    Args:
        out: a binary file, or whatever has its `write`.
        row_of: describes the line of a batch's records.
        line_of: gives the line of a mark; empty for none.
        bulk: there will be many: make the lines in the background.
    """

    def __init__(
        self, out: BinaryIO, row_of: Callable[[Batch], Row], line_of: Callable[[Mark], str], *, bulk: bool
    ) -> None:
        self._out = out
        self._row_of = row_of
        self._line_of = line_of
        self._bulk = bulk
        self._threads: ThreadPoolExecutor | None = None
        self._making: deque[Future[list[Buffer]]] = deque()

    def write(self, chunk: Chunk) -> None:
        """Write all records and marks of `chunk`, now or with the next one."""
        if len(chunk) < _BULK:
            self._write_made(0)
            self._out.write(self._few(chunk))
            return
        for piece in _pieces(chunk):
            if not self._bulk:
                self._put(self._make(piece))
                continue
            self._threads = self._threads or ThreadPoolExecutor(_THREADS, "lines")
            self._write_made(_THREADS)
            self._making.append(self._threads.submit(self._make, piece))

    def flush(self) -> None:
        """Hand on all that has come so far."""
        self._write_made(0)
        self._out.flush()

    def close(self) -> None:
        """All has come."""
        try:
            self.flush()
        finally:
            if self._threads is not None:
                self._threads.shutdown(cancel_futures=True)

    def _write_made(self, most: int) -> None:
        """Write until at most so many pieces are being made."""
        while len(self._making) > most:
            self._put(self._making.popleft().result())

    def _put(self, lines: list[Buffer]) -> None:
        for data in lines:
            self._out.write(data)

    def _few(self, chunk: Chunk) -> bytes:
        if len(chunk.batches) == 1 and not chunk.marks:
            return self._row_of(chunk.batches[0]).text().encode()
        texts = in_order(chunk, lambda batch: self._row_of(batch).lines(), self._line_of)
        return "".join(texts).encode()

    def _make(self, piece: Chunk) -> list[Buffer]:
        """All lines of a piece."""
        rows = [self._row_of(batch) for batch in piece.batches]
        marks = [self._line_of(mark) for mark in piece.marks]
        if all(row.begins_with_text for row in rows):
            blocks = [Block(b.seq, row.pieces()) for b, row in zip(piece.batches, rows, strict=True)]
            seqs = [mark.seq for mark in piece.marks]
            return [assemble(blocks, [(seq, m.encode()) for seq, m in zip(seqs, marks, strict=True)])]
        if find_spec("polars") is None:
            return [self._few(piece)]
        import polars as pl  # noqa: PLC0415 -- takes longer to load than most commands run

        lines = [*map(_series, rows), pl.Series(marks, dtype=pl.String)]
        # Strung together they stay where they are: only references to them are sorted.
        together = pl.concat([line.alias("line") for line in lines]).gather(order_of(piece))
        out = _Written()
        together.to_frame().write_csv(
            cast(BinaryIO, out), include_header=False, quote_style="never", line_terminator=""
        )
        return list(out.pieces)


class _Written:
    """What Polars takes for a file: keeps what is written, for its turn to come."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.pieces.append(data)
        return len(data)

    def flush(self) -> None:
        pass


def _pieces(chunk: Chunk) -> Iterator[Chunk]:
    """The chunk in pieces of so many records, in order."""
    if len(chunk) <= _PIECE + _PIECE // 2:
        yield chunk
        return
    seqs = np.sort(np.concatenate([batch.seq for batch in chunk.batches]))
    borders = [-(1 << 63), *seqs[_PIECE::_PIECE].tolist(), (1 << 63) - 1]
    for begin, end in pairwise(borders):
        cuts = [np.searchsorted(batch.seq, [begin, end]).tolist() for batch in chunk.batches]
        batches = [
            batch.take(slice(a, b)) for batch, (a, b) in zip(chunk.batches, cuts, strict=True) if b > a
        ]
        # The last place of all belongs to the last piece.
        marks = [mark for mark in chunk.marks if begin <= mark.seq < end or mark.seq == end == borders[-1]]
        yield Chunk(tuple(batches), tuple(marks))


def _series(row: Row) -> "pl.Series":
    """The line of each row as a column of Polars."""
    import polars as pl  # noqa: PLC0415 -- as above

    parts = [_expression(part) for part in row.parts()]
    columns = {str(i): part for i, part in enumerate(parts) if isinstance(part, pl.Series)}
    if not columns:
        return pl.Series(list(row.lines()), dtype=pl.String)
    pieces = [part if isinstance(part, pl.Expr) else pl.col(str(i)) for i, part in enumerate(parts)]
    return pl.DataFrame(columns).select(pl.concat_str(pieces).alias("line"))["line"]


def _expression(part: Part) -> "pl.Expr | pl.Series":
    import polars as pl  # noqa: PLC0415 -- as above

    match part:
        case str():
            return pl.lit(part)
        case Choices(texts=texts, codes=codes):
            return pl.Series(list(texts), dtype=pl.String).gather(codes.astype(np.uint32, copy=False))
        case list():
            return pl.Series(part, dtype=pl.String)
    return pl.Series(np.ascontiguousarray(part))
