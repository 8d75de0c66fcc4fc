"""Texts as a source of chunks, with what `ktrace report` and `ktrace sql` ask of a recording.

What a text holds is known when it was read. It is read twice: first for the events and their fields, then for
their records; memory use does not grow with it. Standard input is kept in a temporary file between the two.
"""

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType

import numpy as np

from ktrace.errors import Damaged, UsageError
from ktrace.model.batch import Batch, Chunk, Lost, Stack
from ktrace.model.column import Column, Strings
from ktrace.model.format import Field, Format
from ktrace.stream.merge_files import together
from ktrace.stream.recording import HeadColumns, Wanted
from ktrace.texts.reader import TextReader
from ktrace.tracedat.contents import Contents
from ktrace.tracefs.text_file import pieces_of

_BEGINS = (b"\x17\x08D", b"\x1f\x8b", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"BZh")
"""How a recording begins, or something compressed."""

_LOOK = 1 << 12
_PROBES = {"entry": ("__probe_ip",), "return": ("__probe_func", "__probe_ret_ip")}


def is_text(path: str) -> bool:
    """Return whether a file is text, or cannot be anything else; standard input is.

    A file that cannot be read, or is empty, is not: who opens it as a recording says why. A pipe is not read.
    """
    if path == "-":
        return True
    try:
        if not Path(path).is_file():
            return False
        with Path(path).open("rb") as file:
            begin = file.read(_LOOK)
    except OSError:
        return False
    if begin.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    return bool(begin.strip()) and not begin.startswith(_BEGINS) and b"\0" not in begin


def all_are_text(paths: Sequence[str]) -> bool:
    """Return whether the files are texts, and not recordings.

    Raises:
        UsageError: some are, and some are not.
    """
    texts = [path for path in paths if is_text(path)]
    if texts and len(texts) < len(paths):
        raise UsageError(f"{texts[0]} is text, and not all files are", hint="texts or recordings, not both")
    return bool(texts)


@dataclass(slots=True)
class _Seen:
    """What the records of one event have, of all texts.

    Attributes:
        kinds: the kinds of their batches.
        fields: of each field, its C type, the length of an array or 0, and whether it is signed.
    """

    kinds: set[str] = field(default_factory=set)
    fields: dict[str, tuple[str, int, bool]] = field(default_factory=dict)


class TextRecording:
    """Texts, read as one stream. The attributes and methods are those of `Recording`.

    Args:
        paths: files; `-` is standard input.
    """

    def __init__(self, paths: Sequence[str]) -> None:
        self.since: int | None = None
        self.contents: Sequence[Contents] = ()
        self.problems: list[Damaged] = []
        self._close = ExitStack()
        self._shown = list(paths)
        self._groups: dict[str, str] = {}
        try:
            self._paths = [self._kept() if path == "-" else path for path in paths]
        except BaseException:
            self._close.close()
            raise
        self._last_notes: dict[str, list[str]] = {}
        self.done, self.size = 0, 0

    def __enter__(self) -> "TextRecording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close.close()

    def _kept(self) -> str:
        file = self._close.enter_context(TemporaryFile(prefix="ktrace-"))  # noqa: SIM115 -- as it is
        shutil.copyfileobj(sys.stdin.buffer, file)
        file.flush()
        return f"/proc/{os.getpid()}/fd/{file.fileno()}"

    @property
    def notes(self) -> list[str]:
        """Return remarks for the user: the kind of each text, and how many lines were not understood."""
        several = len(self._shown) > 1
        return [f"{shown}: {note}" if several else note
                for shown in self._shown for note in self._last_notes.get(shown, [])]  # fmt: skip

    @property
    def ticks(self) -> bool:
        """Return whether times count something other than nanoseconds."""
        return self._scanned[1]

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
        return list(self._scanned[0].values())

    def heads(self, *_: object) -> Iterator[HeadColumns] | None:
        """Return None: no columns can be read without the others."""
        return None

    def chunks(self, wanted: Wanted | None = None, **_: bool) -> Iterator[Chunk]:
        """Yield all records, those of several texts merged by time."""
        streams = [
            self._chunks(path, shown, wanted) for path, shown in zip(self._paths, self._shown, strict=True)
        ]
        if len(streams) == 1:
            yield from streams[0]
        else:
            yield from together(list(map(_named, streams, map(_stem, self._shown))))

    def _chunks(self, path: str, shown: str, wanted: Wanted | None) -> Iterator[Chunk]:
        forms = self._scanned[0]
        for chunk in self._read(path, shown):
            batches = []
            for batch in chunk.batches:
                form = forms[batch.event]
                if wanted is None or wanted(form) is not None:
                    batches.append(replace(batch, format=form) if form.system else batch)
            yield Chunk(tuple(batches), chunk.marks if wanted is None else ())

    def _read(self, path: str, shown: str) -> Iterator[Chunk]:
        reader = TextReader()
        for piece in pieces_of(path):
            if piece:
                yield reader.feed(piece)
        yield reader.finish()
        self._groups |= reader.groups
        notes = list(reader.notes)
        if reader.unparsed:
            notes.append(f"{reader.unparsed} lines not understood")
        self._last_notes[shown] = notes

    @cached_property
    def _scanned(self) -> tuple[dict[str, Format], bool]:
        """Return the events of all texts, and whether a time counts something other than nanoseconds."""
        seen: dict[str, _Seen] = {}
        ticks = False
        for path, shown in zip(self._paths, self._shown, strict=True):
            for chunk in self._read(path, shown):
                for batch in chunk.batches:
                    ticks |= batch.ticks
                    _see(seen.setdefault(batch.event, _Seen()), batch)
        forms = {
            name: _format(name, self._groups.get(name, ""), number, one)
            for number, (name, one) in enumerate(seen.items(), 1)
        }
        return forms, ticks


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


def _stem(path: str) -> str:
    return "stdin" if path == "-" else Path(path).name


def _named(chunks: Iterator[Chunk], origin: str) -> Iterator[Chunk]:
    for chunk in chunks:
        yield Chunk(
            tuple(replace(batch, origin=origin) for batch in chunk.batches),
            tuple(replace(m, origin=origin) if isinstance(m, Lost | Stack) else m for m in chunk.marks),
        )
