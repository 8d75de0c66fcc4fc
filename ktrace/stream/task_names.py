"""Find the names of tasks that the kernel had not saved when it printed their events.

The kernel saves a task's name when the task is switched out for the first time after an event. An event read
before that shows `<...>`. While the task lives, /proc has its name; if it has ended, the kernel has usually
saved the name by then (`saved_cmdlines`).
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ktrace.model.batch import Batch, Chunk, Mark, Stack
from ktrace.model.column import Strings
from ktrace.stream.saved_names import saved_name
from ktrace.tracefs.files import Files
from ktrace.tracefs.processes import comm_of

_UNKNOWN = "<...>"


class TaskNames:
    """Fills in names; a task whose name is unknown keeps `<...>`.

    Args:
        saved: returns the text of the kernel's saved_cmdlines.
        proc: a /proc with the ids of events.
    """

    def __init__(self, saved: Callable[[], str], proc: Files) -> None:
        self._saved = saved
        self._proc = proc

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the chunk with all names that can be found."""
        if not any(_UNKNOWN in batch.comm.values for batch in chunk.batches) and not chunk.marks:
            return chunk
        known = _Known(self._proc, self._saved, chunk)
        batches = tuple(self._fill(batch, known) for batch in chunk.batches)
        marks = tuple(self._fill_mark(mark, known) for mark in chunk.marks)
        return Chunk(batches, marks)

    def _fill(self, batch: Batch, known: "_Known") -> Batch:
        if _UNKNOWN not in batch.comm.values:
            return batch
        code = batch.comm.values.index(_UNKNOWN)
        codes = batch.comm.codes.copy()
        values = list(batch.comm.values)
        for pid in np.unique(batch.pid[codes == code]).tolist():
            values.append(known.name(pid))
            codes[(batch.comm.codes == code) & (batch.pid == pid)] = len(values) - 1
        return replace(batch, comm=Strings(codes, tuple(values)))

    def _fill_mark(self, mark: Mark, known: "_Known") -> Mark:
        if isinstance(mark, Stack) and mark.comm == _UNKNOWN:
            return replace(mark, comm=known.name(mark.pid))
        return mark


class _Known:
    """The names found for one chunk. They are not kept longer: ids are reused, and exec changes names."""

    def __init__(self, proc: Files, saved: Callable[[], str], chunk: Chunk) -> None:
        self._proc = proc
        self._saved = saved
        self._chunk = chunk
        self._names: dict[int, str] = {}

    def name(self, pid: int) -> str:
        """Return a name from /proc, or as saved since by the kernel, or from another event of the task."""
        if pid not in self._names:
            found = comm_of(self._proc, pid) or saved_name(self._saved(), pid) or self._from_events(pid)
            self._names[pid] = found or _UNKNOWN
        return self._names[pid]

    def _from_events(self, pid: int) -> str | None:
        for batch in self._chunk.batches:
            for row in np.flatnonzero(batch.pid == pid).tolist():
                name = batch.comm[row]
                if name != _UNKNOWN:
                    return name
        return None
