"""Names of tasks that the kernel had not saved when it printed their events.

The kernel remembers a task's name when the task is switched out for the first time after an event; an
event that is read before shows `<...>`. While the task lives, /proc knows the name.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from ktrace.model.batch import Batch, Chunk, Mark, Stack, Strings

_UNKNOWN = "<...>"


class TaskNames:
    """Fills in names; a task that has ended keeps `<...>`."""

    def __init__(self, proc: str = "/proc") -> None:
        self._proc = proc

    def __call__(self, chunk: Chunk) -> Chunk:
        """The chunk with all names that can be found."""
        known: dict[int, str] = {}
        batches = tuple(self._fill(batch, known) for batch in chunk.batches)
        marks = tuple(self._fill_mark(mark, known) for mark in chunk.marks)
        return Chunk(batches, marks)

    def _fill(self, batch: Batch, known: dict[int, str]) -> Batch:
        if _UNKNOWN not in batch.comm.values:
            return batch
        code = batch.comm.values.index(_UNKNOWN)
        codes = batch.comm.codes.copy()
        values = list(batch.comm.values)
        for pid in np.unique(batch.pid[codes == code]).tolist():
            values.append(self._name(pid, known))
            codes[(batch.comm.codes == code) & (batch.pid == pid)] = len(values) - 1
        return replace(batch, comm=Strings(codes, tuple(values)))

    def _fill_mark(self, mark: Mark, known: dict[int, str]) -> Mark:
        if isinstance(mark, Stack) and mark.comm == _UNKNOWN:
            return replace(mark, comm=self._name(mark.pid, known))
        return mark

    def _name(self, pid: int, known: dict[int, str]) -> str:
        """Asked anew for each chunk: ids are used again, and exec changes names."""
        if pid not in known:
            try:
                raw = Path(f"{self._proc}/{pid}/comm").read_bytes()
            except OSError:
                raw = _UNKNOWN.encode()
            known[pid] = raw.removesuffix(b"\n").decode("utf-8", "surrogateescape")
        return known[pid]
