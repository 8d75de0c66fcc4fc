"""Counting in NumPy what the kernel's text says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.aggregate.columns import NO_STACK, ColumnCounter, KeyColumn, log2_of
from ktrace.aggregate.hist_file import log2_range
from ktrace.errors import Unavailable
from ktrace.model.batch import Chunk
from ktrace.model.format import Arg, Signature
from ktrace.model.tally import Range, Row, Stack
from ktrace.tracefs.pipe_text import TextParser

SIGNATURES = {"e": [Signature("e", (Arg("n", "dec"), Arg("path", "str")))]}


def chunk(*lines: str) -> Chunk:
    parser = TextParser(SIGNATURES)
    text = "".join(f"{line}\n" for line in lines).encode()
    first, rest = parser.feed(text), parser.finish()
    return Chunk(first.batches + rest.batches, first.marks + rest.marks)


def hit(
    n: int, path: str = "/etc", *, comm: str = "dd", pid: int = 7, cpu: int = 0, place: str = "vfs_read"
) -> str:
    return f'{comm:>16}-{pid} [{cpu:03}] d..1. 3.125954: e: ({place}+0x4/0x370) n={n} path="{path}"'


def test_by_everything_there_is() -> None:
    readings = [KeyColumn("comm"), KeyColumn("pid"), KeyColumn("cpu"), KeyColumn(".n"), KeyColumn(".path")]
    counter = ColumnCounter(("function", "comm", "pid", "cpu", "n", "path"), {"e": ("f", readings)})
    counter.write(chunk(hit(5), hit(5), hit(-6, "/usr", comm="cat", pid=8, cpu=1)))
    counter.write(chunk(hit(5)))
    assert set(counter.tally().rows) == {
        Row(("f", "dd", 7, 0, 5, "/etc"), 3),
        Row(("f", "cat", 8, 1, -6, "/usr"), 1),
    }


def test_each_place_by_itself_and_sums() -> None:
    counter = ColumnCounter(("function",), {"e": (None, [])}, sums={"e": ["n"]}, summed=("n",))
    counter.write(
        chunk(hit(2**63 - 1), hit(2**63 - 1), hit(4, place="vfs_write"), hit(-5, place="vfs_write"))
    )
    assert set(counter.tally().rows) == {
        Row(("vfs_read",), 2, (2**64 - 2,)),
        Row(("vfs_write",), 2, (-1,)),
    }
    assert counter.tally().summed == ("n",)


def test_a_label_alone_and_other_events() -> None:
    counter = ColumnCounter(("function",), {"e": ("f", [])})
    counter.write(chunk(hit(1), hit(2), hit(1).replace(" e: ", " other: ")))
    assert counter.tally().rows == (Row(("f",), 2),)


def stack(pid: int, *frames: str) -> list[str]:
    return [
        f"{'dd':>16}-{pid} [000] d..1. 3.200000: <stack trace>",
        *(f" => {frame}" for frame in frames),
    ]


def test_stacks_belong_to_the_hit_of_their_thread() -> None:
    counter = ColumnCounter(("f", "stack", "pid"), {"e": ("f", [KeyColumn("stack"), KeyColumn("pid")])})
    counter.write(chunk(hit(1), hit(1, pid=8), *stack(8, "b"), *stack(7, "a", "c"), *stack(9, "x")))
    rows: dict[tuple, int] = {row.key[1:]: row.count for row in counter.tally().rows}
    expected: dict[tuple[Stack, int], int] = {(("b",), 8): 1, (("a", "c"), 7): 1}
    assert rows == expected


def test_an_interrupt_between_a_hit_and_its_stack_and_hits_without_one() -> None:
    readings = [KeyColumn(".n"), KeyColumn("stack")]
    counter = ColumnCounter(("n", "stack"), {"e": ("", readings)}, with_label=False)
    counter.write(chunk(hit(1), hit(2), *stack(7, "in", "irq"), *stack(7, "out"), hit(3)))
    assert {row.key for row in counter.tally().rows} == {
        (2, ("in", "irq")),
        (1, ("out",)),
        (3, NO_STACK),
    }
    counter.write(chunk(*stack(7, "late")))
    assert (3, ("late",)) in {row.key for row in counter.tally().rows} and counter.tally().count == 3


def test_what_the_text_does_not_have() -> None:
    with pytest.raises(Unavailable, match="'m'"):
        ColumnCounter(("m",), {"e": ("f", [KeyColumn(".m")])}).write(chunk(hit(1)))
    with pytest.raises(Unavailable, match="not a number"):
        ColumnCounter((), {"e": ("f", [])}, sums={"e": ["path"]}).write(chunk(hit(1)))


@given(st.integers(0, 2**63))
def test_powers_of_two_are_the_kernels(value: int) -> None:
    found = log2_of(value)
    assert isinstance(found, Range) and value in found
    assert found in [log2_range(exponent) for exponent in range(64)]


def test_negative_numbers_and_text_are_by_themselves() -> None:
    assert log2_of(-11) == Range(-11, -11) and log2_of("x") == "x"
