"""Names of tasks that a recording's own events tell: who was switched to, woken, made or renamed.

The kernel saves few names, and none of a task that only others' events mention. trace-cmd learns names from
the same events. As there, the first name that is seen for a thread id stays.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress

import numpy as np

from ktrace.errors import Damaged
from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Strings
from ktrace.model.format import Format
from ktrace.ringbuffer.decode import Decoder
from ktrace.stream.known_formats import layout_in
from ktrace.tracedat.reader import TraceDat

_SCANNED = 256 << 20
"""Bytes of pages that are searched before the first line is printed; later pages tell names as they come."""

_PIECE = 1 << 20
_TOLD_BY = {
    "sched_switch": (("prev_pid", "prev_comm"), ("next_pid", "next_comm")),
    "sched_wakeup": (("pid", "comm"),),
    "sched_wakeup_new": (("pid", "comm"),),
    "sched_waking": (("pid", "comm"),),
    "sched_migrate_task": (("pid", "comm"),),
    "sched_process_fork": (("parent_pid", "parent_comm"), ("child_pid", "child_comm")),
    "sched_process_exit": (("pid", "comm"),),
    "task_newtask": (("pid", "comm"),),
    "task_rename": (("pid", "newcomm"),),
}
"""By event, its fields that hold a thread id and that task's name."""


class LearntNames:
    """The names that were saved with a recording, and those that its events tell.

    Args:
        saved: returns the saved names.
        file: searched when the first name is missing.
        known: its formats.
    """

    def __init__(
        self, saved: Callable[[Iterable[int]], Mapping[int, str]], file: TraceDat, known: Mapping[int, Format]
    ) -> None:
        self._saved = saved
        self._file = file
        self._tellers = {
            ident: [name for pair in _TOLD_BY[form.name] for name in pair]
            for ident, form in known.items()
            if form.system in ("sched", "task") and form.name in _TOLD_BY
        }
        self._known = known
        self._is_searched = False
        self._goes_on = False  # pages were left out of the search
        self._last: tuple[Batch, ...] = ()  # until the search, which may not reach them
        self._first: dict[int, tuple[int, str]] = {}  # time and name, by thread id

    def __call__(self, pids: Iterable[int]) -> Mapping[int, str]:
        """Return the names that are known."""
        wanted = list(pids)
        found = dict(self._saved(wanted))
        missing = [pid for pid in wanted if pid not in found] if self._tellers else []
        if not missing:
            return found
        if not self._is_searched:
            self._is_searched = True
            self._search()
            if self._goes_on:
                self._take(self._last)
            self._last = ()
        found.update((pid, self._first[pid][1]) for pid in missing if pid in self._first)
        return found

    def learn(self, chunk: Chunk) -> None:
        """Take the names that a chunk tells, if the search does not see all of the file."""
        if self._goes_on:
            self._take(chunk.batches)
        elif not self._is_searched:
            self._last = chunk.batches

    def _search(self) -> None:
        rows = [(buffer, data) for buffer in self._file.contents.buffers for data in buffer.cpus if data.size]
        share = max(_SCANNED // max(len(rows), 1), _PIECE)
        for buffer, data in rows:
            decoder = Decoder(self._known, layout_in(self._file, buffer))
            decoder.only = self._tellers
            left = share
            # Whoever reads on to that place reports the damage.
            with suppress(Damaged):
                for pages in self._file.windows(buffer, data, _PIECE):
                    self._take(decoder.decode(pages, data.cpu).batches)
                    left -= len(pages)
                    if left <= 0:
                        self._goes_on = True
                        break

    def _take(self, batches: Iterable[Batch]) -> None:
        for batch in batches:
            if batch.format is None or batch.format.id not in self._tellers:
                continue
            for pid, (row, name) in _first_names(batch):
                ts = int(batch.ts[row])
                if pid not in self._first or ts < self._first[pid][0]:
                    self._first[pid] = ts, name


def _first_names(batch: Batch) -> Iterator[tuple[int, tuple[int, str]]]:
    """Yield the thread ids that a batch names, with the row and the name that come first."""
    for pid_field, name_field in _TOLD_BY[batch.event]:
        pids, names = batch.columns.get(pid_field), batch.columns.get(name_field)
        if not isinstance(names, Strings) or pids is None or isinstance(pids, Strings) or pids.ndim != 1:
            continue
        if pids.dtype.kind not in "iu":
            continue
        different, rows = np.unique(pids, return_index=True)
        for pid, row in zip(different.tolist(), rows.tolist(), strict=True):
            name = names[row]
            if pid > 0 and name:
                yield pid, (row, name)
