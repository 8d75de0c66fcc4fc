"""Put the records of several batches in order of time."""

from collections.abc import Iterator, Sequence

import numpy as np

from ktrace.model.batch import Batch


def by_time(batches: Sequence[Batch]) -> Iterator[tuple[int, int]]:
    """Yield the number of each record's batch, and the record's time in nanoseconds, in order of time."""
    if not batches:
        return iter(())
    which = np.concatenate([np.full(len(one), i, np.int32) for i, one in enumerate(batches)])
    seq = np.concatenate([one.seq for one in batches])
    ts = np.concatenate([one.ts for one in batches])
    order = np.argsort(seq, kind="stable")
    return zip(which[order].tolist(), ts[order].tolist(), strict=True)
