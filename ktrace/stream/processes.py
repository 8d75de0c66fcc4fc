"""Fill in the processes of records, which only have the id of the thread."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

import numpy as np

from ktrace.model.batch import Batch, Chunk


class Processes:
    """Fills in `tgid`.

    Args:
        groups: returns the process of each thread: `ThreadGroups`.
    """

    def __init__(self, groups: Callable[[Iterable[int]], Mapping[int, int]]) -> None:
        self._groups = groups

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the chunk with the process of every record; for an unknown thread, the thread itself."""
        return replace(chunk, batches=tuple(map(self._fill, chunk.batches)))

    def _fill(self, batch: Batch) -> Batch:
        tids, where = np.unique(batch.pid, return_inverse=True)
        known = self._groups(tids.tolist())
        tgids = np.array([known[tid] for tid in tids.tolist()], np.int32)
        return replace(batch, tgid=tgids[where])
