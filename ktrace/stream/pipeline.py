"""Run the whole pipeline: source -> decode -> enrich -> sink.

A live buffer and a file differ only in the source; a table, JSON Lines and a file only in the sink.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from ktrace.errors import Interrupted
from ktrace.model.batch import Chunk
from ktrace.stream.limit import Limit

Data: TypeAlias = Any
"""Data that a source returns and its decoder takes: bytes of text, or pages of each CPU. Empty is false."""


class Source(Protocol):
    """Reads data: the start of the pipeline."""

    def read(self) -> Data:
        """Return the data available now, or nothing. Never waits."""


class Decoder(Protocol):
    """Decodes data to chunks.

    Attributes:
        waiting: records that came in and have not come out yet.
    """

    @property
    def waiting(self) -> int:
        """Return the number of waiting records."""

    def feed(self, data: Data, /) -> Chunk:
        """Return everything that is complete so far."""

    def idle(self) -> Chunk:
        """Return what only waited for a continuation: no more data are available now."""

    def finish(self) -> Chunk:
        """Return the rest: no more data will come."""


class Sink(Protocol):
    """Takes chunks: the end of the pipeline."""

    def write(self, chunk: Chunk, /) -> None:
        """Write a chunk."""

    def flush(self) -> None:
        """Make everything written so far visible."""


class Ending(Protocol):
    """A bound on the time after the end of a run."""

    def end(self) -> None:
        """Start the end, unless it has started."""

    @property
    def overdue(self) -> bool:
        """Return whether the run ended so long ago that no more should be read."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The totals of a run.

    Attributes:
        seconds: from the first wait to the stop.
        unwritten: records that were read, but that the sink did not take or not completely.
        cut: whether records may remain in the source because time ran out.
        given_up: whether the sink takes no more.
    """

    events: int
    seconds: float
    unwritten: int = 0
    cut: bool = False
    given_up: bool = False


# many parameters: the four parts of the pipeline, and what ends it
def run(
    source: Source,
    decoder: Decoder,
    sink: Sink,
    *,
    wait: Callable[[], bool],
    stop: Callable[[], None],
    ending: Ending,
    enrich: Callable[[Chunk], Chunk] = lambda chunk: chunk,
    limit: Limit | None = None,
) -> Totals:
    """Stream until `wait` returns False or `limit` is reached, then drain the source.

    After the stop, the source is read once more, and again as long as the run is not overdue.

    Args:
        wait: returns when data may be available; False when the run is to end.
        stop: called once, before the source is drained; it stops the recording of events.
        ending: tells when there is no time to read on.
        enrich: adds to a chunk what the decoder cannot know.
    """
    limit = limit or Limit(None)
    out = _Delivery(sink, limit, enrich)
    started = time.monotonic()
    while not (limit.reached or out.given_up) and wait():
        data = source.read()
        out(decoder.feed(data) if data else decoder.idle())
    ending.end()
    stop()
    seconds = time.monotonic() - started
    cut = False
    while not (out.given_up or cut) and (data := source.read()):
        out(decoder.feed(data))
        cut = ending.overdue
    if out.given_up:
        return Totals(out.events, seconds, out.unwritten + decoder.waiting, cut=True, given_up=True)
    out(decoder.finish())
    return Totals(out.events, seconds, out.unwritten, cut or out.given_up, out.given_up)


class _Delivery:
    """Passes chunks on until the sink takes no more."""

    def __init__(self, sink: Sink, limit: Limit, enrich: Callable[[Chunk], Chunk]) -> None:
        self._sink = sink
        self._limit = limit
        self._enrich = enrich
        self.events = self.unwritten = 0
        self.given_up = False

    def __call__(self, chunk: Chunk) -> None:
        wanted = self._limit.cut(self._enrich(chunk))
        if not (wanted.batches or wanted.marks):
            return
        try:
            self._sink.write(wanted)
            self._sink.flush()
        except Interrupted:
            self.given_up = True
            self.unwritten += len(wanted)
        else:
            self.events += len(wanted)
