"""Parquet: one table of all events in one file, in stream order; `polars.read_parquet` reads it.

Each row has the columns that every record has (`ktrace.model.frame.OWN`), then the fields of all events. A
field that the record's event does not have is null. Fields of the same name share a column: integers of
different sizes share one that holds them all. If their types do not fit together (a number here, text there),
the field of the later event is in the column `EVENT.FIELD`. Marks, such as stacks and losses, have no row.

The columns are known only at the end, so the rows wait in temporary files in a directory next to the output.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

from ktrace.model.batch import Batch, Chunk, to_frame
from ktrace.model.frame import OWN, require_polars
from ktrace.output.rendering.background import pieces
from ktrace.output.rendering.stream_order import order_of

if TYPE_CHECKING:
    import polars as pl

_SLICE = 1 << 13  # rows passed to Polars at a time
_PART = 1 << 15  # rows in a temporary file, and in a row group


class Parquet:
    """Writes all chunks as one table when `close` is called.

    Args:
        out: a binary file; it need not be seekable.
        folder: where rows may wait; if that fails, they wait in the system's temporary directory.
        name: the name of `out`, for messages.

    Raises:
        Unavailable: Polars is not installed.
    """

    def __init__(self, out: BinaryIO, folder: str | None, name: str) -> None:
        require_polars("Parquet")
        self._out = out
        self._name = name
        self._folder = _waiting_room(folder)
        self._schema: dict[str, pl.DataType] = {}
        self._waiting: list[pl.DataFrame] = []
        self._parts: list[Path] = []

    def write(self, chunk: Chunk) -> None:
        """Take the records of `chunk`."""
        if chunk.batches:
            for piece in pieces(chunk):
                self._take(piece)

    def flush(self) -> None:
        """Do nothing: the file is written only by `close`."""

    def close(self) -> None:
        """Write the file."""
        import polars as pl  # noqa: PLC0415 -- as above
        from polars.io.plugins import register_io_source  # noqa: PLC0415 -- as above

        self._put_aside()
        types = self._types() or {"ts": pl.Int64(), "cpu": pl.Int32(), "pid": pl.Int32()}
        whole = register_io_source(lambda *_: self._completed(types), schema=types)
        with _system_errors(self._name):
            whole.sink_parquet(self._out, row_group_size=_PART, maintain_order=True)
        self._folder.cleanup()

    def discard(self) -> None:
        """Delete the waiting rows without writing the file."""
        self._folder.cleanup()

    def _take(self, chunk: Chunk) -> None:
        import polars as pl  # noqa: PLC0415 -- an extra, and slow to load

        frames = [self._frame(batch) for batch in chunk.batches]
        # A later event of this chunk may have widened a column; bring all frames to the final types.
        frames = [frame.cast({name: self._schema[name] for name in frame.columns}) for frame in frames]
        order = order_of(Chunk(chunk.batches))
        self._waiting.append(pl.concat(frames, how="diagonal")[order])
        if sum(frame.height for frame in self._waiting) >= _PART:
            self._put_aside()

    def _frame(self, batch: Batch) -> "pl.DataFrame":
        """Return the batch's rows with the table's column names, and extend the schema by them."""
        import polars as pl  # noqa: PLC0415 -- as above

        frame = to_frame(batch)
        names = {}
        for name, dtype in frame.schema.items():
            plain = _storable(dtype)
            known = self._schema.get(name)
            joint = plain if known is None else _join(known, plain)
            column = name if joint is not None else f"{batch.event}.{name}"
            self._schema[column] = joint or _join(self._schema.get(column, plain), plain) or pl.String()
            names[name] = column
        return frame.rename(names)

    def _put_aside(self) -> None:
        import polars as pl  # noqa: PLC0415 -- as above

        if not self._waiting:
            return
        for piece in pl.concat(self._waiting, how="diagonal_relaxed").iter_slices(_PART):
            part = Path(self._folder.name) / str(len(self._parts))
            with _system_errors(self._name):
                piece.write_parquet(part, compression="uncompressed")
            self._parts.append(part)
        self._waiting = []

    def _types(self) -> "dict[str, pl.DataType]":
        """Return the type of each column, in the order of the table."""
        own = [name for name in OWN if name in self._schema]
        return {name: self._schema[name] for name in dict.fromkeys((*own, *self._schema))}

    def _completed(self, types: "dict[str, pl.DataType]") -> "Iterator[pl.DataFrame]":
        """Yield the rows with all columns, one part in memory at a time."""
        import polars as pl  # noqa: PLC0415 -- as above

        for path in self._parts:
            part = pl.read_parquet(path)
            whole = [
                (pl.col(name) if name in part.columns else pl.lit(None)).cast(dtype).alias(name)
                for name, dtype in types.items()
            ]
            for piece in part.iter_slices(_SLICE):
                yield piece.select(whole)


def _waiting_room(folder: str | None) -> "TemporaryDirectory[str]":
    """Create a directory next to the output, which has the most space, or elsewhere if that fails."""
    try:
        return TemporaryDirectory(prefix=".ktrace-", dir=folder)
    except OSError:
        return TemporaryDirectory(prefix="ktrace-")


@contextmanager
def _system_errors(name: str) -> Iterator[None]:
    """Raise a system error that Polars wrapped as the OSError that it is, with a file name."""
    import polars as pl  # noqa: PLC0415 -- as above

    try:
        yield
    except OSError as error:
        error.filename = error.filename or name
        raise
    except pl.exceptions.PolarsError as error:
        match = re.search(r"\(os error (\d+)\)", str(error))
        if match is None:
            raise
        raise OSError(int(match[1]), os.strerror(int(match[1])), name) from error


def _storable(dtype: "pl.DataType") -> "pl.DataType":
    """Return the type of a column in the file, one that other Parquet readers know too."""
    import polars as pl  # noqa: PLC0415 -- as above

    if isinstance(dtype, pl.Array):
        return pl.List(dtype.inner)
    return pl.Decimal(38, 0) if dtype == pl.Int128 else dtype


def _join(one: "pl.DataType", other: "pl.DataType") -> "pl.DataType | None":
    """Return the type that holds the values of both types, or None if there is none."""
    import polars as pl  # noqa: PLC0415 -- as above

    if one == other:
        return one
    if isinstance(one, pl.List) and isinstance(other, pl.List):
        inners = [dtype() if isinstance(dtype, type) else dtype for dtype in (one.inner, other.inner)]
        inner = _join(*inners)
        return inner and pl.List(inner)
    if not all(dtype.is_integer() or isinstance(dtype, pl.Decimal) for dtype in (one, other)):
        return None
    for wider in (pl.Int64(), pl.UInt64()):
        if all(_fits(dtype, wider) for dtype in (one, other)):
            return wider
    return pl.Decimal(38, 0)


def _fits(dtype: "pl.DataType", wider: "pl.DataType") -> bool:
    if isinstance(dtype, type(wider)):
        return True
    small = str(dtype) in ("Int8", "Int16", "Int32", "UInt8", "UInt16", "UInt32")
    return small and (wider.is_signed_integer() or dtype.is_unsigned_integer())
