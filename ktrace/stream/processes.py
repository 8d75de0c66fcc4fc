"""Map threads to their processes: records only have the id of the thread."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ktrace.model.batch import Batch, Chunk
from ktrace.tracefs.files import Files
from ktrace.tracefs.processes import status_numbers


class Processes:
    """Fills in `tgid`.

    Args:
        saved: returns the text of the kernel's saved_tgids, `TID TGID` a line; empty if there is none.
        proc: used for threads that the kernel has not saved.
    """

    def __init__(self, saved: Callable[[], str], proc: Files) -> None:
        self._saved = saved
        self._proc = proc
        self._known: dict[int, int] = {0: 0}

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the chunk with the process of every record; for an unknown thread, the thread itself."""
        return replace(chunk, batches=tuple(map(self._fill, chunk.batches)))

    def _fill(self, batch: Batch) -> Batch:
        tids, where = np.unique(batch.pid, return_inverse=True)
        missing = [tid for tid in tids.tolist() if tid not in self._known]
        if missing:
            self._known.update(self._look_up(missing))
        tgids = np.array([self._known[tid] for tid in tids.tolist()], np.int32)
        return replace(batch, tgid=tgids[where])

    def _look_up(self, tids: Sequence[int]) -> Mapping[int, int]:
        saved = re.findall(r"^(\d{1,10}) (\d{1,10})$", self._saved(), re.MULTILINE)
        found = {int(tid): int(tgid) for tid, tgid in saved}
        return {
            tid: found.get(tid) or next(iter(status_numbers(self._proc, tid, "Tgid")), tid) for tid in tids
        }
