"""JSON Lines: one record a line, in stream order. docs/json.md describes the schema.

Pure ASCII, whatever the kernel's strings hold: nothing in them can steer a terminal.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from json import JSONEncoder
from typing import Any, BinaryIO, assert_never

from ktrace.model.batch import Batch, Chunk, Column, Lost, Mark, Missed, Stack, Strings, Unparsed
from ktrace.output.order import in_order

SCHEMA = 1
"""Changes when a reader of the old one could misunderstand the new one; see docs/json.md."""

_HEAD = f'{{"schema":{SCHEMA},"type":'

_to_json: Callable[[Any], str] = JSONEncoder(separators=(",", ":")).encode


class JsonLines:
    """Writes each chunk as lines of JSON.

    Args:
        out: a binary file, or whatever has its `write`.
        groups: the group of an event, by its name, where it is known.
    """

    def __init__(self, out: BinaryIO, groups: Mapping[str, str] | None = None) -> None:
        self._out = out
        self._groups = groups or {}

    def write(self, chunk: Chunk) -> None:
        """Write all records and marks of `chunk`."""
        if len(chunk.batches) == 1 and not chunk.marks:
            text = self._text(chunk.batches[0])
        else:
            text = "".join(in_order(chunk, self._lines, _mark))
        if text:
            self._out.write(text.encode("ascii"))

    def flush(self) -> None:
        """Hand on what the file has buffered."""
        self._out.flush()

    def _text(self, batch: Batch) -> str:
        template, columns = self._table(batch)
        # One formatting of all rows together: the call a row would cost as much as its fields do.
        return template * len(batch) % tuple(chain.from_iterable(zip(*columns, strict=True)))

    def _lines(self, batch: Batch) -> Iterable[str]:
        template, columns = self._table(batch)
        return map(template.__mod__, zip(*columns, strict=True))

    def _table(self, batch: Batch) -> tuple[str, list[Iterable[Any]]]:
        """A `%` template of a line, and what goes into it, a column for each place."""
        table = _Table()
        table.add(_HEAD + '"event","ts":%d', batch.ts.tolist())
        table.add(',"cpu":%d', batch.cpu.tolist())
        table.add(',"pid":%d', batch.pid.tolist())
        if batch.tgid is not None:
            table.add("%s", [f',"tgid":{tgid}' if tgid else "" for tgid in batch.tgid.tolist()])
        table.add(',"comm":%s', _strings(batch.comm))
        table.add(',"flags":%s', _strings(batch.flags))
        group = self._groups.get(batch.event)
        if group is not None:
            table.literal(f',"group":{_to_json(group)}')
        table.literal(f',"event":{_to_json(batch.event)}')
        for name, strings in (("ip", batch.place), ("func", batch.func), ("ret_ip", batch.ret_ip)):
            if strings is not None:
                table.add(f',"{name}":%s', _strings(strings))
        if batch.kind == "text":
            table.add(',"body":%s', _column(batch["body"])[1])
        else:
            table.literal(',"args":{')
            for i, (name, column) in enumerate(batch.columns.items()):
                table.literal(("," if i else "") + _to_json(name) + ":")
                table.add(*_column(column))
            table.literal("}")
        table.literal("}\n")
        return table.template, table.columns


class _Table:
    """A template that grows from left to right with its columns."""

    def __init__(self) -> None:
        self.template = ""
        self.columns: list[Iterable[Any]] = []

    def add(self, template: str, column: Iterable[Any]) -> None:
        self.template += template
        self.columns.append(column)

    def literal(self, text: str) -> None:
        self.template += text.replace("%", "%%")


def _column(column: Column) -> tuple[str, Iterable[Any]]:
    """The conversion, and the values for it."""
    if isinstance(column, Strings):
        return "%s", _strings(column)
    if column.ndim == 1 and column.dtype.kind in "iu":
        return "%d", column.tolist()
    if column.dtype.kind in "iuO":
        return "%s", map(_to_json, column.tolist())
    raise TypeError(f"no JSON for a column of {column.dtype}")


def _strings(strings: Strings) -> list[str]:
    values = list(map(_to_json, strings.values))  # each distinct text is spelled once
    return [values[code] for code in strings.codes.tolist()]


def _mark(mark: Mark) -> str:
    if isinstance(mark, Lost):
        return f'{_HEAD}"lost","cpu":{_to_json(mark.cpu)},"count":{_to_json(mark.count)}}}\n'
    if isinstance(mark, Missed):
        return f'{_HEAD}"missed","event":{_to_json(mark.event)},"count":{mark.count}}}\n'
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
        return f'{_HEAD}"stack",{_to_json(stack)[1:]}\n'
    assert_never(mark)
