"""Pairs of events from the stream, and the times between them."""

import pytest

from ktrace.aggregate.pairs import PairCounter, Pairing
from ktrace.aggregate.parts import Linear
from ktrace.errors import Unavailable
from ktrace.model.batch import Chunk
from ktrace.model.format import Arg, Signature
from ktrace.model.slow import Slow
from ktrace.model.tally import Range, Row
from ktrace.tracefs.pipe_text import TextParser

SIGNATURES = {
    "e": [Signature("e", (Arg("n", "dec"),))],
    "r": [Signature("r", (Arg("ret", "dec"),), is_return=True)],
}
CALLS = Pairing(
    "e", "r", (["common_pid"], ["common_pid"]), [("n", True)], [("n", "n", True), ("ret", "ret", False)]
)
STEPS = Linear(0, 1000_000, 1000)


def chunk(*lines: str) -> Chunk:
    parser = TextParser(SIGNATURES)
    first, rest = parser.feed("".join(lines).encode()), parser.finish()
    return Chunk(first.batches + rest.batches, first.marks + rest.marks)


def entry(us: int, n: int = 1, pid: int = 7) -> str:
    return f"{'dd':>16}-{pid} [000] d..1. 3.{us:06}: e: (f+0x4/0x370) n={n}\n"


def back(us: int, ret: int = 0, pid: int = 7) -> str:
    return f"{'dd':>16}-{pid} [000] d..1. 3.{us:06}: r: (g+0x6f/0xf0 <- f) ret={ret}\n"


def rows(counter: PairCounter) -> dict[tuple, int]:
    return {row.key: row.count for row in counter.tally().rows}


def test_calls_within_calls_and_threads_beside_each_other() -> None:
    counter = PairCounter(("n", "latency"), CALLS, STEPS)
    counter.write(chunk(entry(100, 1), entry(101, 9, pid=8), entry(103, 2), back(105), back(106, pid=8)))
    counter.write(chunk(back(110), back(111), entry(112, 3)))
    assert rows(counter) == {
        (2, Range(2000, 2999)): 1,
        (9, Range(5000, 5999)): 1,
        (1, Range(10000, 10999)): 1,
    }
    assert counter.untimed == 1


def test_the_last_first_event_counts_where_they_are_not_calls() -> None:
    pairing = Pairing("e", "r", (["common_pid"], ["common_pid"]), nested=False)
    counter = PairCounter(("latency",), pairing)
    counter.write(chunk(entry(100), entry(103), back(105), back(106)))
    assert counter.tally().rows == (Row((Range(1025, 2048),), 1),) and counter.untimed == 1


def test_slow_ones_with_their_values() -> None:
    slow: list[Slow] = []
    counter = PairCounter(("n", "latency"), CALLS, above_ns=5000, emit=slow.append)
    counter.write(chunk(entry(100), back(104), entry(200, 6), back(205, -11)))
    assert slow == [Slow(3_000_205_000, 0, 7, "dd", 5000, {"n": 6, "ret": -11})]


def test_a_field_that_is_not_there() -> None:
    pairing = Pairing("e", "r", (["m"], ["m"]))
    with pytest.raises(Unavailable, match="'m'"):
        PairCounter(("latency",), pairing).write(chunk(entry(1)))
