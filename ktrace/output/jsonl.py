"""JSON Lines: one record a line, in stream order. docs/json.md describes the schema.

Pure ASCII, whatever the kernel's strings hold: nothing in them can steer a terminal.
"""

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from json import JSONEncoder
from typing import Any, BinaryIO, assert_never

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk, Column, Lost, Mark, Missed, Stack, Strings, Unparsed
from ktrace.output.order import in_order

SCHEMA = 1
"""Changes when a reader of the old one could misunderstand the new one; see docs/json.md."""

_JOINED_MAX = 512  # texts in a dictionary that stands for several

_HEAD = f'{{"schema":{SCHEMA},"type":'

_to_json: Callable[[Any], str] = JSONEncoder(separators=(",", ":")).encode


class JsonLines:
    """Writes each chunk as lines of JSON.

    Args:
        out: a binary file, or whatever has its `write`.
        groups: the group of an event, by its name, where it is known.
        names: by event, then by argument: names of an enum's values.
    """

    def __init__(
        self,
        out: BinaryIO,
        groups: Mapping[str, str] | None = None,
        names: Mapping[str, Mapping[str, Mapping[int, str]]] | None = None,
    ) -> None:
        self._out = out
        self._groups = groups or {}
        self._names = names or {}

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
        table.literal(_HEAD + '"event","ts":')
        table.add(batch.ts)
        table.literal(',"cpu":')
        table.add_choices([str(cpu) for cpu in range(max(batch.cpu.tolist(), default=-1) + 1)], batch.cpu)
        table.literal(',"pid":')
        table.add(batch.pid)
        if batch.tgid is not None:
            table.add_each("%s", [f',"tgid":{tgid}' if tgid else "" for tgid in batch.tgid.tolist()])
        table.literal(',"comm":')
        table.add(batch.comm)
        table.literal(',"flags":')
        table.add(batch.flags)
        group = self._groups.get(batch.event)
        if group is not None:
            table.literal(f',"group":{_to_json(group)}')
        table.literal(f',"event":{_to_json(batch.event)}')
        for name, strings in (("ip", batch.place), ("func", batch.func), ("ret_ip", batch.ret_ip)):
            if strings is not None:
                table.literal(f',"{name}":')
                table.add(strings)
        if batch.kind == "text":
            table.literal(',"body":')
            table.add(batch["body"])
            table.literal("}\n")
            return table.finish()
        table.literal(',"args":{')
        for i, (name, column) in enumerate(batch.columns.items()):
            table.literal(("," if i else "") + _to_json(name) + ":")
            table.add(column)
        self._add_names(table, batch)
        table.literal("}}\n")
        return table.finish()

    def _add_names(self, table: "_Table", batch: Batch) -> None:
        """`names`, beside the numbers in `args`: of arguments that are enums."""
        begin = '},"names":{'
        for name, names in self._names.get(batch.event, {}).items():
            column = batch.columns.get(name)
            if column is None or isinstance(column, Strings):
                continue
            table.literal(begin + _to_json(name) + ":")
            begin = ","
            if column.ndim == 1:
                values, codes = np.unique(column, return_inverse=True)
                table.add_choices([_to_json(names.get(v)) for v in values.tolist()], codes.astype(np.int32))
            else:
                rows = [[names.get(v) for v in row] for row in column.tolist()]
                table.add_each("%s", map(_to_json, rows))


class _Table:
    """A template that grows from left to right with its columns.

    Neighbours that are dictionary-encoded are joined within one dictionary: to put one text in its place
    in each row costs as much as three texts do that are joined already.
    """

    def __init__(self) -> None:
        self._template = ""
        self._columns: list[Iterable[Any]] = []
        self._choices: tuple[list[str], NDArray[Any]] | None = None  # texts, and which of them each row has
        self._literal = ""  # what comes after those

    def literal(self, text: str) -> None:
        """The same text in each row."""
        self._literal += text

    def add(self, column: Column) -> None:
        """The values of each row."""
        if isinstance(column, Strings):
            self.add_choices([_to_json(value) for value in column.values], column.codes)
        elif column.ndim == 1 and column.dtype.kind in "iu":
            self.add_each("%d", column.tolist())
        elif column.dtype.kind in "iuO":
            self.add_each("%s", map(_to_json, column.tolist()))
        else:
            raise TypeError(f"no JSON for a column of {column.dtype}")

    def add_choices(self, texts: list[str], codes: NDArray[Any]) -> None:
        """One of several texts in each row."""
        if self._choices and len(self._choices[0]) * len(texts) <= _JOINED_MAX:
            before, rows = self._choices
            codes = rows * np.int32(len(texts)) + codes
            texts = [a + self._literal + b for a in before for b in texts]
            self._literal = ""
        else:
            self._flush()
        self._choices = (texts, codes)

    def add_each(self, conversion: str, column: Iterable[Any]) -> None:
        """A value of its own in each row."""
        self._flush()
        self._template += conversion
        self._columns.append(column)

    def finish(self) -> tuple[str, list[Iterable[Any]]]:
        """The template and its columns."""
        self._flush()
        return self._template, self._columns

    def _flush(self) -> None:
        if self._choices:
            texts, codes = self._choices
            self._template += "%s"
            self._columns.append([texts[code] for code in codes.tolist()])
            self._choices = None
        self._template += self._literal.replace("%", "%%")
        self._literal = ""


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
