"""Turn columns of events into lists of arguments for handlers."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ktrace.aggregate.frames import without_own
from ktrace.model.batch import Batch, Chunk, Stack
from ktrace.model.column import Column, Strings
from ktrace.script.runtime.by_time import by_time
from ktrace.script.runtime.events import Events
from ktrace.script.runtime.state import UNREAD, bytes_text


class Columns:
    """A batch as `Events`.

    Args:
        marks: the stacks of its chunk.
    """

    def __init__(self, batch: Batch, marks: Sequence[Stack] = ()) -> None:
        self.batch = batch
        self._marks = marks

    @property
    def event(self) -> str:
        """See `Events`."""
        return self.batch.event

    @property
    def system(self) -> str:
        """See `Events`."""
        return self.batch.format.system if self.batch.format is not None else ""

    def __len__(self) -> int:
        return len(self.batch)

    def has(self, name: str) -> bool:
        """See `Events`."""
        return name in self.batch.columns

    def column(self, name: str) -> list[Any]:
        """See `Events`."""
        return values(self.batch.columns[name])

    def data(self, param: str) -> list[Any]:
        """See `Events`."""
        batch = self.batch
        if param == "pid":
            pids = batch.pid if batch.tgid is None else np.where(batch.tgid > 0, batch.tgid, batch.pid)
            return values(pids)
        columns: dict[str, Column] = {"tid": batch.pid, "comm": batch.comm, "cpu": batch.cpu, "ts": batch.ts}
        return values(columns[param])

    def stacks(self, *, user: bool) -> list[tuple[int, ...]]:
        """See `Events`."""
        by_task: dict[int, list[Stack]] = {}
        for one in self._marks:
            if one.user is user:
                by_task.setdefault(one.pid, []).append(one)
        begins = {pid: [one.seq for one in found] for pid, found in by_task.items()}
        found: list[tuple[int, ...]] = []
        for seq, pid in zip(self.batch.seq.tolist(), self.batch.pid.tolist(), strict=True):
            number = bisect_right(begins.get(pid, ()), seq)
            after = by_task[pid][number] if number < len(begins.get(pid, ())) else None
            found.append(() if after is None else after.ips if user else _without_own(after))
        return found


class ChunkEvents:
    """A chunk as `Happened`."""

    def __init__(self, chunk: Chunk) -> None:
        stacks = [mark for mark in chunk.marks if isinstance(mark, Stack)]
        self.events: Sequence[Columns] = [Columns(batch, stacks) for batch in chunk.batches if len(batch)]

    def in_order(self, some: Sequence[Events]) -> Iterator[tuple[int, int]]:
        """See `Happened`."""
        return by_time([one.batch for one in some if isinstance(one, Columns)])


def values(column: Column) -> list[Any]:
    """Convert a column for handlers: Latin-1 text or signed 64-bit numbers."""
    if isinstance(column, Strings):
        texts = [UNREAD if text is None else bytes_text(text) for text in column.values]
        return [texts[code] for code in column.codes.tolist()]
    if column.dtype == np.uint64:
        column = column.view(np.int64)
    found: list[Any] = column.tolist()
    return found


def _without_own(stack: Stack) -> tuple[int, ...]:
    """Return the addresses of a kernel stack without those of the probe itself."""
    return stack.ips[len(stack.frames) - len(without_own(stack.frames)) :]
