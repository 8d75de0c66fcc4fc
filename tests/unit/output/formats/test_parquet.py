import io
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ktrace.errors import Unavailable
from ktrace.model.batch import Chunk
from ktrace.model.column import Strings
from ktrace.output.formats.parquet import Parquet
from tests.unit.output.batches import batch, everything


def test_without_polars_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("ktrace.model.frame.find_spec", lambda name: None)
    with pytest.raises(Unavailable, match="Parquet needs Polars"):
        Parquet(io.BytesIO(), str(tmp_path), "out.parquet")
    assert list(tmp_path.iterdir()) == []


if find_spec("polars") is not None:
    import polars as pl

    def read(folder: Path, *chunks):
        with (folder / "out.parquet").open("wb") as out:
            sink = Parquet(out, str(folder), "out.parquet")
            for chunk in chunks:
                sink.write(chunk)
            sink.close()
        assert [path.name for path in folder.iterdir()] == ["out.parquet"]
        return pl.read_parquet(folder / "out.parquet")

    def test_all_events_in_one_table_in_stream_order(tmp_path):
        frame = read(
            tmp_path,
            Chunk(
                (batch("a", seq=[0, 2], x=np.array([1, 2], np.uint32)), batch("b", seq=[1], y=np.array([9])))
            ),
            Chunk((batch("a", seq=[3], x=np.array([3], np.uint32)),)),
        )
        assert frame.columns == ["ts", "cpu", "pid", "comm", "flags", "event", "x", "y"]
        assert frame["ts"].to_list() == [0, 1000, 2000, 3000]
        assert frame["event"].to_list() == ["a", "b", "a", "a"]
        assert frame["x"].to_list() == [1, None, 2, 3]
        assert frame["y"].to_list() == [None, 9, None, None]
        assert frame.schema["x"] == pl.UInt32

    @pytest.mark.parametrize("apart", [False, True])
    def test_a_name_with_several_types(tmp_path, apart):
        batches = (
            batch("a", seq=[0], n=np.array([-1], np.int16)),
            batch("b", seq=[1], n=np.array([2**32 - 1], np.uint32)),
            batch("c", seq=[2], n=Strings.of(["text"])),
            batch("d", seq=[3], n=np.array([[1, 2]], np.uint64)),
            batch("e", seq=[4], n=np.array([7], np.int8)),
        )
        chunks = [Chunk((one,)) for one in batches] if apart else [Chunk(batches)]
        frame = read(tmp_path, *chunks)
        assert frame["n"].to_list() == [-1, 2**32 - 1, None, None, 7]
        assert frame.schema["n"] == pl.Int64
        assert frame["c.n"].to_list() == [None, None, "text", None, None]
        assert frame["d.n"].to_list() == [None, None, None, [1, 2], None]

    def test_numbers_that_no_integer_holds_together(tmp_path):
        unsigned = batch("a", seq=[0], n=np.array([2**64 - 1], np.uint64))
        signed = batch("b", seq=[1], n=np.array([-(2**63)], np.int64))
        mixed = batch("c", seq=[2, 3], n=np.array([2**64 - 1, -1], object))
        frame = read(tmp_path, Chunk((unsigned,)), Chunk((signed, mixed)))
        assert [int(n) for n in frame["n"]] == [2**64 - 1, -(2**63), 2**64 - 1, -1]

    def test_every_form_of_column_and_several_parts(tmp_path, monkeypatch):
        monkeypatch.setattr("ktrace.output.formats.parquet._PART", 1000)
        chunks = [everything(700, seed) for seed in range(4)]
        frame = read(tmp_path, *chunks)
        assert frame.height == sum(map(len, chunks))
        assert frame["cpu"].n_unique() == 4
        own = frame.filter(event="every form")
        assert own["u64"].to_list() == [n for c in chunks for n in c.batches[0]["u64"].tolist()]
        assert own["strings"].to_list()[:2] == [["b,", '"'], ["a", None]]
        assert own["array"].to_list()[-1] == chunks[-1].batches[0]["array"][-1].tolist()

    def test_no_events(tmp_path):
        assert read(tmp_path, Chunk()).height == 0

    def test_what_is_given_up_leaves_nothing(tmp_path):
        sink = Parquet(io.BytesIO(), str(tmp_path), "out.parquet")
        sink.write(everything(300))
        sink.discard()
        assert list(tmp_path.iterdir()) == []
