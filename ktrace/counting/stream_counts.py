"""Count streamed events, if the kernel cannot count: each hit is copied to user space, in pages."""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from ktrace.model.batch import Chunk
from ktrace.model.tally import Tally
from ktrace.session.reader import BufferReader, reading_pages, reading_text
from ktrace.session.session import Session
from ktrace.stream.pipeline import Source

_LOOK_S = 0.02  # the buffer must not overrun
_READS = 8  # the most reads in a poll: later data are left for the next poll
_PUMP_S = 0.2  # the most seconds of a poll, so that the end of the run is noticed


class Counter(Protocol):
    """Adds up streamed events."""

    def write(self, chunk: Chunk, /) -> None:
        """Take a chunk."""

    def flush(self) -> None:
        """Finish: nothing more will come."""

    def tally(self) -> Tally:
        """Return the counts so far."""


class StreamTally:
    """Streams events into a counter.

    Args:
        events: `GROUP/NAME` of all events, each with the filter that its hits have to pass.
        stack: record a stack at each hit.
        text: read the kernel's text, which alone has the files and offsets of a program's frames.
    """

    look_s = _LOOK_S

    def __init__(
        self,
        session: Session,
        counter: Counter,
        events: Mapping[str, str | None],
        *,
        stack: bool = False,
        text: bool = False,
    ) -> None:
        self._session = session
        self._counter = counter
        self._events = events
        self._stack = stack
        self._text = text
        self._reading: BufferReader | None = None
        self._source: Source | None = None
        self.unread = 0
        """Records that were left in the kernel's buffer."""

    def arm(self) -> None:
        """Start counting. Raises Refused if the kernel does not accept the filter."""
        for event in self._events:
            self._session.trace_event(event, stack=self._wants_stack(event))
        self._set_filters()
        self._reading = (reading_text if self._text else reading_pages)(self._session)
        self._source = self._reading.start()

    def _wants_stack(self, _event: str) -> bool:
        return self._stack

    def _set_filters(self) -> None:
        for event, condition in self._events.items():
            if condition:
                self._session.filter(condition, [event])

    def poll(self) -> None:
        """Take the available records."""
        until = time.monotonic() + _PUMP_S
        for _ in range(_READS):
            if not self._take() or time.monotonic() >= until:
                break

    def _take(self) -> bool:
        assert self._reading is not None and self._source is not None
        data = self._source.read()
        self._counter.write(self._reading.enrich(self._reading.decode(data)))
        return bool(data)

    def stop(self, overdue: Callable[[], bool]) -> None:
        """Stop counting. Take the records that are left, while there is time."""
        self._session.stop()
        while self._take():
            if overdue():
                self.unread = sum(stats.entries for stats in self._session.stats())
                break
        assert self._reading is not None
        self._counter.write(self._reading.enrich(self._reading.decoder.finish()))
        self._counter.flush()

    def read(self) -> Tally:
        """Return the counts so far."""
        return self._counter.tally()

    @property
    def untimed(self) -> int | None:
        """Return None: nothing is timed."""
        return None

    @property
    def lost(self) -> int:
        """Return the number of hits that were overwritten before they were read."""
        assert self._reading is not None
        return max(sum(s.lost for s in self._session.stats()), sum(self._reading.told().values()))
