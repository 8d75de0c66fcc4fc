import numpy as np

from ktrace.model.batch import Batch, Chunk, Lost
from ktrace.model.column import Strings


def batch(*seqs):
    count = len(seqs)
    return Batch(
        event="kp",
        kind="entry",
        seq=np.array(seqs, np.int64),
        ts=np.arange(count, dtype=np.int64),
        cpu=np.zeros(count, np.int32),
        pid=np.arange(count, dtype=np.int32),
        tgid=None,
        comm=Strings.of("abcdefgh"[:count]),
        flags=Strings.of(["....."] * count),
        columns={"n": np.arange(count) * 10, "s": Strings.of([None, "x", "y"][:count])},
        place=Strings.of(["f+0x0/0x1"] * count),
    )


def test_strings_share_what_is_equal():
    strings = Strings.of(["a", None, "a", ""])
    assert strings.values == ("a", None, "")
    assert strings.tolist() == list(strings) == ["a", None, "a", ""]
    assert (len(strings), strings[1], strings[2]) == (4, None, "a")
    assert strings.codes.dtype == np.int32


def test_take_by_index_and_by_mask():
    strings = Strings.of(["a", "b", "c"])
    assert strings.take(np.array([2, 0])).tolist() == ["c", "a"]
    assert strings.take(np.array([False, True, False])).tolist() == ["b"]


def test_batch_is_a_table():
    one = batch(3, 5, 9)
    assert len(one) == 3
    assert one["n"].tolist() == [0, 10, 20]
    two = one.take(np.array([True, False, True]))
    assert two.seq.tolist() == [3, 9]
    assert two.comm.tolist() == ["a", "c"]
    assert two["s"].tolist() == [None, "y"]
    assert two.place.tolist() == ["f+0x0/0x1"] * 2
    assert (two.tgid, two.func, two.event) == (None, None, "kp")


def test_chunk_counts_records_not_marks():
    assert len(Chunk((batch(0, 2), batch(1)), (Lost(3, 0, None),))) == 3
    assert len(Chunk()) == 0


def test_a_batch_shows_what_public_programs_use():
    one = batch(3, 5)
    shown = [name for name in dir(one) if not name.startswith("__")]
    assert {"event", "ts", "columns", "take", "to_polars"} <= set(shown)
    assert not {"addresses", "lookups", "signature", "format", "common_flags"} & set(shown)
    assert not [name for name in shown if name.startswith("_")]
