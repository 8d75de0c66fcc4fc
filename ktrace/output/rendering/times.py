"""The times before lines, in the form that `--time` chooses."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ktrace.errors import UsageError
from ktrace.model.batch import Chunk, Stack

TimeForm = Literal["rel", "mono", "boot", "wall", "utc", "iso", "delta"]

_CLOCKS = {"mono": "mono", "boot": "boot", "wall": "wall", "utc": "wall", "iso": "wall"}
"""By form, the clock that it shows. The others are relative to records."""


@dataclass(frozen=True, slots=True)
class TimeStyle:
    """The spelling of a time: whole seconds, the point, microseconds, and what follows."""

    second: Callable[[int], str] = lambda second: f"{second:5d}."
    suffix: str = ""


PLAIN = TimeStyle()
"""The kernel's own spelling."""


def style_of(form: TimeForm | None) -> TimeStyle:
    """Return how times are spelled in that form; None: as the kernel does."""
    match form:
        case "wall":
            return TimeStyle(lambda second: time.strftime("%H:%M:%S.", time.localtime(second)))
        case "utc":
            return TimeStyle(lambda second: time.strftime("%H:%M:%S.", time.gmtime(second)), "Z")
        case "iso":
            return TimeStyle(lambda second: time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second)), "Z")
    return PLAIN


class ChunkSink(Protocol):
    """A sink that takes chunks."""

    def write(self, chunk: Chunk, /) -> None:
        """Write a chunk."""

    def flush(self) -> None:
        """Make everything written so far visible."""

    def close(self) -> None:
        """Write whatever is pending."""


@dataclass(slots=True)
class Retimed:
    """A sink that gives records the times to show, and passes them on.

    Args:
        sink: takes the records.
        form: as `--time` names it.
        offsets: nanoseconds to add to a record's time to get that of `mono`, `boot`, `wall`.
        clock: the trace clock, for messages.

    Raises:
        UsageError: the trace clock does not tell the time of that clock.
    """

    sink: ChunkSink
    form: TimeForm
    offsets: Mapping[str, int]
    clock: str = ""
    _first: int | None = None
    _last: int = field(default=0)

    def __post_init__(self) -> None:
        needed = _CLOCKS.get(self.form)
        if needed is not None and needed not in self.offsets:
            clock = f"the trace clock {self.clock}".rstrip()
            raise UsageError(
                f"--time {self.form}: {clock} does not tell it",
                hint="--time rel and delta work with every clock; the others need --clock mono or boot "
                "when the events are traced or recorded",
            )

    def write(self, chunk: Chunk, /) -> None:
        """Pass a chunk on with other times."""
        batches = [batch for batch in chunk.batches if len(batch)]
        stacks = [mark for mark in chunk.marks if isinstance(mark, Stack)]
        times = [batch.ts for batch in batches] + [np.array([stack.ts], np.int64) for stack in stacks]
        if not times:
            self.sink.write(chunk)
            return
        seqs = [batch.seq for batch in batches] + [np.array([stack.seq], np.int64) for stack in stacks]
        shown = self._shown(np.concatenate(seqs), np.concatenate(times))
        parts = np.split(shown, np.cumsum([len(some) for some in times])[:-1])
        moved = iter(parts)
        made = tuple(replace(batch, ts=next(moved)) for batch in batches)
        marks = tuple(
            replace(mark, ts=int(next(moved)[0])) if isinstance(mark, Stack) else mark for mark in chunk.marks
        )
        self.sink.write(Chunk(made, marks))

    def flush(self) -> None:
        """Flush the sink."""
        self.sink.flush()

    def close(self) -> None:
        """Close the sink."""
        self.sink.close()

    def _shown(self, seqs: NDArray[np.int64], times: NDArray[np.int64]) -> NDArray[np.int64]:
        needed = _CLOCKS.get(self.form)
        if needed is not None:
            return times + self.offsets[needed]
        order = np.argsort(seqs, kind="stable")
        ordered = times[order]
        if self._first is None:
            self._first = self._last = int(ordered[0])
        if self.form == "rel":
            return times - self._first
        before = np.concatenate([np.array([self._last], np.int64), ordered[:-1]])
        self._last = int(ordered[-1])
        shown = np.empty_like(times)
        shown[order] = ordered - before
        return shown
