"""Batches to stream, built from the numbers of their records."""

import numpy as np

from ktrace.model.batch import Batch
from ktrace.model.column import Strings


def batch(*seqs: int, pids: list[int] | None = None, comms: list[str] | None = None) -> Batch:
    """One record a number; its argument `n` is ten times that."""
    count = len(seqs)
    return Batch(
        event="kp",
        kind="entry",
        seq=np.array(seqs, np.int64),
        ts=np.array(seqs, np.int64),
        cpu=np.zeros(count, np.int32),
        pid=np.array(pids or [1] * count, np.int32),
        tgid=None,
        comm=Strings.of(comms or ["a"] * count),
        flags=Strings.of([""] * count),
        columns={"n": np.array(seqs, np.int64) * 10},
    )
