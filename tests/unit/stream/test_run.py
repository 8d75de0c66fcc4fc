import pytest

from ktrace.model.batch import Chunk, Lost
from ktrace.stream.limit import Limit
from ktrace.stream.run import run
from tests.unit.stream.chunks import batch


class Parts:
    """A source, a decoder and a sink that note what is asked of them; data are one record a byte."""

    def __init__(self, pieces, after_stop=(), limit=None):
        self.pieces = list(pieces)
        self.after_stop = list(after_stop)
        self.notes = []
        self.seq = 0
        self.sunk = []
        self.limit = limit

    def read(self):
        self.notes.append("read")
        return self.pieces.pop(0) if self.pieces else b""

    def feed(self, data):
        self.notes.append("feed")
        self.seq += len(data)
        return Chunk((batch(*range(self.seq - len(data), self.seq)),))

    def idle(self):
        self.notes.append("idle")
        return Chunk()

    def finish(self):
        self.notes.append("finish")
        return Chunk((batch(99),))

    def write(self, chunk):
        self.notes.append("write")
        self.sunk += [int(n) for b in chunk.batches for n in b.seq]

    def flush(self):
        self.notes.append("flush")

    def stop(self):
        self.notes.append("stop")
        self.pieces = self.after_stop

    def run(self, waits, **options):
        answers = iter(waits)
        return run(self, self, self, wait=lambda: next(answers), stop=self.stop, limit=self.limit, **options)


def test_the_whole_line():
    parts = Parts([b"ab", b"", b"c"], [b"d", b"e"])
    totals = parts.run([True, True, True, False])
    assert parts.sunk == [0, 1, 2, 3, 4, 99]
    assert totals.events == 6
    assert totals.seconds >= 0
    assert " ".join(parts.notes) == (
        "read feed write flush read idle read feed write flush "
        "stop read feed write flush read feed write flush read finish write flush"
    )


def test_recording_is_stopped_before_the_rest_is_read():
    parts = Parts([b"a"], [b"bcd"])
    parts.run([False])
    assert parts.notes[0] == "stop"
    assert parts.sunk == [0, 1, 2, 99]


def test_the_limit_ends_the_run_and_holds_for_the_rest():
    parts = Parts([b"abc", b"d"], [b"e"], Limit(2))
    totals = parts.run([True])  # a second wait would fail
    assert parts.sunk == [0, 1]
    assert totals.events == 2


def test_a_limit_of_nothing_never_waits():
    parts = Parts([b"abc"], [], Limit(0))
    assert parts.run([]).events == 0


def test_chunks_are_enriched_before_they_are_cut():
    seen = []
    parts = Parts([b"abc"], [], Limit(1))
    parts.run([True], enrich=lambda chunk: seen.append(len(chunk)) or chunk)
    assert seen == [3, 1]


def test_marks_alone_are_written():
    class Losing(Parts):
        def feed(self, data):
            return Chunk((), (Lost(0, 0, None),))

    parts = Losing([b"a"])
    parts.run([True, False])
    assert parts.notes.count("write") == 2


def test_what_the_sink_raises_ends_the_run():
    class Closed(Parts):
        def write(self, chunk):
            raise BrokenPipeError

    parts = Closed([b"a"])
    with pytest.raises(BrokenPipeError):
        parts.run([True])
    assert "stop" not in parts.notes
