"""JSON Lines: one record a line, in stream order. docs/json.md describes the schema.

The output is pure ASCII whatever the kernel's strings hold, so it cannot control a terminal.
"""

from collections.abc import Callable, Mapping
from json import JSONEncoder
from json.encoder import encode_basestring_ascii as _quote
from typing import Any, BinaryIO, assert_never

import numpy as np

from ktrace.model.batch import Batch, Chunk, Lost, Mark, Missed, Silent, Stack, Unparsed, Unread
from ktrace.model.column import Column, Strings
from ktrace.model.meaning import Meaning, Names
from ktrace.output.rendering.row_template import Row
from ktrace.output.rendering.row_writer import RowWriter
from ktrace.output.rendering.text_columns import meanings_of, text_columns, text_name

SCHEMA = 1
"""Changes when a reader of the old schema could misunderstand the new one; see docs/json.md."""

_HEAD = f'{{"schema":{SCHEMA},"type":'

_SPREAD = 16  # the longest array whose elements become separate columns

_to_json: Callable[[Any], str] = JSONEncoder(separators=(",", ":")).encode


class JsonLines:
    """Writes each chunk as lines of JSON.

    Args:
        out: a binary file, or any object with its `write`.
        groups: by event, its group where it is known.
        names: by event, then by argument, how values read.
        bulk: expect many records; make the lines in the background.
        wall: nanoseconds to add to a time to get the time of day since 1970; None if that is not known.
    """

    def __init__(
        self,
        out: BinaryIO,
        groups: Mapping[str, str] | None = None,
        names: Mapping[str, Mapping[str, Names]] | None = None,
        *,
        bulk: bool = False,
        wall: int | None = None,
    ) -> None:
        self._lines = RowWriter(out, self._row, _mark, bulk=bulk)
        self._wall = wall
        self._groups = groups or {}
        self._names = names or {}

    def write(self, chunk: Chunk) -> None:
        """Write all records and marks of `chunk`."""
        self._lines.write(chunk)

    def flush(self) -> None:
        """Write whatever is pending and flush the file's buffer."""
        self._lines.flush()

    def close(self) -> None:
        """Write whatever is pending and stop the background threads."""
        self._lines.close()

    def _row(self, batch: Batch) -> Row:
        row = Row(len(batch))
        row.literal(f'{_HEAD}"event",{_origin(batch)}"ts":')
        row.numbers(batch.ts)
        if self._wall is not None and not batch.ticks:
            row.literal(',"wall_ns":')
            row.numbers(batch.ts + self._wall)
        row.literal(',"cpu":')
        row.numbers(batch.cpu)
        row.literal(',"pid":')
        row.numbers(batch.pid)
        if batch.tgid is not None:
            tgids, codes = np.unique(batch.tgid, return_inverse=True)
            row.choices([f',"tgid":{tgid}' if tgid else "" for tgid in tgids.tolist()], codes)
        row.literal(',"comm":')
        _add(row, batch.comm)
        row.literal(',"flags":')
        _add(row, batch.flags)
        group = self._groups.get(batch.event)
        if group is not None:
            row.literal(f',"group":{_to_json(group)}')
        row.literal(f',"event":{_to_json(batch.event)}')
        for name, strings in (("ip", batch.place), ("func", batch.func), ("ret_ip", batch.ret_ip)):
            if strings is not None:
                row.literal(f',"{name}":')
                _add(row, strings)
        if batch.kind == "text":
            row.literal(',"body":')
            _add(row, batch["body"])
            row.literal("}\n")
            return row
        if batch.body is not None:
            row.literal(',"body":')
            _add(row, batch.body)
        row.literal(',"args":{')
        texts = text_columns(batch, self._names.get(batch.event) or meanings_of(batch))
        for i, (name, column) in enumerate(batch.columns.items()):
            row.literal(("," if i else "") + _to_json(name) + ":")
            _add(row, column)
            if name in texts:
                _add_text(row, text_name(name), texts[name])
        self._add_names(row, batch)
        row.literal("}}\n")
        return row

    def _add_names(self, row: Row, batch: Batch) -> None:
        """Add `names`, the names of enum arguments, next to their numbers in `args`."""
        begin = '},"names":{'
        for name, names in self._names.get(batch.event, {}).items():
            column = batch.columns.get(name)
            if column is None or isinstance(column, Strings) or isinstance(names, Meaning):
                continue
            row.literal(begin + _to_json(name) + ":")
            begin = ","
            if column.ndim == 1:
                values, codes = np.unique(column, return_inverse=True)
                row.choices([_to_json(names.get(v)) for v in values.tolist()], codes)
            else:
                row.texts([_to_json([names.get(v) for v in values]) for values in column.tolist()])


def _add_text(row: Row, name: str, column: Column) -> None:
    """Add how the numbers read, to those rows in which a number does not say it all."""
    head = f",{_to_json(name)}:"
    if isinstance(column, Strings):
        row.choices(["" if text is None else head + _quote(text) for text in column.values], column.codes)
    else:
        row.literal(head)
        _add(row, column)


def _add(row: Row, column: Column) -> None:
    if isinstance(column, Strings):
        row.choices(["null" if text is None else _quote(text) for text in column.values], column.codes)
    elif column.ndim == 1 and column.dtype.kind in "iu":
        row.numbers(column)
    elif column.ndim == 2 and column.dtype.kind in "iu" and column.shape[1] <= _SPREAD:
        for i in range(column.shape[1]):
            row.literal("," if i else "[")
            row.numbers(column[:, i])
        row.literal("]" if column.shape[1] else "[]")
    elif column.dtype.kind in "iuO":
        row.texts([_to_json(value) for value in column.tolist()])
    else:
        raise TypeError(f"no JSON for a column of {column.dtype}")


def _origin(of: Batch | Stack | Lost) -> str:
    return f'"origin":{_to_json(of.origin)},' if of.origin else ""


def _mark(mark: Mark) -> str:
    if isinstance(mark, Lost):
        return f'{_HEAD}"lost",{_origin(mark)}"cpu":{_to_json(mark.cpu)},"count":{_to_json(mark.count)}}}\n'
    if isinstance(mark, Missed):
        return f'{_HEAD}"missed","event":{_to_json(mark.event)},"count":{mark.count}}}\n'
    if isinstance(mark, Unread):
        return f'{_HEAD}"unread","count":{mark.count}}}\n'
    if isinstance(mark, Silent):
        return f'{_HEAD}"muted",{_to_json(mark.muted.to_json())[1:]}\n'
    if isinstance(mark, Unparsed):
        line = mark.line.decode("utf-8", "surrogateescape")
        return f'{_HEAD}"unparsed","line":{_to_json(line)}}}\n'
    if isinstance(mark, Stack):
        stack = {
            "ts": mark.ts,
            "cpu": mark.cpu,
            "pid": mark.pid,
            "comm": mark.comm,
            "user": mark.user,
            "frames": mark.frames,
        }
        return f'{_HEAD}"stack",{_origin(mark)}{_to_json(stack)[1:]}\n'
    assert_never(mark)
