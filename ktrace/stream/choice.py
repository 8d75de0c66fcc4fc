"""Choosing records: by event, task, CPU, time, or whatever else can be asked of a batch."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk, Lost, Mark, Stack

Test: TypeAlias = Callable[[Batch], NDArray[np.bool_]]
"""Which rows of a batch are wanted: bool, shape (rows,)."""


@dataclass(slots=True)
class Choice:
    """Lets through what passes all tests, with the stacks that belong to it.

    Args:
        tests: of the batches.
        cpus: only these, of losses, too; empty for all.
        until: nothing after this time; None for no end.
    """

    tests: Sequence[Test]
    cpus: Collection[int] = ()
    until: int | None = None
    _last: dict[int, bool] = field(default_factory=dict)  # whether a task's last record was let through

    def __call__(self, chunk: Chunk) -> Chunk:
        """The part of the chunk that is wanted."""
        if not self.tests and not self.cpus:
            return chunk
        masks = [self._mask(batch) for batch in chunk.batches]
        stacks = self._stacks(chunk, masks) if any(isinstance(m, Stack) for m in chunk.marks) else {}
        batches = [b if m.all() else b.take(m) for b, m in zip(chunk.batches, masks, strict=True) if m.any()]
        marks = tuple(mark for mark in chunk.marks if self._passes(mark, stacks))
        return Chunk(tuple(batches), marks)

    def is_over(self, chunk: Chunk) -> bool:
        """Whether nothing that is wanted can come any more: chunks come in order of time."""
        if self.until is None or not chunk.batches:
            return False
        return min(int(batch.ts[0]) for batch in chunk.batches) > self.until

    def _mask(self, batch: Batch) -> NDArray[np.bool_]:
        mask = np.ones(len(batch), np.bool_)
        if self.cpus:
            mask &= np.isin(batch.cpu, list(self.cpus))
        for test in self.tests:
            mask &= test(batch)
        return mask

    def _passes(self, mark: Mark, stacks: dict[int, bool]) -> bool:
        if isinstance(mark, Stack):
            return stacks.get(mark.seq, False)
        return not isinstance(mark, Lost) or not self.cpus or mark.cpu is None or mark.cpu in self.cpus

    def _stacks(self, chunk: Chunk, masks: list[NDArray[np.bool_]]) -> dict[int, bool]:
        """By its place, whether a stack is wanted: as the last record of the same task before it was."""
        found = [m for m in chunk.marks if isinstance(m, Stack)]
        seq = np.concatenate([*(b.seq for b in chunk.batches), np.array([m.seq for m in found], np.int64)])
        pid = np.concatenate([*(b.pid for b in chunk.batches), np.array([m.pid for m in found], np.int32)])
        kept = np.concatenate([*masks, np.zeros(len(found), np.bool_)])
        records = len(seq) - len(found)
        order = np.lexsort((seq, pid))
        rows = np.arange(len(order))
        latest = np.maximum.accumulate(np.where(order < records, rows, -1))
        answer: dict[int, bool] = {}
        for at in np.flatnonzero(order >= records).tolist():
            before, task = int(latest[at]), int(pid[order[at]])
            same = before >= 0 and int(pid[order[before]]) == task
            answer[int(seq[order[at]])] = bool(kept[order[before]]) if same else self._last.get(task, False)
        ends = np.flatnonzero(np.diff(pid[order], append=pid[order][-1:] + 1))
        for at in ends.tolist():
            before = int(latest[at])
            if before >= 0 and pid[order[before]] == pid[order[at]]:
                self._last[int(pid[order[at]])] = bool(kept[order[before]])
        return answer


def of_events(names: Sequence[str]) -> Test:
    """Events called so: `NAME`, `SYSTEM:NAME`, with wildcards."""

    def test(batch: Batch) -> NDArray[np.bool_]:
        system = batch.format.system if batch.format else ""
        spellings = (batch.event, f"{system}:{batch.event}", f"{system}/{batch.event}")
        wanted = any(fnmatchcase(spelling, name) for name in names for spelling in spellings)
        return np.full(len(batch), wanted, np.bool_)

    return test


def of_tasks(pids: Collection[int]) -> Test:
    """Records of these threads."""
    return lambda batch: np.isin(batch.pid, list(pids))


def of_times(since: int | None, until: int | None) -> Test:
    """Records between two times, both included."""
    low = -(1 << 63) if since is None else since
    high = (1 << 63) - 1 if until is None else until
    return lambda batch: (batch.ts >= low) & (batch.ts <= high)
