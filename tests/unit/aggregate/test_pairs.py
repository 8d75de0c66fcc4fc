"""Pairs of events from the stream, and the times between them."""

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ktrace.aggregate.columns import KeyColumn
from ktrace.aggregate.keys import Linear
from ktrace.aggregate.pairs import PairCounter, Pairing
from ktrace.errors import Unavailable
from ktrace.model.batch import Chunk
from ktrace.model.format import Arg, Signature
from ktrace.model.slow_call import Slow
from ktrace.model.tally import Range, Row
from ktrace.tracefs.pipe_text import TextParser

SIGNATURES = {
    "e": [Signature("e", (Arg("n", "dec"),))],
    "r": [Signature("r", (Arg("ret", "dec"),), is_return=True)],
}
CALLS = Pairing(
    "e", "r", (["pid"], ["pid"]), [(KeyColumn(".n"), True)], [("n", ".n", True), ("ret", ".ret", False)]
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


def stack(pid: int, *frames: str) -> str:
    head = f"{'dd':>16}-{pid} [000] d..1. 3.200000: <stack trace>\n"
    return head + "".join(f" => {frame}\n" for frame in frames)


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
    pairing = Pairing("e", "r", (["pid"], ["pid"]), nested=False)
    counter = PairCounter(("latency",), pairing)
    counter.write(chunk(entry(100), entry(103), back(105), back(106)))
    assert counter.tally().rows == (Row((Range(1025, 2048),), 1),) and counter.untimed == 1


def test_slow_ones_with_their_values() -> None:
    slow: list[Slow] = []
    counter = PairCounter(("n", "latency"), CALLS, above_ns=5000, emit=slow.append)
    counter.write(chunk(entry(100), back(104), entry(200, 6), back(205, -11)))
    assert not slow  # its stack may be in the next piece
    counter.flush()
    assert slow == [Slow(3_000_205_000, 0, 7, "dd", 5000, {"n": 6, "ret": -11})]


def test_the_stack_of_a_slow_one_follows_it_at_once_or_later() -> None:
    slow: list[Slow] = []
    counter = PairCounter(("latency",), replace(CALLS, by=()), above_ns=5000, emit=slow.append)
    counter.write(chunk(stack(7, "old"), entry(200, 6), back(205), stack(8, "other"), stack(7, "f", "g")))
    assert [one.frames for one in slow] == [["f", "g"]]
    counter.write(chunk(entry(300), back(309)))
    counter.write(chunk(stack(7, "kretprobe_trampoline", "f")))
    assert [one.frames for one in slow[1:]] == [["f"]]


def test_the_stack_of_a_slow_one_is_that_of_its_entry() -> None:
    slow: list[Slow] = []
    calls = replace(CALLS, by=(), stack_at_first=True)
    counter = PairCounter(("latency",), calls, above_ns=0, emit=slow.append)
    counter.write(
        chunk(entry(100, 6), stack(7, "f", "outer"), entry(101, 7), stack(7, "f", "inner"), back(105))
    )
    counter.write(chunk(back(109), entry(200), entry(201, pid=8), stack(8, "g")))
    counter.write(chunk(stack(7, "late"), back(202, pid=8), back(203)))
    counter.write(chunk(entry(300), back(301)))
    assert [one.frames for one in slow] == [["f", "inner"], ["f", "outer"], ["g"], ["late"], []]


def reference(events: list[tuple[bool, int]], losses: set[int], nested: bool) -> list[int]:
    """The times, and at the end how many are not timed, found one by one; a row's time is its number."""
    waiting: dict[int, list[int]] = {}
    untimed, times = 0, []
    for at, (ends, key) in enumerate(events):
        if at in losses:
            untimed += sum(map(len, waiting.values()))
            waiting.clear()
        mine = waiting.setdefault(key, [])
        if ends and mine:
            times.append(at - mine.pop())
        elif not ends:
            if not nested:
                untimed += len(mine)
                mine.clear()
            mine.append(at)
    return [*sorted(times), untimed + sum(map(len, waiting.values()))]


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 2)), max_size=40),
    st.sets(st.integers(0, 39)),
    st.sets(st.integers(0, 39), max_size=3),
    st.booleans(),
)
@example([(False, 0), (False, 0), (True, 0), (True, 0)], {3}, set(), False)
@example([(True, 0), (True, 0), (False, 0), (False, 1), (True, 0), (True, 1)], set(), {4}, True)
@example([(False, 0), (False, 0), (False, 0), (True, 0), (True, 0), (True, 0)], {1, 2}, set(), True)
def test_all_at_once_is_one_by_one(
    events: list[tuple[bool, int]], cuts: set[int], losses: set[int], nested: bool
) -> None:
    slow: list[Slow] = []
    pairing = Pairing("e", "r", (["pid"], ["pid"]), nested=nested)
    counter = PairCounter(("latency",), pairing, Linear(0, 100_000, 1000), above_ns=0, emit=slow.append)
    at = 0
    for end in [*sorted(cut for cut in cuts if cut < len(events)), len(events)]:
        lines = []
        for n in range(at, end):
            ends, key = events[n]
            if n in losses:
                lines.append("CPU:0 [LOST 1 EVENTS]\n")
            lines.append((back if ends else entry)(n, pid=key + 7))
        counter.write(chunk(*lines))
        at = end
    counter.flush()
    losses = {n for n in losses if n < len(events)}
    expected = reference(events, losses, nested)
    assert [*sorted(one.latency_ns // 1000 for one in slow), counter.untimed] == expected
    assert counter.tally().count == len(expected) - 1


def test_a_field_that_is_not_there() -> None:
    pairing = Pairing("e", "r", ([".m"], [".m"]))
    with pytest.raises(Unavailable, match="'m'"):
        PairCounter(("latency",), pairing).write(chunk(entry(1)))


@pytest.mark.parametrize("linear", [None, STEPS])
def test_a_second_event_before_its_first_is_not_timed(linear: Linear | None) -> None:
    """The clocks of two CPUs differ: the stream has the kernel's order, but the times are not in order."""
    slow: list[Slow] = []
    counter = PairCounter(("latency",), replace(CALLS, by=()), linear, above_ns=0, emit=slow.append)
    counter.write(chunk(entry(100), back(99), entry(103), back(105)))
    counter.flush()
    assert sum(rows(counter).values()) == 1 and counter.untimed == 1
    assert [one.latency_ns for one in slow] == [2000]
