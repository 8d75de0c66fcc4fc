"""Write chunks as lines in stream order: a few by a template, many by assembling columns."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, BinaryIO, cast

import numpy as np

from ktrace.model.batch import Batch, Chunk, Mark
from ktrace.model.frame import has_room_for_polars
from ktrace.output.rendering.background import Background, Buffer
from ktrace.output.rendering.lines import Block, Group, assemble
from ktrace.output.rendering.row_template import Choices, Part, Row
from ktrace.output.rendering.stream_order import in_order, order_of

if TYPE_CHECKING:
    import polars as pl

_BULK = 256  # from this many records a chunk, a template is slower


class RowWriter:
    """Writes chunks as lines.

    Args:
        out: a binary file, or any object with its `write`.
        row_of: returns the layout of the lines of a batch.
        line_of: returns the line of a mark, or an empty text for none.
        bulk: expect many records; make the lines in the background.
    """

    def __init__(
        self, out: BinaryIO, row_of: Callable[[Batch], Row], line_of: Callable[[Mark], str], *, bulk: bool
    ) -> None:
        self._row_of = row_of
        self._line_of = line_of
        self._lines = Background(out, self._make, bulk=bulk)

    def write(self, chunk: Chunk) -> None:
        """Write the records and marks of `chunk`, now or with a later chunk."""
        if len(chunk) < _BULK:
            self._lines.put([self._few(chunk)])
        else:
            self._lines.write(chunk)

    def flush(self) -> None:
        """Write whatever is pending and flush the file's buffer."""
        self._lines.flush()

    def close(self) -> None:
        """Write whatever is pending and stop the background threads."""
        self._lines.close()

    def _few(self, chunk: Chunk) -> bytes:
        if len(chunk.batches) == 1 and not chunk.marks:
            return self._row_of(chunk.batches[0]).text().encode()
        texts = in_order(chunk, lambda batch: self._row_of(batch).lines(), self._line_of)
        return "".join(texts).encode()

    def _make(self, piece: Chunk) -> list[Buffer]:
        """Return the lines of a piece of a chunk."""
        rows = [self._row_of(batch) for batch in piece.batches]
        marks = [self._line_of(mark) for mark in piece.marks]
        if all(row.begins_with_text for row in rows):
            groups = [
                Group(row.pieces(), [Block(batch.seq, ())])
                for batch, row in zip(piece.batches, rows, strict=True)
            ]
            seqs = [mark.seq for mark in piece.marks]
            return [assemble(groups, [(seq, m.encode()) for seq, m in zip(seqs, marks, strict=True)])]
        if find_spec("polars") is None or not has_room_for_polars():
            return [self._few(piece)]
        import polars as pl  # noqa: PLC0415 -- takes longer to load than most commands run

        lines = [*map(_series, rows), pl.Series(marks, dtype=pl.String)]
        # Concatenating does not copy the texts: only references to them are sorted.
        together = pl.concat([line.alias("line") for line in lines]).gather(order_of(piece))
        out = _Written()
        together.to_frame().write_csv(
            cast(BinaryIO, out), include_header=False, quote_style="never", line_terminator=""
        )
        return list(out.pieces)


class _Written:
    """A file for Polars to write to; keeps the data until it is its turn."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.pieces.append(data)
        return len(data)

    def flush(self) -> None:
        pass


def _series(row: Row) -> "pl.Series":
    """Return the lines as a Polars column."""
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
