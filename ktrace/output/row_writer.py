"""Lines of chunks, in stream order, by a template or by Polars: the same bytes.

With Polars, other threads make the lines while the next records are decoded: what takes long, in Polars
and in NumPy, does not hold up Python. They are written in order, by whoever calls `write`.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import find_spec
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from ktrace.model.batch import Batch, Chunk, Mark
from ktrace.output.order import in_order, order_of
from ktrace.output.row import Choices, Part, Row

if TYPE_CHECKING:
    import polars as pl

_BULK = 256  # records in a chunk from which on Polars is faster
_THREADS = min(os.cpu_count() or 1, 4)
_PIECE = 1 << 16  # records of which the lines are made together: what they take stays in the cache


class RowWriter:
    """Writes chunks as lines.

    Args:
        out: a binary file, or whatever has its `write`.
        row_of: describes the line of a batch's records.
        line_of: gives the line of a mark; empty for none.
        bulk: have Polars, if it is there, make the lines.
    """

    def __init__(
        self, out: BinaryIO, row_of: Callable[[Batch], Row], line_of: Callable[[Mark], str], *, bulk: bool
    ) -> None:
        self._out = out
        self._row_of = row_of
        self._line_of = line_of
        self._bulk = bulk and find_spec("polars") is not None
        self._threads: ThreadPoolExecutor | None = None
        self._making: deque[Future[list[bytes]]] = deque()

    def write(self, chunk: Chunk) -> None:
        """Write all records and marks of `chunk`, now or with the next one."""
        if self._bulk and len(chunk) >= _BULK:
            self._threads = self._threads or ThreadPoolExecutor(_THREADS, "lines")
            for piece in _pieces(chunk):
                self._write_made(_THREADS)
                self._making.append(self._threads.submit(self._make, piece))
            return
        self._write_made(0)
        if len(chunk.batches) == 1 and not chunk.marks:
            text = self._row_of(chunk.batches[0]).text()
        else:
            text = "".join(in_order(chunk, lambda batch: self._row_of(batch).lines(), self._line_of))
        if text:
            self._out.write(text.encode())

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
            for data in self._making.popleft().result():
                self._out.write(data)

    def _make(self, piece: Chunk) -> list[bytes]:
        """All lines of a piece."""
        import polars as pl  # noqa: PLC0415 -- takes longer to load than most commands run

        lines = [_series(self._row_of(batch)) for batch in piece.batches]
        lines.append(pl.Series([self._line_of(mark) for mark in piece.marks], dtype=pl.String))
        # Strung together they stay where they are: only references to them are sorted.
        together = pl.concat([line.alias("line") for line in lines]).gather(order_of(piece))
        out = _Written()
        together.to_frame().write_csv(
            cast(BinaryIO, out), include_header=False, quote_style="never", line_terminator=""
        )
        return out.pieces


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
