"""A text of several parts, each with the kernel's header: calls of function_graph after events, or before."""

import re
from collections.abc import Callable
from dataclasses import replace

from ktrace.model.batch import Chunk
from ktrace.texts.kind import Kind
from ktrace.texts.kinds import Decoder, decoder_of

_BEGIN = b"# tracer: "
_HEADER = re.compile(_BEGIN + rb"(\S{1,64})\n#")
_HEADER_MAX = 80  # bytes
_GRAPH = b"function_graph"


class Sections:
    """A decoder that changes the decoder where the kernel's header says that the kind changes.

    Args:
        kind: the kind of the first part.
        decoder: its decoder.
    """

    def __init__(self, kind: Kind, decoder: Decoder) -> None:
        self._is_graph = kind == Kind.GRAPH
        self._changes = kind in (Kind.GRAPH, Kind.TRACE, Kind.LATENCY)
        self._decoder = decoder
        self._done: list[Decoder] = []
        self._held = b""
        self._begun = False
        self._base = self._next = 0

    @property
    def events(self) -> int:
        """Return the number of records returned in batches."""
        return sum(one.events for one in self._all)

    @property
    def unparsed(self) -> int:
        """Return the number of lines returned as `Unparsed`."""
        return sum(one.unparsed for one in self._all)

    @property
    def lost(self) -> int:
        """Return the number of records that the text says were lost."""
        return sum(one.lost for one in self._all)

    @property
    def lost_unknown(self) -> int:
        """Return the number of times that the text says so without a number."""
        return sum(one.lost_unknown for one in self._all)

    @property
    def groups(self) -> dict[str, str]:
        """Return the group of each event that has one in the text."""
        return {event: group for one in self._all for event, group in getattr(one, "groups", {}).items()}

    @property
    def remarks(self) -> list[str]:
        """Return what the user must know of the records."""
        return [remark for one in self._all for remark in getattr(one, "remarks", [])]

    @property
    def account(self) -> "tuple[int, int] | None":
        """Return how many records the header says are in the buffer, and were written to it."""
        found = [account for one in self._all if (account := getattr(one, "account", None)) is not None]
        return (found[-1].in_buffer, found[-1].written) if found else None

    @property
    def _all(self) -> "list[Decoder]":
        return [*self._done, self._decoder]

    def feed(self, data: bytes) -> Chunk:
        """Take the next bytes; return everything that is complete."""
        if not self._changes:
            return self._placed(self._decoder.feed(data))
        data = self._held + data
        cut = _undecided(data)
        self._held = data[cut:]
        return self._parts(data[:cut])

    def idle(self) -> Chunk:
        """Return what only waited for more."""
        last, self._held = self._parts(self._held), b""
        return _joined(last, self._placed(self._decoder.idle()))

    def finish(self) -> Chunk:
        """Return the rest."""
        last, self._held = self._parts(self._held), b""
        return _joined(last, self._placed(self._decoder.finish()))

    def _parts(self, data: bytes) -> Chunk:
        """Parse bytes in which each header is whole."""
        made = Chunk()
        at = 0
        while (header := _header(data, at)) is not None:
            is_graph = header[1] == _GRAPH
            # The lines told the kind of the first part: tracers of latencies may print calls, too.
            if is_graph == self._is_graph or not (self._begun or header.start()):
                at = header.end()
                continue
            made = _joined(made, self._placed(self._decoder.feed(data[: header.start()])))
            made = _joined(made, self._placed(self._decoder.finish()))
            data, at = data[header.start() :], header.end() - header.start()
            self._done.append(self._decoder)
            self._base, self._is_graph = self._next, is_graph
            self._decoder = decoder_of(Kind.GRAPH if is_graph else Kind.TRACE, data)
        self._begun = self._begun or bool(data)
        return _joined(made, self._placed(self._decoder.feed(data))) if data else made

    def _placed(self, chunk: Chunk) -> Chunk:
        """Return a part's chunk with its positions after those of the parts before it."""
        if not self._changes:
            return chunk
        last = [int(batch.seq[-1]) for batch in chunk.batches if len(batch)] + [
            mark.seq for mark in chunk.marks
        ]
        self._next = max([self._next, *(self._base + seq + 1 for seq in last)])
        if not self._base:
            return chunk
        batches = tuple(replace(batch, seq=batch.seq + self._base) for batch in chunk.batches)
        return Chunk(batches, tuple(replace(mark, seq=mark.seq + self._base) for mark in chunk.marks))


def _header(data: bytes, at: int) -> re.Match[bytes] | None:
    """Return the next header; nearly all text has none."""
    if data.find(_BEGIN[:1], at) < 0:  # one byte is found many times as fast as several
        return None
    while (at := data.find(_BEGIN, at)) >= 0:
        match = _HEADER.match(data, at)
        if match and (at == 0 or data[at - 1] == 10):
            return match
        at += len(_BEGIN)
    return None


def _undecided(data: bytes) -> int:
    """Return where a header begins whose rest is not there yet; the length of the data if there is none."""
    at = data.rfind(b"\n") + 1
    before = data.rfind(b"\n", 0, max(at - 1, 0)) + 1
    if data.startswith(_BEGIN, before) and len(data) - before <= _HEADER_MAX:
        return len(data) if _HEADER.match(data, before) else before
    tail = data[at:]
    is_open = len(tail) <= _HEADER_MAX and (tail.startswith(_BEGIN) or _BEGIN.startswith(tail))
    return at if is_open else len(data)


def first_part(sample: bytes, recognise: Callable[[bytes], bool]) -> bytes:
    """Return the text before the first header that follows a line of a trace."""
    at = 0
    while (header := _header(sample, at)) is not None:
        if any(map(recognise, sample[at : header.start()].split(b"\n"))):
            return sample[: header.start()]
        at = header.end()
    return sample


def _joined(one: Chunk, other: Chunk) -> Chunk:
    return Chunk(one.batches + other.batches, one.marks + other.marks)
