"""Parse the fields of static events out of their text, where the form of their text is known."""

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Strings
from ktrace.model.format import Format
from ktrace.texts import arguments
from ktrace.texts.events import templates
from ktrace.texts.graph import ENTRY, EXIT, read_call
from ktrace.texts.records import Value, column_of
from ktrace.texts.template import Template

_CALL = re.compile(r"sys_\w+\((.*)\)\Z", re.DOTALL)
_RESULT = re.compile(r"(?:sys_\w+ -> )?0x([0-9a-f]{1,16})\Z")
_FUNCTION = re.compile(
    r"([^\s(<]+(?: \[[^\]]*\])?)(?:\((.*)\))? <--? ?(\S+(?: \[[^\]]{0,64}\])?)\Z", re.DOTALL
)


class Fields:
    """Turns records of kind `text` into records of kind `fields`.

    Args:
        formats: formats of events, for texts that are not among those of `ktrace.texts.events`.

    Attributes:
        ends_calls: whether calls that are one line with a duration, as trace-cmd prints them, get a record of
            their end.
    """

    def __init__(self, formats: Iterable[Format] = ()) -> None:
        self.ends_calls = False
        self._formats: dict[str, list[Format]] = {}
        self._made: dict[str, tuple[Template, ...]] = {}
        for one in formats:
            self._formats.setdefault(one.name, []).append(one)

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the chunk with the fields that can be read."""
        batches = [part for batch in chunk.batches for part in self._parts(batch)]
        if not self.ends_calls:
            return Chunk(tuple(batches), chunk.marks)
        # Twice as many positions, for the ends that are not lines.
        spread = [replace(batch, seq=batch.seq * 2) for batch in batches]
        marks = tuple(replace(mark, seq=mark.seq * 2) for mark in chunk.marks)
        return Chunk(tuple(part for batch in spread for part in _with_ends(batch)), marks)

    def _parts(self, batch: Batch) -> list[Batch]:
        body = batch.columns.get("body")
        if batch.kind != "text" or not isinstance(body, Strings) or not self._knows(batch.event):
            return [batch]
        used = np.unique(body.codes)
        found = {int(code): self.read(batch.event, body.values[code] or "") for code in used}
        groups: dict[tuple[str, ...] | None, list[int]] = {}
        for code, fields in found.items():
            groups.setdefault(None if fields is None else tuple(fields), []).append(code)
        return [_part(batch, body, found, names, codes) for names, codes in groups.items()]

    def _templates(self, event: str) -> tuple[Template, ...]:
        """Return the templates of an event: those of the given formats first."""
        if event not in self._made:
            given = filter(None, map(Template.of_format, self._formats.get(event, ())))
            self._made[event] = (*given, *templates(event))
        return self._made[event]

    def _knows(self, event: str) -> bool:
        special = event == "function" or event.startswith(("sys_enter_", "sys_exit_", "funcgraph_"))
        return special or bool(self._templates(event))

    def read(self, event: str, text: str) -> dict[str, Value] | None:
        """Return the fields of a text; None if its form is not known."""
        if event.startswith("sys_enter_"):
            call = _CALL.match(text)
            return arguments.named(call[1] if call else text, bare_hex=call is not None)
        if event.startswith("sys_exit_"):
            value = _RESULT.match(text)
            return {"ret": arguments.signed(int(value[1], 16))} if value else None
        if event.startswith("funcgraph_") and (drawn := read_call(text)) is not None:
            return drawn
        if event == "function":
            match = _FUNCTION.match(text)
            if match is None:
                return None
            args: dict[str, Value] = {} if match[2] is None else {"args": match[2]}
            return {"ip": match[1], "parent_ip": match[3], **args}
        for template in self._templates(event):
            fields = template.read(text)
            if fields is not None:
                return fields
        return None


def _part(
    batch: Batch,
    body: Strings,
    found: dict[int, dict[str, Value] | None],
    names: tuple[str, ...] | None,
    codes: list[int],
) -> Batch:
    """Return the rows whose text has these fields."""
    rows = np.flatnonzero(np.isin(body.codes, codes))
    some = batch.take(rows)
    if names is None:
        return some
    texts = body.take(rows)
    index = {code: i for i, code in enumerate(codes)}
    at = np.array([index[code] for code in texts.codes.tolist()], np.int64)
    columns = {}
    for name in names:
        values = column_of([(found[code] or {})[name] for code in codes])
        columns[name] = values.take(at) if isinstance(values, Strings) else values[at]
    return replace(some, kind="fields", columns=columns, body=texts)


def _with_ends(batch: Batch) -> list[Batch]:
    """Return the records of calls that are one line as their begin and their end, any other as they are."""
    duration = batch.columns.get("duration")
    if batch.event != ENTRY or batch.kind != "fields" or duration is None or isinstance(duration, Strings):
        return [batch]
    begin = {name: column for name, column in batch.columns.items() if name != "duration"}
    ends = Strings.of(f"}} /* {func} */" for func in batch.columns["func"].tolist())
    return [
        replace(batch, columns=begin),
        replace(batch, event=EXIT, seq=batch.seq + 1, ts=batch.ts + duration, body=ends),
    ]
