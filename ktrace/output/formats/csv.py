"""CSV: a header, then one record a line, in stream order.

Each line has the same columns: those that every record has (`ktrace.model.frame.OWN`), then the fields of all
events. A field that the record's event does not have is empty. Marks, such as stacks and losses, have no
line.

Control characters and bytes that are not UTF-8 are written as escapes, so a cell is safe on a terminal and a
record is always one line. What the kernel could not read is empty, an empty string is `""`, and arrays are
written as in JSON. A text that a spreadsheet would take for a formula has a `'` before it: see
`ktrace.output.csv_cell`.
"""

from collections.abc import Iterable, Mapping, Sequence
from json import JSONEncoder
from typing import BinaryIO

from ktrace.errors import UsageError
from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Column, Strings
from ktrace.model.frame import OWN, column_name
from ktrace.model.meaning import Names
from ktrace.output.csv_cell import csv_cell
from ktrace.output.rendering.row_template import Row
from ktrace.output.rendering.row_writer import RowWriter
from ktrace.output.rendering.text_columns import text_columns, text_name

_to_json = JSONEncoder(separators=(",", ":")).encode


class Csv:
    """Writes each chunk as lines of CSV.

    Args:
        out: a binary file, or any object with its `write`.
        fields: by event, the names of its fields, for the header. If None, they are taken from the first
            chunk that has events.
        names: by event, then by field, how values read: the column `NAME_text` after `NAME`.
        header: whether to write the header.
        bulk: expect many records; make the lines in the background, with Polars if it is installed.
        raw: do not escape texts that a spreadsheet would take for formulas.
    """

    def __init__(
        self,
        out: BinaryIO,
        fields: Mapping[str, Sequence[str]] | None = None,
        names: Mapping[str, Mapping[str, Names]] | None = None,
        *,
        header: bool = True,
        bulk: bool = False,
        raw: bool = False,
    ) -> None:
        self._out = out
        self._raw = raw
        self._names = names or {}
        self._wants_header = header
        self._lines = RowWriter(out, self._row, lambda _: "", bulk=bulk)
        self._header: tuple[str, ...] | None = None
        if fields is not None:
            self._begin(fields.items())

    def write(self, chunk: Chunk) -> None:
        """Write all records of `chunk`.

        Raises:
            UsageError: an event has a field that the header lacks.
        """
        if self._header is None and chunk.batches:
            self._begin((batch.event, batch.columns) for batch in chunk.batches)
        self._lines.write(chunk)

    def flush(self) -> None:
        """Write whatever is pending and flush the file's buffer."""
        self._lines.flush()

    def close(self) -> None:
        """Write the header if it is not written yet, and whatever is pending."""
        if self._header is None:
            self._begin([])
        self._lines.close()

    def _begin(self, fields: Iterable[tuple[str, Iterable[str]]]) -> None:
        names: dict[str, None] = {}
        for event, own in fields:
            read = self._names.get(event, {})
            for name in own:
                names[column_name(name)] = None
                if name in read:
                    names[text_name(column_name(name))] = None
        self._header = (*OWN, *names)
        if self._wants_header:
            self._out.write((",".join(map(self._cell, self._header)) + "\n").encode())

    def _row(self, batch: Batch) -> Row:
        fields: dict[str, Column] = {column_name(name): column for name, column in batch.columns.items()}
        texts = text_columns(batch, self._names.get(batch.event, {}))
        fields |= {text_name(column_name(name)): column for name, column in texts.items()}
        assert self._header is not None
        for name in fields:
            if name not in self._header:
                raise UsageError(
                    f"{batch.event} has a field {name}, which the columns written so far do not have",
                    hint=f"--event {batch.event} gives it its own table",
                )
        row = Row(len(batch))
        for i, name in enumerate(self._header):
            row.literal("," if i else "")
            if name == "event":
                row.literal(self._cell(batch.event))
            else:
                column = _own(batch, name) if name in OWN else fields.get(name)
                if column is not None:
                    self._add(row, column)
        row.literal("\n")
        return row

    def _add(self, row: Row, column: Column) -> None:
        if isinstance(column, Strings):
            row.choices([self._cell(text) for text in column.values], column.codes)
        elif column.ndim == 1 and column.dtype.kind in "iu":
            row.numbers(column)
        else:
            row.texts([str(cell) if isinstance(cell, int) else self._list(cell) for cell in column.tolist()])

    def _list(self, cell: object) -> str:
        return "" if cell is None else self._cell(_to_json(cell))

    def _cell(self, text: str | None) -> str:
        return csv_cell(text, raw=self._raw)


def _own(batch: Batch, name: str) -> Column | None:
    column: Column | None = getattr(batch, "place" if name == "ip" else name)
    return column
