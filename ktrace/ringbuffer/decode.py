"""Decode: pages to records, and records to batches of columns. Opens nothing.

records = decoder.walk(pages, cpu)          # of one CPU
decoder.batches(one(records), first_seq)    # of any CPUs, in the order in which they are to come
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk, Kind, Lost, Mark, Stack, Strings, Unparsed
from ktrace.model.format import Format
from ktrace.ringbuffer.columns import EventReader, Rows
from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.records import Hole, Pages, Records, Walked
from ktrace.ringbuffer.walk import walk

UNKNOWN = "<...>"
"""The name of a task of which nobody knows one: the decoder knows none."""

_STACKS = {("ftrace", "kernel_stack"): False, ("ftrace", "user_stack"): True}
_FRAMES_END = (1 << 64) - 1

Chosen: TypeAlias = NDArray[np.int64] | slice
"""Rows of a selection, in order: all of them, where there is one event only."""


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Records of any CPUs in the order of the stream.

    Attributes:
        buffer: uint8: the pages of all of them.
        at, size, id, ts: as in `Records`, in stream order.
        cpu: int32, shape (rows,).
        seq: int64, shape (rows,): each one's place in the stream.
    """

    buffer: NDArray[np.uint8]
    at: NDArray[np.int64]
    size: NDArray[np.int32]
    id: NDArray[np.uint16]
    ts: NDArray[np.int64]
    cpu: NDArray[np.int32]
    seq: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)


