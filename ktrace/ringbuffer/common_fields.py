"""The fields that all records begin with, across events, for queries that need no event's own fields."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from ktrace.model.column import Strings
from ktrace.model.format import Format
from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.records import Records

_PLACES = {
    "common_type": (0, 2),
    "common_flags": (2, 1),
    "common_preempt_count": (3, 1),
    "common_pid": (4, 4),
}
_STACKS = ("kernel_stack", "user_stack")  # events of ftrace that belong to other records


def are_plain(forms: Iterable[Format], layout: PageLayout) -> bool:
    """Return whether `Heads` can read the records of these events.

    It can if they begin like those of every kernel so far.
    """
    return not layout.big_endian and all(
        {f.name: (f.offset, f.size) for f in form.fields if f.name.startswith("common_")} == _PLACES
        for form in forms
    )


class Heads:
    """The common fields of the records of known events; each column is made when it is asked for."""

    def __init__(self, records: Records, known: Mapping[int, Format]) -> None:
        names = list(dict.fromkeys(form.name for form in known.values()))
        codes = np.full(1 << 16, -1, np.int32)
        for ident, form in known.items():
            if form.system != "ftrace" or form.name not in _STACKS:
                codes[ident] = names.index(form.name)
        events = codes.take(records.id)
        rows: NDArray[np.int64] | slice = slice(None)
        if len(events) and int(events.min()) < 0:
            rows = np.flatnonzero(events >= 0)
        self._records = records
        self._rows = rows
        self._at = records.at[rows]
        self._words = records.buffer[: len(records.buffer) // 4 * 4].view("<u4")
        self.event = Strings(events[rows], tuple(names))

    def __len__(self) -> int:
        return len(self._at)

    @property
    def ts(self) -> NDArray[np.int64]:
        """Return the time of each record."""
        return self._records.ts[self._rows]

    @property
    def cpu(self) -> NDArray[np.int32]:
        """Return the CPU of each record, which is the same for all."""
        return np.full(len(self), self._records.cpu, np.int32)

    @property
    def pid(self) -> NDArray[np.int32]:
        """Return the pid of each record's task."""
        return self._words.take(self._at + 1).view(np.int32)

    @property
    def common_flags(self) -> NDArray[np.int32]:
        """Return the flags and the preemption depth, as in `Batch`."""
        return (self._words.take(self._at) >> 16).astype(np.int32)
