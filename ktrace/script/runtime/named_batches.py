"""Give batches the names that tasks had at their events: what `Rows` does for single records."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Strings
from ktrace.ringbuffer.decode import Decoder, Selection
from ktrace.ringbuffer.records import Records
from ktrace.script.runtime.columns import Columns
from ktrace.script.runtime.task_events import take_names
from ktrace.script.runtime.tasks import Tasks


class NameEvents:
    """Takes the names of tasks from records that are not yet in order.

    Args:
        tasks: what is known.
        decoder: decodes the records.
        names: the ids of the events in `task_events.NAMES`.
    """

    def __init__(self, tasks: Tasks, decoder: Decoder, names: Sequence[int]) -> None:
        self._tasks = tasks
        self._decoder = decoder
        self._ids = np.array(names, np.uint16)

    def learn(self, records: Records) -> None:
        """Take the names that new records tell, before these are in order.

        A name that is read from /proc may be later than the record that it is for. If so, the record of the
        change has been read by then, and it has the old name.
        """
        rows = np.flatnonzero(np.isin(records.id, self._ids))
        if not len(rows):
            return
        cpus = np.full(len(rows), records.cpu, np.int32)
        chosen = Selection(
            records.buffer, records.at[rows], records.size[rows], records.id[rows], records.ts[rows], cpus
        )
        for batch in self._decoder.chunk(chosen, []).batches:
            take_names(self._tasks, Columns(batch))


def named(tasks: Tasks, chunk: Chunk) -> Chunk:
    """Return a chunk with the name that each task had at its event."""
    changed = np.array(sorted(tasks.renamed_tasks), np.int32)
    if not len(changed):
        return chunk
    return replace(chunk, batches=tuple(_named(tasks, batch, changed) for batch in chunk.batches))


def _named(tasks: Tasks, batch: Batch, changed: "np.ndarray[tuple[int], np.dtype[np.int32]]") -> Batch:
    rows = np.flatnonzero(np.isin(batch.pid, changed))
    if not len(rows):
        return batch
    texts = list(batch.comm.values)
    codes = batch.comm.codes.copy()
    index: dict[str | None, int] = {text: code for code, text in enumerate(texts)}
    for row in rows.tolist():
        name = tasks.name(int(batch.pid[row]), int(batch.ts[row]))
        if name is not None:
            if name not in index:
                index[name] = len(texts)
                texts.append(name)
            codes[row] = index[name]
    return replace(batch, comm=Strings(codes, tuple(texts)))