class Decoder:
    """Reads pages of the ring buffer.

    Args:
        formats: of the events, by their id. What is put there later is seen.
        layout: of the pages.
        unknown: asked once for the format of an id that is not in `formats`; None: nobody knows it.
        ticks: whether the clock counts something else than nanoseconds.

    Attributes:
        layout: of the pages.
        only: by event's id, the fields that are wanted (None: all of them); other events are left out.
            None for everything.
    """

    def __init__(
        self,
        formats: Mapping[int, Format],
        layout: PageLayout | None = None,
        *,
        unknown: Callable[[int], Format | None] = lambda _: None,
        ticks: bool = False,
    ) -> None:
        self.layout = layout or PageLayout()
        self._formats = formats
        self._unknown = unknown
        self._asked: set[int] = set()
        self._ticks = ticks
        self.only: Mapping[int, Collection[str] | None] | None = None
        self._readers: dict[int, EventReader] = {}
        self._offsets: dict[int, int] = {}

    def walk(self, pages: Pages, cpu: int) -> Records:
        """Find the records of the next pages of one CPU."""
        if isinstance(pages, Walked):
            return pages.records
        origin = self._offsets.get(cpu, 0)
        self._offsets[cpu] = origin + len(pages)
        return walk(pages, cpu, self.layout, origin)

    def decode(self, pages: Pages, cpu: int, first_seq: int = 0) -> Chunk:
        """The next pages of one CPU, whole: for several CPUs in order of time see `ktrace.stream.merge`."""
        records = self.walk(pages, cpu)
        count = len(records)
        where = np.array([hole.before for hole in records.holes], np.int64)
        rows = np.arange(count, dtype=np.int64)
        seq = rows + first_seq
        if len(where):
            seq += np.searchsorted(where, rows, side="right")
        holes = [mark_of(hole, cpu, first_seq + hole.before + i) for i, hole in enumerate(records.holes)]
        cpus = np.full(count, cpu, np.int32)
        chosen = Selection(records.buffer, records.at, records.size, records.id, records.ts, cpus, seq)
        return self.chunk(chosen, holes)

    def chunk(self, selection: Selection, holes: list[Mark]) -> Chunk:
        """Batches and marks of records that are in order already.

        Args:
            holes: marks that belong between them.
        """
        batches: list[Batch] = []
        marks = list(holes)
        for ident, rows in _by_event(selection.id):
            if self.only is not None and ident not in self.only:
                continue
            reader = self._reader(ident)
            if reader is None:
                marks += self._strangers(selection, rows, ident)
                continue
            self._event(reader, selection, rows, batches, marks)
        marks.sort(key=lambda mark: mark.seq)
        return Chunk(tuple(batches), tuple(marks))

    def _reader(self, ident: int) -> EventReader | None:
        reader = self._readers.get(ident)
        if reader is None:
            form = self._formats.get(ident)
            if form is None and ident not in self._asked:
                form = self._unknown(ident)
                if form is None:
                    self._asked.add(ident)
            if form is None:
                return None
            reader = self._readers[ident] = EventReader(form, self.layout.order)
        return reader

    def _strangers(self, selection: Selection, chosen: Chosen, ident: int) -> list[Mark]:
        """Records of an event that nobody knows. One mark stands for those that follow each other."""
        rows = np.arange(len(selection))[chosen]
        seqs = selection.seq[rows]
        first = np.flatnonzero(np.diff(rows, prepend=-2) != 1)
        counts = np.diff(np.append(first, len(rows)))
        return [
            _gap(
                int(seqs[at]),
                int(selection.cpu[rows[at]]),
                f"{count} records of an unknown event, id {ident}",
            )
            for at, count in zip(first.tolist(), counts.tolist(), strict=True)
        ]

    def _event(
        self,
        reader: EventReader,
        selection: Selection,
        chosen: Chosen,
        batches: list[Batch],
        marks: list[Mark],
    ) -> None:
        """All records of one event."""
        form = reader.form
        fits = selection.size[chosen] >= reader.size
        if not fits.all():
            chosen = np.arange(len(selection))[chosen]
            marks += self._misfits(selection, chosen[~fits], form, "is shorter than its format")
            chosen = chosen[fits]
        rows = reader.rows(selection.buffer, selection.at[chosen], selection.size[chosen])
        sound = reader.sound(rows)
        if sound is not None:
            chosen = np.arange(len(selection))[chosen]
            marks += self._misfits(selection, chosen[~sound], form, "refers to bytes behind its end")
            chosen = chosen[sound]
            rows = Rows(rows.buffer, rows.start[sound], rows.size[sound], rows.table[sound])
        if not len(rows):
            return
        user = _STACKS.get((form.system, form.name))
        if user is None:
            batches.append(self._batch(reader, selection, chosen, rows))
        else:
            marks += self._stacks(reader, selection, chosen, rows, user=user)

    def _misfits(self, selection: Selection, rows: NDArray[np.int64], form: Format, what: str) -> list[Mark]:
        return [
            _gap(int(selection.seq[row]), int(selection.cpu[row]), f"a record of {form.name} {what}")
            for row in rows.tolist()
        ]

    def _batch(self, reader: EventReader, selection: Selection, chosen: Chosen, rows: Rows) -> Batch:
        form = reader.form
        count = len(rows)
        only = None if self.only is None else self.only[form.id]
        columns = reader.columns(rows, only)
        addresses = reader.addresses(rows)
        if only is not None:
            places = (name for name in addresses if name in columns or name in reader.places)
            addresses = {name: addresses[name] for name in places}
        kind: Kind = "fields"
        if form.is_probe:
            kind = "return" if form.is_return else "entry"
        return Batch(
            event=form.name,
            kind=kind,
            seq=selection.seq[chosen],
            ts=selection.ts[chosen],
            cpu=selection.cpu[chosen],
            pid=reader.pids(rows),
            tgid=None,
            comm=_constant(UNKNOWN, count),
            flags=_constant("", count),
            columns=columns,
            signature=reader.signature,
            ticks=self._ticks,
            addresses=addresses,
            format=form,
            common_flags=reader.common_flags(rows),
        )

    def _stacks(
        self,
        reader: EventReader,
        selection: Selection,
        chosen: Chosen,
        rows: Rows,
        *,
        user: bool,
    ) -> list[Mark]:
        pids = reader.pids(rows).tolist()
        common = reader.common_flags(rows).tolist()
        seqs, times = selection.seq[chosen].tolist(), selection.ts[chosen].tolist()
        cpus = selection.cpu[chosen].tolist()
        marks: list[Mark] = []
        for row in range(len(rows)):
            ips = reader.trailing(row, rows, self.layout.long)
            end = next((i for i, ip in enumerate(ips) if ip == _FRAMES_END or (user and not ip)), len(ips))
            marks.append(
                Stack(
                    seqs[row],
                    times[row],
                    cpus[row],
                    pids[row],
                    UNKNOWN,
                    user,
                    (),
                    ticks=self._ticks,
                    ips=ips[:end],
                    common_flags=common[row],
                )
            )
        return marks


def mark_of(hole: Hole, cpu: int, seq: int) -> Mark:
    """A hole in its place in the stream."""
    return Lost(seq, cpu, hole.count) if hole.lost else _gap(seq, cpu, hole.reason)


def _gap(seq: int, cpu: int, what: str) -> Unparsed:
    return Unparsed(seq, f"CPU {cpu}: {what}".encode())


def _by_event(ids: NDArray[np.uint16]) -> list[tuple[int, Chosen]]:
    """The rows of each event, each in order."""
    if not len(ids):
        return []
    if ids[0] == ids[-1] and bool((ids == ids[0]).all()):
        return [(int(ids[0]), slice(None))]
    order = np.argsort(ids, kind="stable")
    ordered = ids[order]
    firsts = np.flatnonzero(np.diff(ordered, prepend=ordered[0] ^ 1))
    return list(zip(ordered[firsts].tolist(), np.split(order, firsts[1:]), strict=True))


def _constant(text: str, count: int) -> Strings:
    return Strings(np.zeros(count, np.int32), (text,))
