"""Records as a timeline viewer draws them: slices, instants and counters on threads and other tracks.

An entry probe and a return probe of the same function, hit by the same thread, are the two ends of a slice.
`ktrace.output.formats.roles` has the other pairs. Switches and wakeups are states of threads and CPUs. Every
other event is an instant.

A slice is drawn once its end has come, so no slice lacks an end. A return without its entry, an entry without
its return, and calls that a loss may have interrupted become instants.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import BinaryIO, Generic, Protocol, TypeAlias, TypeVar

from ktrace.model.batch import Batch, Chunk, Lost, Mark, Stack
from ktrace.output.formats.roles import MARKER, Key, Meaning, meanings
from ktrace.output.formats.scheduling import Scheduling, Switch, scheduling
from ktrace.output.formats.tracks import Lane, Track, thread_of
from ktrace.output.rendering.background import pieces
from ktrace.output.rendering.stream_order import order_of

_DEEPEST = 64  # open entries of one thread; beyond that, the oldest become instants

A = TypeVar("A")
"""The arguments of a record, as a format spells them."""


@dataclass(slots=True)
class Point(Generic[A]):
    """One record.

    Attributes:
        ts: nanoseconds.
        name: the name of what begins, ends or happens.
        category: the event's name.
        value: of a counter.
        inside: what is already drawn within this slice, from the first slice that began at the same time.
        closes: slices of user space that ended within this slice, which began after them; see `_end`.
    """

    thread: Track
    ts: int
    name: str
    category: str
    args: A
    value: int | float = 0
    inside: list[bytes] = field(default_factory=list)
    closes: "list[tuple[Point[A], Point[A]]]" = field(default_factory=list)


class Drawing(Protocol[A]):
    """A file format: each method returns the bytes or arguments that represent something in the file."""

    def args(self, batch: Batch) -> Sequence[A]:
        """Return the arguments of each record."""

    def frames(self, stack: Stack) -> A:
        """Return a stack as arguments."""

    def slice(self, begin: Point[A], end: Point[A]) -> bytes:
        """Return a slice from one record to another, with what is inside `begin` between them."""

    def instant(self, point: Point[A]) -> bytes:
        """Return one record as an instant."""

    def counter(self, point: Point[A]) -> bytes:
        """Return a counter's value at one time."""

    def scheduling(self, event: Scheduling) -> bytes:
        """Return what a switch or a wakeup changes."""

    def end_scheduling(self, ts: int | None) -> bytes:
        """Return the states that last until `ts`; None forgets them, since events were lost."""

    def lost(self, ts: int, mark: Lost) -> bytes:
        """Return the records that were lost before this time."""

    def before(self) -> bytes:
        """Return what must come before everything drawn since the last call, such as names."""


_Row: TypeAlias = "tuple[Meaning, Point[A], Scheduling | None]"


