"""What all records begin with, of all events together: for whoever asks for no event's own fields."""

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Strings
from ktrace.model.format import Format
from ktrace.ringbuffer.decode import UNKNOWN
from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.records import Records

_PLACES = {
    "common_type": (0, 2),
    "common_flags": (2, 1),
    "common_preempt_count": (3, 1),
    "common_pid": (4, 4),
}
_STACKS = ("kernel_stack", "user_stack")  # of ftrace: they belong to other records


def are_plain(forms: Iterable[Format], layout: PageLayout) -> bool:
    """Whether `heads` can read the records of these events: they begin as those of every kernel do so far."""
    return not layout.big_endian and all(
        {f.name: (f.offset, f.size) for f in form.fields if f.name.startswith("common_")} == _PLACES
        for form in forms
    )


def heads(records: Records, known: Mapping[int, Format]) -> tuple[Batch, Strings]:
    """The records of the events that are known, without their fields.

    Returns:
        a batch of all of them, and the name of each one's event.
    """
    names = list(dict.fromkeys(form.name for form in known.values()))
    codes = np.full(1 << 16, -1, np.int32)
    for ident, form in known.items():
        if form.system != "ftrace" or form.name not in _STACKS:
            codes[ident] = names.index(form.name)
    events = codes[records.id]
    rows: NDArray[np.int64] | slice = slice(None)
    if len(events) and int(events.min()) < 0:
        rows = np.flatnonzero(events >= 0)
    words = records.buffer[: len(records.buffer) // 4 * 4].view("<u4")
    at = records.at[rows]
    count = len(at)
    nothing = Strings(np.zeros(count, np.int32), ("",))
    batch = Batch(
        event="",
        kind="fields",
        seq=np.arange(count),
        ts=records.ts[rows],
        cpu=np.full(count, records.cpu, np.int32),
        pid=words[at + 1].view(np.int32),
        tgid=None,
        comm=Strings(nothing.codes, (UNKNOWN,)),
        flags=nothing,
        common_flags=(words[at] >> 16).astype(np.int32),
    )
    return batch, Strings(events[rows], tuple(names))
