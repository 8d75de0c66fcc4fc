"""Parse the fields of static events out of their text, where the form of their text is known."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import compress
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Column, Strings
from ktrace.model.format import Format
from ktrace.texts import arguments
from ktrace.texts.events import templates
from ktrace.texts.graph import ENTRY, EXIT, read_call
from ktrace.texts.records import Value, column_of
from ktrace.texts.template import Template

_GRAPH = (ENTRY, EXIT)
_CALL = re.compile(r"sys_\w+\((.*)\)\Z", re.DOTALL)
_RESULT = re.compile(r"(?:sys_\w+ -> )?0x([0-9a-f]{1,16})\Z")
_FUNCTION = re.compile(
    r"([^\s(<]+(?: \[[^\]]*\])?)(?:\((.*)\))? <--? ?(\S+(?: \[[^\]]{0,64}\])?)\Z", re.DOTALL
)

_Group: TypeAlias = tuple[NDArray[np.int64], dict[str, Column] | None]
"""Codes of texts, and their fields, a row each; None if their form is not known."""


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
        codes = np.flatnonzero(np.bincount(body.codes, minlength=len(body.values)))
        texts = [body.values[code] or "" for code in codes.tolist()]
        groups: list[_Group] = []
        for template in () if _is_special(batch.event) else self._templates(batch.event):
            spelled = template.read(texts)
            known = np.array([found is not None for found in spelled], np.bool_)
            if known.any():
                groups.append((codes[known], template.columns(list(filter(None, spelled)))))
            if known.all():
                codes, texts = codes[:0], []
                break
            codes, texts = codes[~known], list(compress(texts, ~known))
        if texts:
            groups += _other_groups(batch.event, codes, texts)
        return [_part(batch, body, *group, alone=len(groups) == 1) for group in groups]

    def _templates(self, event: str) -> tuple[Template, ...]:
        """Return the templates of an event: those of the given formats first."""
        if event not in self._made:
            given = filter(None, map(Template.of_format, self._formats.get(event, ())))
            self._made[event] = (*given, *templates(event))
        return self._made[event]

    def _knows(self, event: str) -> bool:
        return _is_special(event) or event in _GRAPH or bool(self._templates(event))


def _is_special(event: str) -> bool:
    """Return whether an event's text is not that of a `print fmt`."""
    return event == "function" or event.startswith(("sys_enter_", "sys_exit_"))


def _other_groups(event: str, codes: NDArray[np.int64], texts: Sequence[str]) -> list[_Group]:
    """Return the fields of texts that no template reads, grouped by the names of the fields."""
    found: dict[tuple[str, ...] | None, tuple[list[int], list[tuple[Value, ...]]]] = {}
    for i, text in enumerate(texts):
        fields = _read(event, text)
        places, rows = found.setdefault(None if fields is None else tuple(fields), ([], []))
        places.append(i)
        rows.append(tuple((fields or {}).values()))
    groups: list[_Group] = []
    for names, (places, rows) in found.items():
        columns = map(column_of, zip(*rows, strict=True))
        groups.append((codes[places], None if names is None else dict(zip(names, columns, strict=True))))
    return groups


def _read(event: str, text: str) -> dict[str, Value] | None:
    """Return the fields of a text; None if its form is not known."""
    if event.startswith("sys_enter_"):
        call = _CALL.match(text)
        return arguments.named(call[1] if call else text, bare_hex=call is not None)
    if event.startswith("sys_exit_"):
        value = _RESULT.match(text)
        return {"ret": arguments.signed(int(value[1], 16))} if value else None
    if event in _GRAPH:
        return read_call(text)
    match = _FUNCTION.match(text) if event == "function" else None
    if match is None:
        return None
    args: dict[str, Value] = {} if match[2] is None else {"args": match[2]}
    return {"ip": match[1], "parent_ip": match[3], **args}


# many parameters: a batch, its texts, and what one group of them holds
def _part(
    batch: Batch, body: Strings, codes: NDArray[np.int64], columns: dict[str, Column] | None, *, alone: bool
) -> Batch:
    """Return the rows whose text is of one group."""
    at = np.full(len(body.values), -1, np.int64)
    at[codes] = np.arange(len(codes))
    places = at[body.codes]
    if not alone:
        rows = np.flatnonzero(places >= 0)
        batch, body, places = batch.take(rows), body.take(rows), places[rows]
    if columns is None:
        return batch
    read = {name: c.take(places) if isinstance(c, Strings) else c[places] for name, c in columns.items()}
    return replace(batch, kind="fields", columns=read, body=body)


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
