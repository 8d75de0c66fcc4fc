"""Several CPUs' records in the order of time, and what lies between them."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.model.batch import Chunk, Lost, Unparsed
from ktrace.ringbuffer.decode import Decoder
from ktrace.stream.merge import Merge, merged
from tests.unit.ringbuffer.formats import FieldLine, make_format
from tests.unit.ringbuffer.page_writer import PageWriter, common

ONE = make_format("one", 71, FieldLine("u32 n", 8, 4))
TWO = make_format("two", 72, FieldLine("u32 n", 8, 4), FieldLine("__data_loc char[] s", 12, 4))


def page(start: int, numbers: list[tuple[int, int]], **how: int) -> bytes:
    """A page with records (delta, number): an even number is of event one, an odd one of two."""
    writer = PageWriter(start)
    for delta, number in numbers:
        word = number.to_bytes(4, "little")
        if number % 2:
            writer.record(common(72) + word + (2 << 16 | 16).to_bytes(4, "little") + b"s\0", delta)
        else:
            writer.record(common(71) + word, delta)
    return writer.bytes(**how)


def decoder() -> Decoder:
    return Decoder({71: ONE, 72: TWO})


def stream(chunks: list[Chunk]) -> list[tuple[int, object]]:
    """All of it by place: numbers of records, marks."""
    found: list[tuple[int, object]] = []
    for chunk in chunks:
        for batch in chunk.batches:
            found += zip(batch.seq.tolist(), batch["n"].tolist(), strict=True)
            assert len(batch.columns) == 1 or batch["s"].tolist() == ["s"] * len(batch)
        found += [(m.seq, m) for m in chunk.marks]
    assert [seq for seq, _ in sorted(found, key=lambda f: f[0])] == list(range(len(found)))
    return sorted(found, key=lambda f: f[0])


def reader(*blocks: bytes) -> Callable[[int], bytes]:
    left = list(blocks)
    return lambda size: left.pop(0) if left else b""


def test_two_cpus_take_turns() -> None:
    a = page(100, [(0, 1), (10, 2), (10, 3)])  # 100, 110, 120
    b = page(105, [(0, 4), (10, 5), (100, 6)])  # 105, 115, 215
    found = stream(list(merged(decoder(), {0: reader(a), 1: reader(b)})))
    assert [n for _, n in found] == [1, 4, 2, 5, 3, 6]


def test_a_stack_is_not_taken_apart_from_the_record_before_it() -> None:
    merge = Merge(decoder(), behind=[72])
    made = decoder()
    merge.add(made.walk(page(100, [(0, 2), (10, 1), (1, 3), (10, 4), (1, 5)]), 0))  # 100, 110, 111, 121, 122
    merge.add(made.walk(page(105, [(0, 6), (20, 8)]), 1))  # 105, 125
    assert [n for _, n in stream([merge.take(105)])] == [2, 1, 3, 6]
    chunk = merge.take()
    assert sorted(n for b in chunk.batches for n in b["n"].tolist()) == [4, 5, 8]


def test_nothing_comes_before_its_time() -> None:
    merge = Merge(decoder())
    made = decoder()
    merge.add(made.walk(page(100, [(0, 1), (50, 2)]), 0))
    merge.add(made.walk(page(90, [(0, 3), (20, 4)]), 1))
    assert [n for _, n in stream([merge.take(110)])] == [3, 1, 4]
    assert merge.pending and merge.newest == 150 and merge.latest(1) == 110 and merge.latest(7) is None
    chunk = merge.take()
    assert [b["n"].tolist() for b in chunk.batches] == [[2]] and not merge.pending


def test_losses_and_damage_stay_before_the_record_that_follows_them() -> None:
    merge = Merge(decoder())
    made = decoder()
    damaged = bytearray(page(300, [(0, 8), (5, 10)]))
    damaged[16 + 16] = 28  # of the second record
    merge.add(made.walk(page(100, [(0, 2)]) + page(200, [(0, 4)], lost=7) + bytes(damaged), 0))
    merge.add(made.walk(page(150, [(0, 1), (60, 3), (200, 5)]), 1))
    found = [item for _, item in stream([merge.take(200), merge.take()])]
    assert [x if isinstance(x, int) else type(x) for x in found] == [2, 1, Lost, 4, 3, 8, Unparsed, 5]


def test_a_cpu_with_losses_alone() -> None:
    merge = Merge(decoder())
    merge.add(decoder().walk(page(5, [], lost=3), 4))
    assert merge.pending
    assert merge.take().marks == (Lost(0, 4, 3),) and not merge.pending


def test_times_that_go_back_keep_their_cpus_order() -> None:
    a = page(100, [(0, 2), (100, 4)]) + page(150, [(0, 6), (100, 8)])
    b = page(160, [(0, 1), (60, 3)])
    found = [n for _, n in stream(list(merged(decoder(), {0: reader(a), 1: reader(b)})))]
    assert [n for n in found if not n % 2] == [2, 4, 6, 8] and found.index(1) < found.index(4)


@settings(max_examples=80, deadline=None)
@given(
    data=st.lists(
        st.lists(st.lists(st.tuples(st.integers(0, 30), st.booleans()), max_size=6), max_size=4),
        min_size=1,
        max_size=4,
    ),
    live=st.booleans(),
)
def test_any_cpus(data: list, live: bool) -> None:
    """In whatever order records come, all are returned once, by time, and each CPU's in its order."""
    blocks: dict[int, list[bytes]] = {}
    expected: list[tuple[int, int, int]] = []
    number = 0
    for cpu, pages in enumerate(data):
        now = 1000
        for numbers in pages:
            start = previous = now
            content = []
            for delta, odd in numbers:
                now += delta
                content.append((now - previous, 2 * number + odd))
                expected.append((now, cpu, 2 * number + odd))
                previous = now
                number += 1
            blocks.setdefault(cpu, []).append(page(start, content))
    if live:
        chunks = []
        merge, made = Merge(decoder()), decoder()
        for cpu, some in blocks.items():
            for block in some:
                merge.add(made.walk(block, cpu))
        for until in range(1000, 1800, 37):
            chunks.append(merge.take(until))
            assert all(int(b.ts.max()) <= until for b in chunks[-1].batches)
        chunks.append(merge.take())
    else:
        chunks = list(merged(decoder(), {cpu: reader(*some) for cpu, some in blocks.items()}))
    found = stream(chunks)
    times = {n: ts for ts, _, n in expected}
    order = [times[n] for _, n in found]
    assert order == sorted(order)
    for cpu in blocks:
        mine = [n for _, c, n in expected if c == cpu]
        assert [n for _, n in found if n in set(mine)] == mine


@pytest.mark.parametrize("cpus", [1, 300])
def test_as_much_is_asked_for_as_memory_allows(cpus: int) -> None:
    asked = []

    def ask(size: int) -> bytes:
        asked.append(size)
        return b""

    list(merged(decoder(), dict.fromkeys(range(cpus), ask)))
    assert len(asked) == cpus and max(asked) * cpus <= 100 << 20 and min(asked) % 4096 == 0
    assert np.min(asked) >= 4096
