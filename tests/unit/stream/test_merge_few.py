"""A few records of several CPUs in the order of time: the order is that of `merge`."""

from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.ringbuffer.layout import PageLayout
from ktrace.stream.merge import EVER, Merge
from ktrace.stream.merge_few import MergeFew, Placed
from tests.unit.stream.test_merge import decoder, page


def numbers(placed: list[Placed]) -> list[int]:
    """Return the number in each record."""
    bodies = (one.page[one.record.at :] for one in placed)
    return [int.from_bytes(body[8:12], "little") for body in bodies]


def test_two_cpus_take_turns() -> None:
    merge = MergeFew(PageLayout())
    assert merge.latest(0) is None and merge.take(None) == []
    assert numbers(merge.add(0, page(100, [(0, 1), (10, 2), (10, 3)]))) == [1, 2, 3]
    merge.add(1, page(105, [(0, 4), (10, 5), (100, 6)]))
    assert (merge.waiting, merge.latest(0), merge.latest(1)) == (6, 120, 215)
    assert numbers(merge.take(115)) == [1, 4, 2, 5]
    assert merge.waiting == 2 and [(cpu, done) for cpu, _, done in merge.rest()] == [(0, 2), (1, 2)]
    assert numbers(merge.take(None)) == [3, 6] and list(merge.rest()) == []


def test_times_that_go_backwards_stay_in_the_order_of_their_cpu() -> None:
    merge = MergeFew(PageLayout())
    merge.add(0, page(500, [(0, 1)]) + page(100, [(0, 2), (10, 3)]))
    merge.add(1, page(300, [(0, 4)]))
    assert numbers(merge.take(400)) == [4]
    assert numbers(merge.take(500)) == [1, 2, 3]


_PAGES = st.tuples(
    st.integers(0, 2),
    st.integers(0, 2000),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 9)), max_size=6),
)


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(st.tuples(st.lists(_PAGES, max_size=4), st.integers(0, 3000)), max_size=5))
def test_any_order(steps: list) -> None:
    few, many = MergeFew(PageLayout()), Merge(decoder())
    for pages, until in [*steps, ([], None)]:
        for cpu, start, records in pages:
            few.add(cpu, page(start, records))
            many.add(decoder().walk(page(start, records), cpu))
        taken = many.take(EVER if until is None else until)
        found = sorted(
            (seq, number)
            for batch in taken.batches
            for seq, number in zip(batch.seq.tolist(), batch["n"].tolist(), strict=True)
        )
        assert numbers(few.take(until)) == [number for _, number in found]
        assert few.waiting == many.waiting
