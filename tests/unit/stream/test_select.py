import numpy as np
import pytest

from ktrace.errors import NotFound, UsageError
from ktrace.model.batch import Batch, Chunk, Lost, Stack
from ktrace.model.column import Strings
from ktrace.model.format import Format
from ktrace.stream.select import Choice, check_cpus, of_events, of_tasks, of_times, parse_time


def batch(event: str, rows: list[tuple[int, int, int, int]], system: str = "g") -> Batch:
    """Rows are (seq, ts, cpu, pid)."""
    seq, ts, cpu, pid = (np.array(column, np.int64) for column in zip(*rows, strict=True))
    none = Strings(np.zeros(len(rows), np.int32), ("",))
    form = Format(system, event, 1, ())
    return Batch(
        event, "fields", seq, ts, cpu.astype(np.int32), pid.astype(np.int32), None, none, none, format=form
    )


def stack(seq: int, pid: int) -> Stack:
    return Stack(seq, 0, 0, pid, "", False, ())


def seqs(chunk: Chunk) -> list[int]:
    return sorted([*(s for b in chunk.batches for s in b.seq.tolist()), *(m.seq for m in chunk.marks)])


CHUNK = Chunk(
    (batch("a", [(0, 10, 0, 7), (2, 20, 1, 8), (6, 40, 0, 7)], "x"), batch("b", [(4, 30, 0, 7)])),
    (stack(1, 7), stack(3, 8), stack(5, 7), Lost(7, 1, 5), stack(8, 9)),
)


def test_nothing_asked_for_is_everything() -> None:
    assert Choice([])(CHUNK) is CHUNK


def test_events_with_their_stacks() -> None:
    assert seqs(Choice([of_events(["b"])])(CHUNK)) == [4, 5, 7]
    assert seqs(Choice([of_events(["x:*"])])(CHUNK)) == [0, 1, 2, 3, 6, 7]
    assert seqs(Choice([of_events(["x/a", "no"])])(CHUNK)) == [0, 1, 2, 3, 6, 7]


def test_tasks_cpus_and_times() -> None:
    assert seqs(Choice([of_tasks([8])])(CHUNK)) == [2, 3, 7]
    assert seqs(Choice([], cpus=[0])(CHUNK)) == [0, 1, 4, 5, 6]  # a loss of another CPU, too, goes
    assert seqs(Choice([of_times(20, 30)])(CHUNK)) == [2, 3, 4, 5, 7]
    assert seqs(Choice([of_times(None, 10)])(CHUNK)) == [0, 1, 7]
    assert seqs(Choice([of_times(40, None)])(CHUNK)) == [6, 7]


def test_a_stack_whose_record_was_in_the_chunk_before() -> None:
    choice = Choice([of_events(["a"])])
    choice(Chunk((batch("a", [(0, 1, 0, 5)]), batch("b", [(1, 2, 0, 6)]))))
    assert seqs(choice(Chunk((batch("b", [(4, 9, 0, 1)]),), (stack(2, 5), stack(3, 6))))) == [2]


def test_when_it_is_over() -> None:
    choice = Choice([of_times(None, 25)], until=25)
    assert not choice.is_over(CHUNK) and not choice.is_over(Chunk())
    assert choice.is_over(Chunk((batch("a", [(9, 26, 0, 1)]),)))


def test_times() -> None:
    assert parse_time("12.5") == 12_500_000_000 and parse_time("3") == 3 * 10**9
    assert parse_time("0.000000001") == 1 and parse_time("123", ticks=True) == 123
    for text, ticks in (("1.5", True), ("x", False), ("1.0000000001", False), ("-1", False)):
        with pytest.raises(UsageError):
            parse_time(text, ticks=ticks)


def test_cpus_that_are_not_there() -> None:
    check_cpus([1, 2], {1, 2, 3})
    check_cpus([9], None)
    with pytest.raises(NotFound, match="no CPU 0,9 in the recording") as error:
        check_cpus([0, 1, 9], {1, 2, 3})
    assert error.value.hint == "its CPUs: 1-3"
