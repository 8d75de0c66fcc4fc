import pytest

from ktrace.errors import OutOfTime
from ktrace.model.batch import Chunk, Lost
from ktrace.stream.limit import Limit
from ktrace.stream.pipeline import run
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
        self.overdue = False
        self.waiting = 7

    def end(self):
        self.notes.append("end")

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
        return run(
            self,
            self,
            self,
            wait=lambda: next(answers),
            stop=self.stop,
            ending=self,
            limit=self.limit,
            **options,
        )


def test_the_whole_line():
    parts = Parts([b"ab", b"", b"c"], [b"d", b"e"])
    totals = parts.run([True, True, True, False])
    assert parts.sunk == [0, 1, 2, 3, 4, 99]
    assert totals.events == 6
    assert totals.seconds >= 0
    assert " ".join(parts.notes) == (
        "read feed write flush read idle read feed write flush "
        "end stop read feed write flush read feed write flush read finish write flush"
    )


def test_recording_is_stopped_before_the_rest_is_read():
    parts = Parts([b"a"], [b"bcd"])
    parts.run([False])
    assert parts.notes[:2] == ["end", "stop"]
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


def test_a_run_that_is_overdue_reads_once_more_and_shows_it():
    parts = Parts([b"a"], [b"bc", b"d"])
    parts.overdue = True
    totals = parts.run([True, False])
    assert parts.sunk == [0, 1, 2, 99] and parts.after_stop == [b"d"]
    assert totals.cut and not totals.given_up and totals.unwritten == 0


def test_a_run_that_is_read_to_its_end_is_not_cut():
    totals = Parts([b"a"], [b"b"]).run([True, False])
    assert not totals.cut and not totals.given_up


def test_a_sink_that_takes_no_more_ends_the_run_in_good_order():
    class Stuck(Parts):
        def write(self, chunk):
            if len(self.sunk) >= 1:
                raise OutOfTime(0)
            super().write(chunk)

    parts = Stuck([b"a", b"bcd"], [b"e"])
    totals = parts.run([True, True])
    assert parts.notes[-2:] == ["end", "stop"]
    # What was handed to the sink, and what the decoder holds.
    assert (totals.events, totals.unwritten, totals.given_up) == (1, 3 + 7, True)
