"""Lines of chunks, in stream order: by a template; many of them a piece of all lines at a time."""

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

_BULK = 256  # records in a chunk from which on a template is slower


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
        self._row_of = row_of
        self._line_of = line_of
        self._lines = Background(out, self._make, bulk=bulk)

    def write(self, chunk: Chunk) -> None:
        """Write all records and marks of `chunk`, now or with the next one."""
        if len(chunk) < _BULK:
            self._lines.put([self._few(chunk)])
        else:
            self._lines.write(chunk)

    def flush(self) -> None:
        """Hand on all that has come so far."""
        self._lines.flush()

    def close(self) -> None:
        """All has come."""
        self._lines.close()

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
