"""Counting what streams by, where the kernel cannot count: each hit crosses to user space."""

from collections.abc import Sequence
from typing import Protocol

from ktrace.model.batch import Chunk
from ktrace.model.tally import Tally
from ktrace.session.session import Session
from ktrace.stream.task_names import TaskNames
from ktrace.tracefs.pipe import TextPipe
from ktrace.tracefs.pipe_text import TextParser

_LOOK_S = 0.05  # the buffer must not run over


class Counter(Protocol):
    """Adds up what streams by."""

    def write(self, chunk: Chunk, /) -> None:
        """Take a piece of the stream."""

    def tally(self) -> Tally:
        """What was counted so far."""


class StreamTally:
    """Streams events into a counter.

    Args:
        events: `GROUP/NAME` of all.
        filter: count only where this holds.
        stack: record a stack at each hit.
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
    ) -> None:
        self._session = session
        self._counter = counter
        self._events = events
        self._filter = filter_
        self._stack = stack
        self._pipe: TextPipe | None = None
        self._parser: TextParser | None = None
        self._enrich = TaskNames(session.saved_names)

    def arm(self) -> None:
        """Begin to count. Raises Refused for a filter that the kernel does not take."""
        for event in self._events:
            self._session.trace_event(event, stack=self._stack)
        if self._filter:
            self._session.filter(self._filter)
        self._parser = TextParser(self._session.signatures())
        self._pipe = self._session.start()

    def pump(self) -> None:
        """Take what is there."""
        assert self._pipe is not None and self._parser is not None
        while data := self._pipe.read():
            self._counter.write(self._enrich(self._parser.feed(data)))
        self._counter.write(self._enrich(self._parser.idle()))

    def stop(self) -> None:
        """Count no more."""
        self._session.stop()
        self.pump()
        assert self._parser is not None
        self._counter.write(self._enrich(self._parser.finish()))

    def read(self) -> Tally:
        """What was counted so far."""
        return self._counter.tally()

    @property
    def untimed(self) -> int | None:
        """Nothing is timed."""
        return None

    @property
    def lost(self) -> int:
        """Hits that were overwritten before they were read."""
        assert self._parser is not None
        return max(sum(s.lost for s in self._session.stats()), self._parser.lost)
