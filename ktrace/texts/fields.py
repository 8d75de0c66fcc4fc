"""Parse the fields of static events out of their text, where the form of their text is known."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import compress
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk, Mark, Unparsed
from ktrace.model.column import Column, Strings
from ktrace.model.format import Format
from ktrace.texts import arguments
from ktrace.texts.call_names import CallNames
from ktrace.texts.events import templates
from ktrace.texts.graph import ENTRY, EXIT, read_call
from ktrace.texts.named_fields import has_both, named_fields
from ktrace.texts.records import Value, column_of
from ktrace.texts.template import Template
from ktrace.tracefs.text_tracers import TRACERS, tracer_fields

_CALL = re.compile(r"sys_\w+\((.*)\)\Z", re.DOTALL)

_HEX_LIST = re.compile(r"(?:0x)?[0-9a-f]{1,16}(?:, (?:0x)?[0-9a-f]{1,16}){5}\Z")
_RESULT = re.compile(r"(?:sys_\w+ -> )?0x([0-9a-f]{1,16})\Z")

_Group: TypeAlias = tuple[NDArray[np.int64], dict[str, Column] | None]
"""Numbers of texts, and their fields, a row each; None if their form is not known."""


class Fields:
    """Turns records of kind `text` into records of kind `fields`.

    Args:
        formats: formats of events, for texts that are not among those of `ktrace.texts.events`.

    Attributes:
        ends_calls: whether calls that are one line with a duration, as trace-cmd prints them, get a record of
            their end.
        names_calls: whether the ends of calls lack the function.
        unparsed: number of lines that were found not to belong to the record before them.
    """

    def __init__(self, formats: Iterable[Format] = ()) -> None:
        self.ends_calls = False
        self.unparsed = 0
        self.names_calls = True
        self._names = CallNames()
        self._formats: dict[str, list[Format]] = {}
        self._made: dict[str, tuple[Template, ...]] = {}
        for one in formats:
            self._formats.setdefault(one.name, []).append(one)

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the chunk with the fields that can be read."""
        marks = list(chunk.marks)
        batches = [part for batch in chunk.batches for part in self._parts(self._one_line(batch, marks))]
        if self.ends_calls:
            # Twice as many positions, for the ends that are not lines.
            spread = [replace(batch, seq=batch.seq * 2) for batch in batches]
            marks = [replace(mark, seq=mark.seq * 2) for mark in marks]
            batches = [part for batch in spread for part in _with_ends(batch)]
        made = Chunk(tuple(batches), tuple(marks))
        return self._names(made) if self.names_calls else made

    def _one_line(self, batch: Batch, marks: list[Mark]) -> Batch:
        """Return a batch without the lines that follow a record and do not belong to it.

        The kernel does not say where a text ends. That of an event whose form is known is one line; other
        lines are of whoever pasted the trace, and become marks.
        """
        body = batch.columns.get("body")
        if batch.kind != "text" or not isinstance(body, Strings) or not self._templates(batch.event):
            return batch
        several = {code: text for code, text in enumerate(body.values) if text and "\n" in text}
        unknown = self._unknown(batch.event, several)
        firsts = {code: text.partition("\n")[0] for code, text in unknown.items()}
        cut = {code: text for code, text in firsts.items() if code not in self._unknown(batch.event, firsts)}
        if not cut:
            return batch
        for row in np.flatnonzero(np.isin(body.codes, list(cut))).tolist():
            lines = (body.values[body.codes[row]] or "").split("\n")[1:]
            for number, line in enumerate(lines, 1):
                if line.strip():
                    marks.append(
                        Unparsed(int(batch.seq[row]) + number, line.encode("utf-8", "surrogateescape"))
                    )
                    self.unparsed += 1
        marks.sort(key=lambda mark: mark.seq)
        values = tuple(cut.get(code, text) for code, text in enumerate(body.values))
        return replace(batch, columns={"body": Strings(body.codes, values)})

    def _unknown(self, event: str, texts: dict[int, str]) -> dict[int, str]:
        """Return those of some texts whose form is not known."""
        groups = self._groups(event, np.array(list(texts), np.int64), list(texts.values()))
        return {code: texts[code] for codes, columns in groups if columns is None for code in codes.tolist()}

    def _parts(self, batch: Batch) -> list[Batch]:
        body = batch.columns.get("body")
        if batch.kind != "text" or not isinstance(body, Strings):
            return [batch]
        if not self._knows(batch.event) and not has_both(next(iter(body.values), "") or ""):
            return [batch]
        codes = np.flatnonzero(np.bincount(body.codes, minlength=len(body.values)))
        texts = [body.values[code] or "" for code in codes.tolist()]
        groups = self._groups(batch.event, codes, texts)
        return [_part(batch, body, *group, alone=len(groups) == 1) for group in groups]

    def _templates(self, event: str) -> tuple[Template, ...]:
        """Return the templates of an event: those of the given formats first."""
        if event not in self._made:
            given = filter(None, map(Template.of_format, self._formats.get(event, ())))
            self._made[event] = (*given, *templates(event))
        return self._made[event]

    def _knows(self, event: str) -> bool:
        special = event in TRACERS or event in (ENTRY, EXIT) or _is_system_call(event)
        return special or bool(self._templates(event))

    def _groups(self, event: str, codes: NDArray[np.int64], texts: list[str]) -> list[_Group]:
        """Return the fields of texts, grouped by how they are read and by the names of the fields."""
        groups: list[_Group] = []
        if event in TRACERS:
            traced = [_of_tracer(event, text) for text in texts]
            groups += _by_names(codes, traced, known_only=True)
            codes, texts = _without(traced, codes, texts)
        for template in () if _is_system_call(event) else self._templates(event):
            spelled = template.read(texts)
            if any("\n" in text for text in texts):
                spelled = [found if template.is_plausible(found) else None for found in spelled]
            rows = list(filter(None, spelled))
            if rows:
                known = np.array([found is not None for found in spelled], np.bool_)
                groups.append((codes[known], _with_numbers(event, template.columns(rows))))
                codes, texts = _without(spelled, codes, texts)
            if not texts:
                break
        return groups + _by_names(codes, [self._read(event, text) for text in texts])

    def _read(self, event: str, text: str) -> dict[str, Value] | None:
        """Return the fields of a text that no template reads; None if its form is not known."""
        if event.startswith("sys_enter_"):
            call = _CALL.match(text)
            found = arguments.named(call[1] if call else text, bare_hex=call is not None)
            return named_fields(text, {}) if found is None else found
        if event.startswith("sys_exit_"):
            value = _RESULT.match(text)
            return {"ret": arguments.signed(int(value[1], 16))} if value else named_fields(text, {})
        if event in (ENTRY, EXIT) and (drawn := read_call(text)) is not None:
            return drawn
        if "\n" in text:
            return None
        known = self._templates(event)
        kinds = {name: kind for one in known for name, kind in one.kinds.items()}
        found = named_fields(text, kinds) if kinds or has_both(text) else None
        # A line that was cut or wrapped has some of the fields.
        is_whole = found is not None and (not known or any(found.keys() >= set(one.fields) for one in known))
        return found if is_whole else None


