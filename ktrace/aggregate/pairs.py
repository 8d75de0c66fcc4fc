"""Measure the time between two events in the stream, for kernels that cannot measure it themselves.

All rows of a chunk are paired in one step. Calls of a thread nest, and at each level of nesting, entries and
returns alternate. So after sorting by thread and level, each return directly follows its entry.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ktrace.aggregate.columns import KeyColumn, distinct_values, log2_of
from ktrace.aggregate.frames import without_own
from ktrace.aggregate.keys import Linear
from ktrace.model.batch import Batch, Chunk, Lost, Stack
from ktrace.model.slow_call import Slow
from ktrace.model.tally import Key, Row, Tally
from ktrace.model.tally import Stack as Frames

_POWERS = np.left_shift(1, np.arange(63, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Pairing:
    """Describes which events form pairs. Columns are named as in `KeyColumn`.

    Attributes:
        first, second: the names of the events, without groups; they may be the same.
        keys: the key columns of the first and of the second event; a pair has equal values in them.
        by: the columns to group the count by, each with whether it is the first event's.
        shown: for slow pairs, the fields to show: name, column, and whether it is the first event's.
        nested: whether pairs of one key nest, as calls do. Otherwise, a first event replaces an earlier one.
        stack_at_first: whether the first event has a stack; otherwise, the second one has.
    """

    first: str
    second: str
    keys: tuple[Sequence[str], Sequence[str]]
    by: Sequence[tuple[KeyColumn, bool]] = ()
    shown: Sequence[tuple[str, str, bool]] = ()
    nested: bool = True
    stack_at_first: bool = False


@dataclass(frozen=True, slots=True)
class _Side:
    """Rows of one of the two events, or of both.

    Attributes:
        order: the position in the stream: twice `seq`, plus one for a first event. So a row that is both is
            first taken as a second event.
        ends: whether it is a second event.
        key, by: the numbers of its key, and of its columns to group the count by.
        ts: nanoseconds.
        source, row: the index of its batch, and its row in that batch.
    """

    order: NDArray[np.int64]
    ends: NDArray[np.bool_]
    key: NDArray[np.int64]
    by: NDArray[np.int64]
    ts: NDArray[np.int64]
    source: NDArray[np.int64]
    row: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> "_Side":
        return _Side(*(getattr(self, name)[rows] for name in _SIDE))


_SIDE = ("order", "ends", "key", "by", "ts", "source", "row")


@dataclass(slots=True)
class _Numbers:
    """Numbers for distinct keys."""

    of: dict[tuple[Key, ...], int] = field(default_factory=dict)

    def column(self, batch: Batch, columns: Sequence[KeyColumn]) -> NDArray[np.int64]:
        """Return the number of each row's key."""
        if not columns:
            return np.full(len(batch), self.of.setdefault((), len(self.of)), np.int64)
        found = [distinct_values(batch, reading.column) for reading in columns]
        codes = np.stack([codes for _, codes in found], axis=1)
        groups, inverse = np.unique(codes, axis=0, return_inverse=True)
        numbers = []
        for group in groups.tolist():
            values = zip(columns, found, group, strict=True)
            key = tuple(reading.show(known[code]) for reading, (known, _), code in values)
            numbers.append(self.of.setdefault(key, len(self.of)))
        return np.array(numbers, np.int64)[inverse.reshape(-1)]


