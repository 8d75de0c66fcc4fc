import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.model.batch import Chunk, Lost, Stack
from ktrace.stream.limit import Limit
from tests.unit.stream.chunks import batch


def stack(seq):
    return Stack(seq, ts=0, cpu=0, pid=1, comm="a", user=False, frames=())


def seqs(chunk):
    return sorted(int(seq) for b in chunk.batches for seq in b.seq)


def test_without_a_limit_all_pass():
    limit = Limit(None)
    chunk = Chunk((batch(0, 1, 2),), (Lost(3, 0, 1),))
    assert limit.cut(chunk) is chunk
    assert not limit.reached and limit.left is None


def test_the_first_events_over_all_batches():
    limit = Limit(3)
    cut = limit.cut(Chunk((batch(0, 4, 5), batch(1, 2, 9))))
    assert [b.seq.tolist() for b in cut.batches] == [[0], [1, 2]]
    assert limit.reached


def test_over_several_chunks():
    limit = Limit(3)
    assert seqs(limit.cut(Chunk((batch(0, 1),)))) == [0, 1]
    assert (limit.left, limit.reached) == (1, False)
    assert seqs(limit.cut(Chunk((batch(2, 3),)))) == [2]
    assert seqs(limit.cut(Chunk((batch(4),)))) == []


def test_batches_without_rows_are_dropped():
    assert [b.seq.tolist() for b in Limit(1).cut(Chunk((batch(0), batch(1)))).batches] == [[0]]


def test_marks_before_the_next_event_pass():
    cut = Limit(1).cut(Chunk((batch(1, 4),), (Lost(0, 0, 1), stack(2), Lost(3, 0, 1), stack(5))))
    assert [m.seq for m in cut.marks] == [0, 2, 3]


def test_a_stack_behind_the_last_event_passes_until_another_event_comes():
    limit = Limit(1)
    limit.cut(Chunk((batch(0),)))
    cut = limit.cut(Chunk((), (stack(1), Lost(2, 0, 1))))
    assert cut.marks == (stack(1),)
    cut = limit.cut(Chunk((batch(4),), (stack(3), stack(5))))
    assert (cut.batches, [m.seq for m in cut.marks]) == ((), [3])
    assert limit.cut(Chunk((), (stack(6),))) == Chunk()


def test_a_limit_of_none_at_all():
    limit = Limit(0)
    assert limit.reached
    assert len(limit.cut(Chunk((batch(0),)))) == 0


@given(st.integers(0, 12), st.lists(st.integers(0, 4), max_size=6), st.randoms())
def test_exactly_so_many_and_the_first(count, sizes, random):
    limit = Limit(count)
    passed, at = [], 0
    for size in sizes:
        numbers = list(range(at, at + size))
        at += size
        mine = [n for n in numbers if random.random() < 0.5]
        others = [n for n in numbers if n not in mine]
        batches = tuple(batch(*rows) for rows in (mine, others) if rows)
        passed += seqs(limit.cut(Chunk(batches)))
    assert passed == list(range(min(count, at)))
    assert limit.reached == (at >= count)


@pytest.mark.parametrize("rows", [(0, 1), ()])
def test_columns_are_cut_with_the_rows(rows):
    cut = Limit(1).cut(Chunk((batch(*rows),))) if rows else Limit(1).cut(Chunk())
    assert [np.asarray(b["n"]).tolist() for b in cut.batches] == ([[0]] if rows else [])