def _is_system_call(event: str) -> bool:
    return event.startswith(("sys_enter_", "sys_exit_"))


def _without(
    found: Sequence[object], codes: NDArray[np.int64], texts: Sequence[str]
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the texts of which nothing was found."""
    left = [one is None for one in found]
    return codes[np.array(left, np.bool_)], list(compress(texts, left))


def _by_names(
    codes: NDArray[np.int64], found: Iterable[dict[str, Value] | None], *, known_only: bool = False
) -> list[_Group]:
    """Return the fields of texts, grouped by the names of the fields."""
    groups: dict[tuple[str, ...] | None, tuple[list[int], list[tuple[Value, ...]]]] = {}
    for i, fields in enumerate(found):
        if fields is None and known_only:
            continue
        places, rows = groups.setdefault(None if fields is None else tuple(fields), ([], []))
        places.append(i)
        rows.append(tuple((fields or {}).values()))
    return [
        (
            codes[places],
            None if names is None else dict(zip(names, map(column_of, zip(*rows, strict=True)), strict=True)),
        )
        for names, (places, rows) in groups.items()
    ]


def _with_numbers(event: str, columns: dict[str, Column]) -> dict[str, Column]:
    """Return the fields of an event, with the arguments of a system call as the array that they are."""
    args = columns.get("args")
    if event != "sys_enter" or not isinstance(args, Strings):
        return columns
    texts = [text or "" for text in args.tolist()]
    if not all(map(_HEX_LIST.match, texts)):
        return columns
    return {
        **columns,
        "args": np.array([[int(one, 16) for one in text.split(", ")] for text in texts], np.uint64),
    }


_WORDS = frozenset(
    (
        *("ip", "parent_ip", "args", "func", "next_comm", "file", "context", "prev_state", "next_state"),
        *("dev", "cgroup", "action", "rwbs", "comm", "cmd", "old_dev", "msg"),
    )
)


def _of_tracer(event: str, text: str) -> dict[str, Value] | None:
    found = tracer_fields(event, text)
    if found is None:
        return None
    if found.keys() <= _WORDS:  # functions
        return dict(found)
    return {name: value if name in _WORDS else int(value) for name, value in found.items()}


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
