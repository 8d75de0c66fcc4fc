"""Slow calls, from what is recorded of them."""

import numpy as np

from ktrace.counting.slow_calls import SlowCalls
from ktrace.model.batch import Batch, Chunk, Stack
from ktrace.model.column import Strings
from ktrace.model.slow_call import Slow

FIELDS = [("fd", "v0"), ("name", "v1"), ("$retval", "v2")]


def calls(seq: list[int], pid: list[int], took: list[int], names: list[str]) -> Batch:
    """Two columns of numbers and one of text."""
    some = np.arange(len(seq), dtype=np.int64)
    return Batch(
        "s_lat",
        "fields",
        np.array(seq, np.int64),
        some + 3_000_000_001,
        some.astype(np.int32),
        np.array(pid, np.int32),
        None,
        Strings.of(["sleep"] * len(seq)),
        Strings.of([""] * len(seq)),
        {
            "lat": np.array(took, np.uint64),
            "v0": some + 7,
            "v1": Strings.of(names),
            "v2": -some - 11,
        },
    )


def stack(seq: int, pid: int, *frames: str) -> Stack:
    return Stack(seq, 0, 0, pid, "sleep", False, frames)


def test_each_with_its_values_and_the_stack_behind_it() -> None:
    found: list[Slow] = []
    slow = SlowCalls(None, "synthetic/s_lat", FIELDS, 10, found.append)  # type: ignore[arg-type]
    batch = calls([1, 4], [138, 140], [30, 20], ["a, v2=5", ""])
    slow.write(Chunk((batch,), (stack(2, 138, "action_trace", "kretprobe_trace_func", "do_syscall_64"),)))
    first = Slow(
        3_000_000_001, 0, 138, "sleep", 30, {"fd": 7, "name": "a, v2=5", "$retval": -11}, ["do_syscall_64"]
    )
    assert found == [first]
    slow.write(Chunk((), (stack(5, 138, "not mine"), stack(6, 140, "f"))))
    second = Slow(3_000_000_002, 1, 140, "sleep", 20, {"fd": 8, "name": "", "$retval": -12}, ["f"])
    assert found == [first, second]


def test_one_without_a_stack_is_shown_when_the_next_comes() -> None:
    found: list[Slow] = []
    slow = SlowCalls(None, "synthetic/s_lat", [], 10, found.append)  # type: ignore[arg-type]
    slow.write(Chunk((calls([1, 2], [7, 7], [30, 20], ["", ""]),)))
    assert [one.latency_ns for one in found] == [30] and found[0].frames == []
