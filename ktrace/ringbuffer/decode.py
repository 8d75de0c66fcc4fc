"""Decode pages into records, and records into batches of columns. Opens no file.

records = decoder.walk(pages, cpu)          # of one CPU
decoder.batches(one(records), first_seq)    # of any CPUs, in stream order
"""

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk, Kind, Lost, Mark, Stack, Unparsed
from ktrace.model.column import Strings
from ktrace.model.format import Format
from ktrace.records import dataclass
from ktrace.ringbuffer.columns import EventReader
from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.records import Hole, Pages, Records, Walked
from ktrace.ringbuffer.rows import Rows
from ktrace.ringbuffer.walk import walk

UNKNOWN = "<...>"
"""The name of a task whose name is not known; the decoder knows no task names."""

_STACKS = {("ftrace", "kernel_stack"): False, ("ftrace", "user_stack"): True}


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Records of any CPUs that follow one another in the stream.

    Attributes:
        buffer: uint8: the pages of all records.
        at, size, id, ts: as in `Records`.
        cpu: int32, shape (rows,): the CPU of each record.
        first_seq: the position of the first record in the stream.
        order: int64, shape (rows,): the records in stream order; None if they already are.
        holes: for each hole, in order, how many records precede it. Each hole takes its own position in the
            stream.
    """

    buffer: NDArray[np.uint8]
    at: NDArray[np.int64]
    size: NDArray[np.int32]
    id: NDArray[np.uint16]
    ts: NDArray[np.int64]
    cpu: NDArray[np.int32]
    first_seq: int = 0
    order: NDArray[np.int64] | None = None
    holes: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.at)

    def by_event(self) -> list[tuple[int, "_Chosen"]]:
        """Return the records of each event."""
        count = len(self)
        if not count:
            return []
        ids = self.id if self.order is None else self.id[self.order]
        if ids[0] == ids[-1] and bool((ids == ids[0]).all()):
            return [(int(ids[0]), self._chosen(np.arange(count)))]
        places = np.argsort(ids, kind="stable")
        counts = np.bincount(ids)
        some = np.flatnonzero(counts)
        pieces = np.split(places, np.cumsum(counts[some])[:-1])
        return [(ident, self._chosen(piece)) for ident, piece in zip(some.tolist(), pieces, strict=True)]

    def _chosen(self, places: NDArray[np.int64]) -> "_Chosen":
        rows = places if self.order is None else self.order[places]
        seq = places + self.first_seq
        if len(self.holes):
            seq += np.searchsorted(np.array(self.holes, np.int64), places, side="right")
        return _Chosen(rows, seq)


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """Some records of a selection, in the order of the stream.

    Attributes:
        rows: int64: indexes into the selection's columns.
        seq: int64: the position of each record in the stream.
    """

    rows: NDArray[np.int64]
    seq: NDArray[np.int64]

    def __getitem__(self, some: NDArray[np.bool_]) -> "_Chosen":
        return _Chosen(self.rows[some], self.seq[some])


@dataclass(frozen=True, slots=True, eq=False)
class Sorted:
    """The records of each event, not decoded yet.

    Attributes:
        selection: contains the records.
        holes: the marks between them.
        events: each event's id and records.
    """

    selection: Selection
    holes: list[Mark]
    events: "list[tuple[int, _Chosen]]"


class Decoder:
    """Reads pages of the ring buffer.

    Args:
        formats: the events' formats by id. Later additions to the mapping are used.
        layout: the layout of the pages.
        unknown: called once for the format of an id that is not in `formats`; returns None if unknown.
        ticks: whether the clock counts something other than nanoseconds.

    Attributes:
        layout: the layout of the pages.
        only: by event id, the fields to decode (None for all); other events are left out. None decodes
            everything.
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

    def begin_at(self, cpu: int, origin: int) -> None:
        """Set the offset in a CPU's data at which its next pages begin."""
        self._offsets[cpu] = origin

    def decode(self, pages: Pages, cpu: int, first_seq: int = 0) -> Chunk:
        """Decode the next whole pages of one CPU.

        To merge several CPUs by time, see `ktrace.stream.merge`.
        """
        return self.make(self.sort(pages, cpu, first_seq))

    def sort(self, pages: Pages, cpu: int, first_seq: int = 0) -> "Sorted":
        """Sort the records of the next pages of one CPU by event: the first half of `decode`."""
        records = self.walk(pages, cpu)
        before = [hole.before for hole in records.holes]
        holes = [mark_of(hole, cpu, first_seq + hole.before + i) for i, hole in enumerate(records.holes)]
        cpus = np.full(len(records), cpu, np.int32)
        chosen = Selection(
            records.buffer, records.at, records.size, records.id, records.ts, cpus, first_seq, None, before
        )
        return Sorted(chosen, holes, chosen.by_event())

    def chunk(self, selection: Selection, holes: list[Mark]) -> Chunk:
        """Return batches and marks of records that are already in order.

        Args:
            holes: the marks between them.
        """
        return self.make(Sorted(selection, holes, selection.by_event()))

    def make(self, found: "Sorted") -> Chunk:
        """Make batches and marks: the second half of `decode`."""
        selection, marks = found.selection, list(found.holes)
        batches: list[Batch] = []
        for ident, chosen in found.events:
            if self.only is not None and ident not in self.only:
                continue
            reader = self._reader(ident)
            if reader is None:
                marks += self._strangers(selection, chosen, ident)
                continue
            self._event(reader, selection, chosen, batches, marks)
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

    def _strangers(self, selection: Selection, chosen: "_Chosen", ident: int) -> list[Mark]:
        """Return marks for records of an unknown event, one for each run of adjacent records."""
        first = np.flatnonzero(np.diff(chosen.seq, prepend=-2) != 1)
        counts = np.diff(np.append(first, len(chosen.seq)))
        return [
            _gap(
                int(chosen.seq[at]),
                int(selection.cpu[chosen.rows[at]]),
                f"{count} records of an unknown event, id {ident}",
            )
            for at, count in zip(first.tolist(), counts.tolist(), strict=True)
        ]

    def _event(
        self,
        reader: EventReader,
        selection: Selection,
        chosen: "_Chosen",
        batches: list[Batch],
        marks: list[Mark],
    ) -> None:
        """Decode all records of one event, and append them to `batches` and `marks`."""
        form = reader.form
        size = selection.size.take(chosen.rows)
        fits = size >= reader.size
        if not fits.all():
            marks += self._misfits(selection, chosen[~fits], form, "is shorter than its format")
            chosen, size = chosen[fits], size[fits]
        if not len(size):
            return
        rows = reader.rows(selection.buffer, selection.at.take(chosen.rows), size)
        sound = reader.sound(rows)
        if sound is not None:
            marks += self._misfits(selection, chosen[~sound], form, "refers to bytes after its end")
            chosen = chosen[sound]
            rows = Rows(rows.buffer, rows.start[sound], rows.size[sound], rows.table[sound])
        if not len(rows):
            return
        user = _STACKS.get((form.system, form.name))
        if user is None:
            batches.append(self._batch(reader, selection, chosen, rows))
        else:
            marks += self._stacks(reader, selection, chosen, rows, user=user)

    def _misfits(self, selection: Selection, chosen: "_Chosen", form: Format, what: str) -> list[Mark]:
        return [
            _gap(seq, int(selection.cpu[row]), f"a record of {form.name} {what}")
            for row, seq in zip(chosen.rows.tolist(), chosen.seq.tolist(), strict=True)
        ]

    def _batch(self, reader: EventReader, selection: Selection, chosen: "_Chosen", rows: Rows) -> Batch:
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
            seq=chosen.seq,
            ts=selection.ts.take(chosen.rows),
            cpu=selection.cpu.take(chosen.rows),
            pid=reader.pids(rows),
            tgid=None,
            comm=_constant(UNKNOWN, count),
            flags=_constant("", count),
            columns=columns,
            signature=reader.signature,
            ticks=self._ticks,
            addresses=addresses,
            lengths=reader.lengths(rows),
            format=form,
            common_flags=reader.common_flags(rows),
        )

    def _stacks(
        self,
        reader: EventReader,
        selection: Selection,
        chosen: "_Chosen",
        rows: Rows,
        *,
        user: bool,
    ) -> list[Mark]:
        pids = reader.pids(rows).tolist()
        common = reader.common_flags(rows).tolist()
        seqs, times = chosen.seq.tolist(), selection.ts[chosen.rows].tolist()
        cpus = selection.cpu[chosen.rows].tolist()
        marks: list[Mark] = []
        last = (1 << 8 * self.layout.long) - 1  # ULONG_MAX ends a stack
        for row in range(len(rows)):
            ips = reader.trailing(row, rows, self.layout.long)
            end = next((i for i, ip in enumerate(ips) if ip == last or (user and not ip)), len(ips))
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
    """Return the mark of a hole at its position in the stream."""
    return Lost(seq, cpu, hole.count) if hole.lost else _gap(seq, cpu, hole.reason)


def _gap(seq: int, cpu: int, what: str) -> Unparsed:
    return Unparsed(seq, f"CPU {cpu}: {what}".encode("utf-8", "surrogateescape"))


def _constant(text: str, count: int) -> Strings:
    return Strings(np.zeros(count, np.int32), (text,))
