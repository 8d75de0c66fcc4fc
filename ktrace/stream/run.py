"""The line upward, whole: source -> decode -> enrich -> sink.

A live buffer and a file differ only in the source; a table, JSON Lines and a file only in the sink.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from ktrace.model.batch import Chunk
from ktrace.stream.limit import Limit

Data: TypeAlias = Any
"""What a source gives and its decoder takes: bytes of text, pages of each CPU. Empty is false."""


class Source(Protocol):
    """Where data come from."""

    def read(self) -> Data:
        """What is there now; empty where nothing is. Never waits."""


class Decoder(Protocol):
    """Data in, chunks out."""

    def feed(self, data: Data, /) -> Chunk:
        """All that is complete in what came so far."""

    def idle(self) -> Chunk:
        """What was only waiting for a continuation: nothing more is there now."""

    def finish(self) -> Chunk:
        """What is left: nothing more will come."""


class Sink(Protocol):
    """Where chunks go."""

    def write(self, chunk: Chunk, /) -> None:
        """Take a chunk."""

    def flush(self) -> None:
        """Let it be seen."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What a run came to. `seconds` from the first wait to the stop."""

    events: int
    seconds: float


def run(
    source: Source,
    decoder: Decoder,
    sink: Sink,
    *,
    wait: Callable[[], bool],
    stop: Callable[[], None],
    enrich: Callable[[Chunk], Chunk] = lambda chunk: chunk,
    limit: Limit | None = None,
) -> Totals:
    """Stream until `wait` says that it is over or `limit` is reached, then empty the source.

    Args:
        wait: returns when something may be there; False when the run is to end.
        stop: called once, before the source is read to its end: no more events are recorded then.
        enrich: adds to a chunk what the decoder cannot know.
    """
    limit = limit or Limit(None)
    events = 0
    started = time.monotonic()

    def deliver(chunk: Chunk) -> int:
        wanted = limit.cut(enrich(chunk))
        if wanted.batches or wanted.marks:
            sink.write(wanted)
            sink.flush()
        return len(wanted)

    while not limit.reached and wait():
        data = source.read()
        events += deliver(decoder.feed(data) if data else decoder.idle())
    stop()
    seconds = time.monotonic() - started
    while data := source.read():
        events += deliver(decoder.feed(data))
    events += deliver(decoder.finish())
    return Totals(events, seconds)
