"""Texts as a source of chunks, with what `ktrace report` and `ktrace sql` ask of a recording.

What a text holds is known when it was read. It is read twice: first for the events and their fields, then for
their records; memory use does not grow with it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import TracebackType
from typing import NamedTuple

import numpy as np

from ktrace.errors import Damaged
from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Column, Strings
from ktrace.model.format import Field, Format
from ktrace.storage.input import Watch
from ktrace.stream.merge_files import together
from ktrace.stream.origins import named, stems
from ktrace.stream.recording import HeadColumns, Wanted
from ktrace.texts.kind import Kind
from ktrace.texts.reader import TextReader
from ktrace.tracedat.contents import Contents
from ktrace.tracedat.source import FileBytes

_PIECE = 1 << 20  # bytes of text that are read at a time
_PROBES = {"entry": ("__probe_ip",), "return": ("__probe_func", "__probe_ret_ip")}


@dataclass(slots=True)
class _Seen:
    """The kinds and fields of one event's records, in all texts.

    Attributes:
        kinds: the kinds of their batches.
        fields: of each field, its C type, the length of an array or 0, and whether it is signed.
    """

    kinds: set[str] = field(default_factory=set)
    fields: dict[str, tuple[str, int, bool]] = field(default_factory=dict)


class _Scanned(NamedTuple):
    """The content of texts that were read once.

    Attributes:
        forms: the events with their fields, by name.
        ticks: whether a time counts something other than nanoseconds.
        cpus: the CPUs that have records.
    """

    forms: dict[str, Format]
    ticks: bool
    cpus: set[int]


class TextRecording:
    """Texts, read as one stream. The attributes and methods are those of `Recording`.

    Args:
        files: the texts; they are closed with this.
        watch: is told how many bytes have been read to find the events.
        kind: the kind of text; None to find out.
        formats: formats of events, to read the fields of those whose text is not known otherwise.

    Attributes:
        done: bytes that have been read of `size` bytes, since the events are known.
    """

    def __init__(
        self,
        files: Sequence[FileBytes],
        watch: Watch = lambda _: None,
        kind: Kind | None = None,
        formats: Sequence[Format] = (),
    ) -> None:
        self.since: int | None = None
        self.until: int | None = None
        self.contents: Sequence[Contents] = ()
        self.problems = [file.problem for file in files if file.problem is not None]
        self.done = 0
        self.size = sum(file.size for file in files)
        self._files = tuple(files)
        self._watch = watch
        self._kind, self._known = kind, formats
        self._groups: dict[str, str] = {}
        self._last_notes: list[list[str]] = [[] for _ in files]

    def __enter__(self) -> "TextRecording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self._files:
            file.close()

    @property
    def notes(self) -> list[str]:
        """Return remarks for the user: the kind of each text, and how many lines were not understood."""
        several = len(self._files) > 1
        found = zip(self._files, self._last_notes, strict=True)
        return [f"{file.name}: {note}" if several else note for file, notes in found for note in notes]

    @property
    def ticks(self) -> bool:
        """Return whether times count something other than nanoseconds."""
        return self._scanned.ticks

    @property
    def cpus(self) -> set[int] | None:
        """Return the CPUs that have records; None if there are no records."""
        return self._scanned.cpus or None

    def texts(self) -> Iterator[bytes]:
        """Yield nothing: all of a text is in its chunks."""
        return iter(())

    def groups(self) -> dict[str, str]:
        """Return the group of each event that has one."""
        return {form.name: form.system for form in self.formats() if form.system}

    def fields(self) -> dict[str, tuple[str, ...]]:
        """Return the field names of each event."""
        return {form.name: tuple(one.name for one in form.args) for form in self.formats()}

    def formats(self) -> list[Format]:
        """Return the events with their fields, as if a kernel had recorded them."""
        return list(self._scanned.forms.values())

    def heads(self, *_: object) -> Iterator[HeadColumns] | None:
        """Return None: no columns can be read without the others."""
        return None

    def chunks(self, wanted: Wanted | None = None, **_: bool) -> Iterator[Chunk]:
        """Yield all records, those of several texts merged by time."""
        streams = [self._chunks(number, wanted) for number in range(len(self._files))]
        if len(streams) == 1:
            yield from streams[0]
        else:
            yield from together(list(map(named, streams, stems([file.name for file in self._files]))))

    def _chunks(self, number: int, wanted: Wanted | None) -> Iterator[Chunk]:
        forms = self._scanned.forms
        for chunk in self._read(number):
            batches = []
            for batch in chunk.batches:
                form = forms[batch.event]
                if wanted is None or wanted(form) is not None:
                    batches.append(replace(batch, format=form) if form.system else batch)
            yield Chunk(tuple(batches), chunk.marks if wanted is None else ())

    def _read(self, number: int) -> Iterator[Chunk]:
        reader = TextReader(self._kind, self._known)
        file, at = self._files[number], 0
        while piece := file.read_up_to(at, _PIECE):
            at += len(piece)
            self.done += len(piece)
            yield reader.feed(piece)
        yield reader.finish()
        if reader.unparsed and not reader.events + reader.lost:
            known = f"; {reader.advice}" if reader.advice else ""
            raise Damaged(
                f"not a trace.dat file, and no line is understood as text of a trace{known}",
                source=file.name,
                offset=0,
                hint="ktrace parse --help",
            )
        self._groups |= reader.groups
        notes = list(reader.notes)
        if reader.unparsed:
            notes.append(f"{reader.unparsed} lines not understood")
        self._last_notes[number] = notes

    @cached_property
    def _scanned(self) -> _Scanned:
        """Return what all texts have."""
        seen: dict[str, _Seen] = {}
        cpus: set[int] = set()
        ticks = False
        for number in range(len(self._files)):
            for chunk in self._read(number):
                self._watch(self.done)
                for batch in chunk.batches:
                    ticks |= batch.ticks
                    cpus |= set(np.unique(batch.cpu).tolist())
                    _see(seen.setdefault(batch.event, _Seen()), batch)
        self.done = 0
        forms = {
            name: _format(name, self._groups.get(name, ""), number, one)
            for number, (name, one) in enumerate(seen.items(), 1)
        }
        return _Scanned(forms, ticks, cpus)


def _see(seen: _Seen, batch: Batch) -> None:
    seen.kinds.add(batch.kind)
    for name, column in batch.columns.items():
        found = _type(column)
        known = seen.fields.get(name, found)
        if known[:2] != found[:2]:
            known = ("char", 0, False)  # a number here, text there: text holds both
        seen.fields[name] = (known[0], known[1], known[2] and found[2])


def _type(column: Column) -> tuple[str, int, bool]:
    """Return the C type, the length of an array or 0, and whether numbers are signed."""
    if isinstance(column, Strings) or column.dtype == object:
        return "char", 0, False
    return (
        "s64",
        column.shape[1] if column.ndim == 2 else 0,
        bool(np.issubdtype(column.dtype, np.signedinteger)),
    )


def _format(name: str, group: str, number: int, seen: _Seen) -> Format:
    fields = [
        Field(probe, "unsigned long", 8 * i, 8, False)
        for i, probe in enumerate(one for kind in sorted(seen.kinds) for one in _PROBES.get(kind, ()))
    ]
    at = 8 * len(fields)
    for own, (ctype, length, signed) in seen.fields.items():
        if ctype == "char":
            fields.append(Field(own, "char", at, 4, False, "data_loc"))
        elif length:
            fields.append(Field(own, "s64" if signed else "u64", at, 8 * length, signed, "array", length))
        else:
            fields.append(Field(own, "s64" if signed else "u64", at, 8, signed))
        at += fields[-1].size
    return Format(group, name, number, tuple(fields))