class Timeline(Generic[A]):
    """Draws records and marks on a timeline.

    Args:
        out: a binary file, or any object with its `write`.
    """

    def __init__(self, out: BinaryIO, drawing: Drawing[A]) -> None:
        self._out = out
        self._drawing = drawing
        self._open: dict[int | tuple[int, int] | Lane, list[tuple[Key, Point[A]]]] = {}
        self._lost: list[Lost] = []  # a loss has no time: it takes that of the next record
        self._last_ts = 0
        self._tgids: dict[int, int] = {}  # by thread: the process, which markers of user space tell

    def write(self, chunk: Chunk) -> None:
        """Draw the slices and instants that `chunk` completes."""
        for some in pieces(chunk):  # a record becomes several objects: limit how many exist at once
            self._draw(some)

    def _draw(self, chunk: Chunk) -> None:
        drawn: list[bytes] = []
        rows: list[_Row[A] | Mark] = []
        for batch in chunk.batches:
            rows += self._rows(batch)
        rows += chunk.marks
        for i in order_of(chunk).tolist():
            row = rows[i]
            if isinstance(row, Lost):
                drawn += [*self._let_go(), self._drawing.end_scheduling(None)]
                self._lost.append(row)
                continue
            if isinstance(row, Stack):
                row = self._stack(row)
            if not isinstance(row, tuple):
                continue
            meaning, point, event = row
            self._last_ts = point.ts
            drawn += self._losses()
            if event is not None:
                drawn.append(self._drawing.scheduling(event))
            if not isinstance(event, Switch):
                drawn += self._place(meaning, point)
        self._put(drawn)

    def finish(self) -> None:
        """Draw what is still open."""
        self._put([*self._let_go(), *self._losses(), self._drawing.end_scheduling(self._last_ts)])

    def _put(self, drawn: list[bytes]) -> None:
        # First the definitions that these pieces need. Pieces inside an open slice are written later still.
        self._out.write(self._drawing.before())
        self._out.write(b"".join(drawn))

    def _rows(self, batch: Batch) -> "list[_Row[A]]":
        events: Sequence[Scheduling | None] = scheduling(batch) or [None] * len(batch)
        tgids = [0] * len(batch) if batch.tgid is None else batch.tgid.tolist()
        rows: list[_Row[A]] = []
        for meaning, event, tgid, pid, cpu, comm, ts, args in zip(
            meanings(batch), events, tgids, batch.pid.tolist(), batch.cpu.tolist(), batch.comm.tolist(),
            batch.ts.tolist(), self._drawing.args(batch), strict=True,
        ):  # fmt: skip
            if meaning.tgid and not tgid:
                self._tgids[pid] = meaning.tgid
            track = meaning.track or thread_of(tgid or self._tgids.get(pid, 0), pid, cpu, comm)
            rows.append((meaning, Point(track, ts, meaning.name, batch.event, args, meaning.value), event))
        return rows

    def _stack(self, mark: Stack) -> "_Row[A]":
        tgid = mark.tgid or self._tgids.get(mark.pid, 0)
        thread = thread_of(tgid, mark.pid, mark.cpu, mark.comm)
        name = "user stack" if mark.user else "kernel stack"
        point = Point(thread, mark.ts, name, "stack", self._drawing.frames(mark))
        return Meaning("instant", ("", ""), name), point, None

    def _place(self, meaning: Meaning, point: Point[A]) -> list[bytes]:
        if meaning.role == "instant":
            return [self._drawing.instant(point)]
        if meaning.role == "counter":
            return [self._drawing.counter(point)]
        key, track = meaning.key, point.thread
        where = track if isinstance(track, Lane) else (-1, track.tid) if track.idle else track.tid
        stack = self._open.setdefault(where, [])
        if meaning.role == "begin":
            stack.append((key, point))
            return self._instants(stack, 0, len(stack) - _DEEPEST)
        depth = len(stack) - 1
        while depth >= 0 and stack[depth][0] != key:
            depth -= 1
        if depth < 0:
            point.name = f"{point.name or 'slice'} returns"
            return [self._drawing.instant(point)]
        drawn = self._end(stack, depth, point)
        if not stack and isinstance(where, Lane):
            del self._open[where]  # there may be one for each job
        return drawn

    def _end(self, stack: list[tuple[Key, Point[A]]], depth: int, end: Point[A]) -> list[bytes]:
        """Draw the slice at `depth`, and remove it from the stack.

        Markers of user space are written by system calls, so they begin and end slices within slices of the
        kernel, which do not nest. Such a slice begins when the call that wrote its marker has returned, and
        ends when the call that wrote its end begins.
        """
        key, begin = stack.pop(depth)
        above = stack[depth:]
        if key == MARKER:
            if above:
                above[0][1].closes.append((begin, end))  # whether that call returns is not known yet
                return []
            drawn = []
        else:
            # Slices that began within this one and have not ended by now never will.
            others = [(other, point) for other, point in above if other != MARKER]
            drawn = self._instants(others, 0, len(others))
            stack[depth:] = [(other, point) for other, point in above if other == MARKER]
            for _, point in stack[depth:]:
                point.ts = end.ts
        drawn += [self._drawing.slice(one, replace(last, ts=begin.ts)) for one, last in begin.closes]
        drawn.append(self._drawing.slice(begin, end))
        outer = stack[depth - 1][1] if depth else None
        if outer is not None and (outer.inside or outer.ts == begin.ts):
            # Viewers sort by time, so of two slices that begin together the outer one must come first.
            outer.inside += drawn
            return []
        return drawn

    def _instants(self, stack: list[tuple[Key, Point[A]]], start: int, stop: int) -> list[bytes]:
        """Remove open entries from the stack, and draw them as instants: they have no ends."""
        if stop <= start:
            return []
        drawn = []
        for _, point in stack[start:stop]:
            drawn += [self._drawing.slice(*closed) for closed in point.closes]
            drawn += [self._drawing.instant(point), *point.inside]
        del stack[start:stop]
        return drawn

    def _losses(self) -> list[bytes]:
        losses, self._lost = self._lost, []
        return [self._drawing.lost(self._last_ts, mark) for mark in losses]

    def _let_go(self) -> list[bytes]:
        drawn = [piece for stack in self._open.values() for piece in self._instants(stack, 0, len(stack))]
        self._open.clear()
        return drawn