class PairCounter:
    """Pairs events and counts the times between them.

    Where records were lost, all open first events are given up: their second events may be lost, and those
    of other calls would be mistaken for them.

    Args:
        names: the names of the parts of a key; the last one is the time.
        linear: count times in these steps; None for powers of two.
        above_ns: pass pairs that took at least this long to `emit`; None for none.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        pairing: Pairing,
        linear: Linear | None = None,
        *,
        above_ns: int | None = None,
        emit: Callable[[Slow], None] = lambda _slow: None,
    ) -> None:
        self._names = names
        self._pairing = pairing
        self._linear = linear
        self._above_ns = above_ns
        self._emit = emit
        self._keys, self._by = _Numbers(), _Numbers()
        self._open: list[_Side] = []
        self._batches: list[Batch] = []  # those that the open first events are in
        self._counts: dict[tuple[Key, ...], int] = {}
        self._given_up = 0
        self._frames: dict[tuple[int, int], Frames] = {}  # stacks of first events, by thread and time
        self._began: dict[int, int] = {}  # the time of each thread's last first event
        self._late: list[tuple[int, Slow]] = []  # slow pairs whose stack has not come yet

    def write(self, chunk: Chunk, /) -> None:
        """Pair and count the events of a chunk."""
        stacks: dict[int, list[Stack]] = {}
        for mark in chunk.marks:
            if isinstance(mark, Stack) and not mark.user:
                stacks.setdefault(mark.pid, []).append(mark)
        late, self._late = self._late, []
        for _, slow in late:
            self._emit_with(slow, next(iter(stacks.get(slow.pid, [])), None))
        losses = [mark.seq for mark in chunk.marks if isinstance(mark, Lost)]
        sides = list(self._open)
        batches = list(self._batches)
        for batch in chunk.batches:
            if not len(batch):
                continue
            if batch.event == self._pairing.second:
                sides.append(self._side(batch, len(batches), ends=True))
            if batch.event == self._pairing.first:
                sides.append(self._side(batch, len(batches), ends=False))
            batches.append(batch)
        if self._pairing.stack_at_first:
            self._remember_frames(chunk, stacks)
        if not losses and len(sides) == len(self._open):
            return
        slow_ones: list[tuple[int, Slow]] = []
        if sides:
            rows = _Side(*(np.concatenate([getattr(side, name) for side in sides]) for name in _SIDE))
            slow_ones = self._pair(rows, np.array(losses, np.int64), batches)
        for seq, slow in slow_ones:
            if self._pairing.stack_at_first:
                self._emit(slow)
                continue
            following = next((mark for mark in stacks.get(slow.pid, []) if mark.seq > seq), None)
            if following is None:
                self._late.append((seq, slow))
            else:
                self._emit_with(slow, following)

    def flush(self) -> None:
        """Emit the slow pairs that still wait for a stack: nothing more will come."""
        for _, slow in self._late:
            self._emit(slow)
        self._late = []

    def _remember_frames(self, chunk: Chunk, stacks: dict[int, list[Stack]]) -> None:
        """Save each stack with the last first event of its thread before it."""
        begins: dict[int, list[tuple[int, int]]] = {pid: [(-1, ts)] for pid, ts in self._began.items()}
        for batch in chunk.batches:
            if batch.event == self._pairing.first:
                for pid, seq, ts in zip(
                    batch.pid.tolist(), batch.seq.tolist(), batch.ts.tolist(), strict=True
                ):
                    begins.setdefault(pid, []).append((seq, ts))
        for pid, marks in stacks.items():
            mine = begins.get(pid, [])
            for mark in marks:
                at = bisect_left(mine, (mark.seq, 0)) - 1
                if at >= 0:
                    self._frames.setdefault((pid, mine[at][1]), mark.frames)
        self._began = {pid: mine[-1][1] for pid, mine in begins.items()}

    def _emit_with(self, slow: Slow, stack: Stack | None) -> None:
        self._emit(slow if stack is None else replace(slow, frames=list(without_own(stack.frames))))

    def tally(self) -> Tally:
        """Return the counts of the pairs so far."""
        return Tally(self._names, tuple(Row(key, count) for key, count in self._counts.items()))

    @property
    def untimed(self) -> int:
        """Return the number of first events without a second one, or with an earlier one, so far."""
        return self._given_up + sum(len(side.ts) for side in self._open)

    def _side(self, batch: Batch, source: int, *, ends: bool) -> _Side:
        by = [reading for reading, first in self._pairing.by if first is not ends]
        keys = [KeyColumn(column) for column in self._pairing.keys[ends]]
        return _Side(
            batch.seq * 2 + (not ends),
            np.full(len(batch), ends),
            self._keys.column(batch, keys),
            self._by.column(batch, by),
            batch.ts,
            np.full(len(batch), source, np.int64),
            np.arange(len(batch), dtype=np.int64),
        )

    def _pair(
        self, rows: _Side, losses: NDArray[np.int64], batches: Sequence[Batch]
    ) -> list[tuple[int, Slow]]:
        """Count the complete pairs. Return the slow ones, each with its position in the stream."""
        # Events on different sides of a loss are not paired.
        epoch = np.searchsorted(losses, rows.order // 2)
        group = rows.key * (len(losses) + 1) + epoch
        sorted_ = np.lexsort((rows.order, group))
        rows, group, epoch = rows.take(sorted_), group[sorted_], epoch[sorted_]
        at = np.arange(len(group))
        if self._pairing.nested:
            # The level of nesting. An end without a begin shifts all later levels by the same amount.
            level = np.cumsum(np.where(rows.ends, -1, 1)) + rows.ends
            at = np.lexsort((at, level, group))
            same = (group[at][1:] == group[at][:-1]) & (level[at][1:] == level[at][:-1])
        else:
            same = group[1:] == group[:-1]
        found = np.flatnonzero(same & ~rows.ends[at][:-1] & rows.ends[at][1:])
        begins, ends = at[found], at[found + 1]
        backwards = rows.ts[ends] < rows.ts[begins]  # two CPUs' clocks may differ: this is not a time
        self._given_up += int(backwards.sum())
        self._count(rows, begins[~backwards], ends[~backwards])
        slow = [] if self._above_ns is None else self._slow(rows, begins, ends, batches)
        paired = np.zeros(len(group), np.bool_)
        paired[begins] = True
        left = ~rows.ends & ~paired
        goes_on = left & (epoch == len(losses))
        if not self._pairing.nested:
            # A later first event replaces an earlier one.
            goes_on[:-1] &= group[1:] != group[:-1]
        self._given_up += int(left.sum() - goes_on.sum())
        self._keep(rows.take(np.flatnonzero(goes_on)), batches)
        return slow

    def _keep(self, rows: _Side, batches: Sequence[Batch]) -> None:
        """Keep the open first events for the next chunk, and of the batches only their rows."""
        # They precede everything in the next chunk, in their present order.
        rows = replace(rows, order=np.arange(len(rows.ts), dtype=np.int64) - (1 << 62))
        self._open, self._batches = [], []
        frames, self._frames = self._frames, {}
        for source in np.unique(rows.source).tolist():
            mine = rows.take(np.flatnonzero(rows.source == source))
            number = len(self._batches)
            if self._above_ns is not None:
                self._batches.append(batches[source].take(mine.row))
                for pid, ts in zip(self._batches[-1].pid.tolist(), mine.ts.tolist(), strict=True):
                    if (pid, ts) in frames:
                        self._frames[pid, ts] = frames[pid, ts]
            self._open.append(
                replace(
                    mine,
                    source=np.full(len(mine.ts), number, np.int64),
                    row=np.arange(len(mine.ts), dtype=np.int64),
                )
            )

    def _count(self, rows: _Side, begins: NDArray[np.int64], ends: NDArray[np.int64]) -> None:
        took = rows.ts[ends] - rows.ts[begins]
        codes = np.stack([rows.by[begins], rows.by[ends], self._steps(took)], axis=1)
        groups, which, counts = np.unique(codes, axis=0, return_index=True, return_counts=True)
        known = list(self._by.of)
        for (first, second, _), at, count in zip(
            groups.tolist(), which.tolist(), counts.tolist(), strict=True
        ):
            of_first, of_second = iter(known[first]), iter(known[second])
            by = [next(of_first if is_first else of_second) for _, is_first in self._pairing.by]
            key = (*by, self._place(int(took[at])))
            self._counts[key] = self._counts.get(key, 0) + count

    def _steps(self, took: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the number of each time's range."""
        if self._linear is None:
            return np.searchsorted(_POWERS, took)
        linear = self._linear
        inside = (np.clip(took, linear.low, linear.high) - linear.low) // linear.step
        return np.where(took < linear.low, -1, np.where(took >= linear.high, -2, inside))

    def _place(self, took: int) -> Key:
        return log2_of(took) if self._linear is None else self._linear.place(took)

    def _slow(
        self, rows: _Side, begins: NDArray[np.int64], ends: NDArray[np.int64], batches: Sequence[Batch]
    ) -> list[tuple[int, Slow]]:
        found = []
        took = rows.ts[ends] - rows.ts[begins]
        long = np.flatnonzero((took >= (self._above_ns or 0)) & (took >= 0))
        for at in long[np.argsort(rows.order[ends[long]])].tolist():
            first, second = int(begins[at]), int(ends[at])
            args: dict[str, int | str] = {}
            for name, column, at_first in self._pairing.shown:
                row = first if at_first else second
                values, codes = distinct_values(
                    batches[int(rows.source[row])].take(rows.row[row : row + 1]), column
                )
                value = values[int(codes[0])]
                args[name] = value if isinstance(value, int | str) else str(value)
            batch, n = batches[int(rows.source[second])], int(rows.row[second])
            comm = batch.comm[n] or ""
            slow_one = Slow(int(batch.ts[n]), int(batch.cpu[n]), int(batch.pid[n]), comm, int(took[at]), args)
            caller, m = batches[int(rows.source[first])], int(rows.row[first])
            frames = self._frames.get((int(caller.pid[m]), int(caller.ts[m])), ())
            slow_one = replace(slow_one, frames=list(without_own(frames)))
            found.append((int(rows.order[second]) // 2, slow_one))
        return found
