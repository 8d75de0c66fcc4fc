"""Counting what streams by, where the kernel cannot count: each hit crosses to user space, as pages."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from ktrace.model.batch import Chunk
from ktrace.model.tally import Tally
from ktrace.session.reader import BufferReader, reading_pages, reading_text
from ktrace.session.session import Session
from ktrace.stream.pipeline import Source

_LOOK_S = 0.02  # the buffer must not run over
_READS = 8  # in a look: what comes meanwhile is for the next
_PUMP_S = 0.2  # that a look may take, so that the run's end is seen


class Counter(Protocol):
    """Adds up what streams by."""

    def write(self, chunk: Chunk, /) -> None:
        """Take a piece of the stream."""

    def flush(self) -> None:
        """Nothing more comes."""

    def tally(self) -> Tally:
        """Return the counts so far."""


class StreamTally:
    """Streams events into a counter.

    Args:
        events: `GROUP/NAME` of all.
        filter: count only where this holds.
        stack: record a stack at each hit.
        text: read the kernel's text, for what it alone can say: where a program's frames lie in its files.
    """

    look_s = _LOOK_S

    def __init__(
        self,
        session: Session,
        counter: Counter,
        events: Sequence[str],
        filter_: str | None,
        *,
        stack: bool = False,
        text: bool = False,
    ) -> None:
        self._session = session
        self._counter = counter
        self._events = events
        self._filter = filter_
        self._stack = stack
        self._text = text
        self._reading: BufferReader | None = None
        self._source: Source | None = None
        self.unread = 0
        """Records that were left in the kernel's buffer."""

    def arm(self) -> None:
        """Begin to count. Raises Refused for a filter that the kernel does not take."""
        for event in self._events:
            self._session.trace_event(event, stack=self._wants_stack(event))
        self._set_filters()
        self._reading = (reading_text if self._text else reading_pages)(self._session)
        self._source = self._reading.start()

    def _wants_stack(self, _event: str) -> bool:
        return self._stack

    def _set_filters(self) -> None:
        if self._filter:
            self._session.filter(self._filter)

    def poll(self) -> None:
        """Take what is there."""
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
        """Count no more; of what is still there, take what there is time for."""
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
        """Nothing is timed."""
        return None

    @property
    def lost(self) -> int:
        """Hits that were overwritten before they were read."""
        assert self._reading is not None
        return max(sum(s.lost for s in self._session.stats()), sum(self._reading.told().values()))
