from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ktrace.model.batch import Batch, Chunk, Lost
from ktrace.model.column import Strings
from ktrace.stream.merge_files import together


def chunk(stream: int, first: int, times: list[int], marks: set[int] = frozenset()) -> Chunk:
    """Records of two events in turn; where `marks` says so, a loss stands in place of a record."""
    rows = [(first + i, t) for i, t in enumerate(times) if i not in marks]
    batches = []
    for half in (0, 1):
        mine = [r for r in rows if r[0] % 2 == half]
        if mine:
            seq, ts = (np.array(c, np.int64) for c in zip(*mine, strict=True))
            count = len(mine)
            none = Strings(np.zeros(count, np.int32), ("",))
            zeros = np.zeros(count, np.int32)
            value = np.array([stream * 1000 + s for s in seq], np.int64)
            batches.append(
                Batch(f"e{half}", "fields", seq, ts, zeros, zeros, None, none, none, columns={"v": value})
            )
    losses = tuple(Lost(first + i, stream, first + i) for i in sorted(marks) if i < len(times))
    return Chunk(tuple(batches), losses)


def flat(chunks: Iterator[Chunk]) -> list[tuple[int, object]]:
    found: list[tuple[int, object]] = []
    for one in chunks:
        rows = [(s, v) for b in one.batches for s, v in zip(b.seq.tolist(), b["v"].tolist(), strict=True)]
        rows += [(m.seq, m) for m in one.marks]
        found += sorted(rows, key=lambda row: row[0])
    return found


def test_one_stream_stays_as_it_is() -> None:
    only = [chunk(0, 0, [1, 2])]
    assert list(together([iter(only)])) == only


def test_nothing() -> None:
    assert list(together([])) == [] and list(together([iter(()), iter(())])) == []


def test_two_in_turn_and_a_loss_in_its_place() -> None:
    one = [chunk(1, 0, [10, 20, 20, 40], {2}), chunk(1, 4, [50])]
    two = [chunk(2, 0, [5, 15, 20, 45])]
    found = flat(together([iter(one), iter(two)]))
    assert [seq for seq, _ in found] == list(range(9))
    values = [v if isinstance(v, int) else ("lost", v.cpu, v.count) for _, v in found]
    assert values == [2000, 1000, 2001, 1001, ("lost", 1, 2), 2002, 1003, 2003, 1004]


times = st.lists(st.lists(st.integers(0, 30), max_size=6), max_size=5)


@given(st.lists(times, min_size=2, max_size=4))
def test_all_records_in_order_of_time(lists: list[list[list[int]]]) -> None:
    streams, expected = [], []
    for i, pieces in enumerate(lists):
        flat_times = sorted(t for piece in pieces for t in piece)
        chunks, at = [], 0
        for piece in pieces:
            chunks.append(chunk(i, at, flat_times[at : at + len(piece)]))
            at += len(piece)
        streams.append(iter(chunks))
        expected += [(t, i, i * 1000 + n) for n, t in enumerate(flat_times)]
    found = flat(together(streams))
    assert [v for _, v in found] == [v for _, _, v in sorted(expected)]
    assert [seq for seq, _ in found] == list(range(len(expected)))
