"""Records as a timeline viewer draws them: slices and instants on threads.

An entry probe and a return probe of the same function, hit by the same thread, are the two ends of a slice.
So are the enter and exit of a system call. Every other event is an instant.

A slice is drawn once its end has come, so no slice lacks an end. A return without its entry, an entry without
its return, and calls that a loss may have interrupted become instants.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Generic, Literal, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np

from ktrace.model.batch import Batch, Chunk, Lost, Mark, Stack
from ktrace.model.column import Strings
from ktrace.output.rendering.background import pieces
from ktrace.output.rendering.stream_order import order_of

_DEEPEST = 64  # open entries of one thread; beyond that, the oldest become instants

A = TypeVar("A")
"""The arguments of a record, as a format spells them."""


class Thread(NamedTuple):
    """The thread on which something is drawn.

    `tgid` is 0 if it is not known. For an idle task, `tid` is the CPU.
    """

    tgid: int
    tid: int
    comm: str

    @property
    def idle(self) -> bool:
        """Return whether this is a CPU without a task; all of these have thread id 0."""
        return self.tgid < 0


@dataclass(slots=True)
class Point(Generic[A]):
    """One record.

    Attributes:
        ts: nanoseconds.
        name: the name of what begins, ends or happens.
        category: the event's name.
        inside: what is already drawn within this slice, from the first slice that began at the same time.
    """

    thread: Thread
    ts: int
    name: str
    category: str
    args: A
    inside: list[bytes] = field(default_factory=list)


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

    def lost(self, ts: int, mark: Lost) -> bytes:
        """Return the records that were lost before this time."""

    def before(self) -> bytes:
        """Return what must come before everything drawn since the last call, such as names."""


Role = Literal["begin", "end", "instant"]
_Key: TypeAlias = tuple[str, str]


class Timeline(Generic[A]):
    """Draws records and marks on a timeline.

    Args:
        out: a binary file, or any object with its `write`.
    """

    def __init__(self, out: BinaryIO, drawing: Drawing[A]) -> None:
        self._out = out
        self._drawing = drawing
        self._open: dict[int | tuple[int, int], list[tuple[_Key, Point[A]]]] = {}
        self._lost: list[Lost] = []  # a loss has no time: it takes that of the next record
        self._last_ts = 0

    def write(self, chunk: Chunk) -> None:
        """Draw the slices and instants that `chunk` completes."""
        for some in pieces(chunk):  # a record becomes several objects: limit how many exist at once
            self._draw(some)

    def _draw(self, chunk: Chunk) -> None:
        drawn: list[bytes] = []
        rows: list[tuple[Role, _Key, Point[A]] | Mark] = []
        for batch in chunk.batches:
            rows += self._rows(batch)
        rows += chunk.marks
        for i in order_of(chunk).tolist():
            row = rows[i]
            if isinstance(row, Lost):
                drawn += self._let_go()
                self._lost.append(row)
                continue
            if isinstance(row, Stack):
                role, key, point = self._stack(row)
            elif isinstance(row, tuple):
                role, key, point = row
            else:
                continue
            self._last_ts = point.ts
            drawn += self._losses()
            drawn += self._place(role, key, point)
        self._put(drawn)

    def finish(self) -> None:
        """Draw what is still open."""
        self._put(self._let_go() + self._losses())

    def _put(self, drawn: list[bytes]) -> None:
        # First the definitions that these pieces need. Pieces inside an open slice are written later still.
        self._out.write(self._drawing.before())
        self._out.write(b"".join(drawn))

    def _rows(self, batch: Batch) -> list[tuple[Role, _Key, Point[A]]]:
        role, keys, names = _role(batch)
        tgids = [0] * len(batch) if batch.tgid is None else batch.tgid.tolist()
        return [
            (role, key, Point(_thread(tgid, pid, cpu, comm), ts, name, batch.event, args))
            for key, name, tgid, pid, cpu, comm, ts, args in zip(
                keys, names, tgids, batch.pid.tolist(), batch.cpu.tolist(), batch.comm.tolist(),
                batch.ts.tolist(), self._drawing.args(batch), strict=True,
            )
        ]  # fmt: skip

    def _stack(self, mark: Stack) -> tuple[Role, _Key, Point[A]]:
        thread = _thread(mark.tgid or 0, mark.pid, mark.cpu, mark.comm)
        name = "user stack" if mark.user else "kernel stack"
        return "instant", ("", ""), Point(thread, mark.ts, name, "stack", self._drawing.frames(mark))

    def _place(self, role: Role, key: _Key, point: Point[A]) -> list[bytes]:
        if role == "instant":
            return [self._drawing.instant(point)]
        where = point.thread.tid if not point.thread.idle else (-1, point.thread.tid)
        stack = self._open.setdefault(where, [])
        if role == "begin":
            stack.append((key, point))
            return self._instants(stack, 0, len(stack) - _DEEPEST)
        depth = len(stack) - 1
        while depth >= 0 and stack[depth][0] != key:
            depth -= 1
        if depth < 0:
            point.name += " returns"
            return [self._drawing.instant(point)]
        # What began within this slice and has not ended by now never will.
        drawn = self._instants(stack, depth + 1, len(stack))
        begin = stack.pop()[1]
        drawn.append(self._drawing.slice(begin, point))
        if stack and (stack[-1][1].inside or stack[-1][1].ts == begin.ts):
            # Viewers sort by time, so of two slices that begin together the outer one must come first.
            stack[-1][1].inside += drawn
            return []
        return drawn

    def _instants(self, stack: list[tuple[_Key, Point[A]]], start: int, stop: int) -> list[bytes]:
        """Remove open entries from the stack, and draw them as instants: they have no ends."""
        if stop <= start:
            return []
        drawn = []
        for _, point in stack[start:stop]:
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


def _thread(tgid: int, pid: int, cpu: int, comm: str | None) -> Thread:
    return Thread(tgid, pid, comm or "") if pid else Thread(-1, cpu, f"swapper/{cpu}")


_SYSCALL = re.compile(r"sys_(enter|exit)(?:_(\w+))?\Z")
_FUNCTION = re.compile(r"[+ ].*", re.DOTALL)  # what follows a function's name
_OFFSET = re.compile(r"\+0x([0-9a-f]+)(?:/|\Z)")


def _role(batch: Batch) -> tuple[Role, list[_Key], list[str]]:
    """Return the role of a batch's records, their keys (which pair them), and their names."""
    if batch.kind == "return" and batch.func is not None:
        keys, names = _functions(batch.func, batch.event)
        return "end", keys, names
    if batch.kind == "entry" and batch.place is not None:
        at_start = all(_is_start(place or "") for place in batch.place.take(np.arange(len(batch))).values)
        keys, names = _functions(batch.place, batch.event)
        return ("begin", keys, names) if at_start else ("instant", keys, [batch.event] * len(batch))
    match = _SYSCALL.match(batch.event) if batch.kind == "fields" else None
    if match and match[2]:
        role: Role = "begin" if match[1] == "enter" else "end"
        return role, [("sys", match[2])] * len(batch), [match[2]] * len(batch)
    if match and "id" in batch.columns:
        role = "begin" if match[1] == "enter" else "end"
        names = [f"syscall {number}" for number in batch["id"].tolist()]
        return role, [("sys", name) for name in names], names
    return "instant", [("", "")] * len(batch), [batch.event] * len(batch)


def _functions(places: Strings, event: str) -> tuple[list[_Key], list[str]]:
    functions = [_FUNCTION.sub("", place or event) for place in places.values]
    names: list[str] = [functions[code] for code in places.codes.tolist()]
    return [("func", name) for name in names], names


def _is_start(place: str) -> bool:
    """Return whether a probe is at its function's beginning.

    A few bytes, which mark the place as a branch target for the CPU, may come before it.
    """
    offset = _OFFSET.search(place)
    return not offset or int(offset[1], 16) <= 8
