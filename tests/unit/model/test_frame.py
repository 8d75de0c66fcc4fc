import sys
from importlib.util import find_spec

import numpy as np
import pytest

from ktrace.errors import Unavailable
from ktrace.model.batch import to_frame
from ktrace.model.column import Strings
from tests.unit.output.batches import INVALID, batch, everything


def test_without_polars_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "polars", None)
    monkeypatch.setattr("ktrace.model.frame.find_spec", lambda name: None)
    with pytest.raises(Unavailable) as error:
        batch().to_polars()
    assert "ktrace[bulk]" in error.value.hint


if find_spec("polars") is not None:
    import polars as pl

    def test_columns_and_types():
        frame = everything(700).batches[0].to_polars()
        assert dict(frame.schema) == {
            "ts": pl.Int64, "cpu": pl.Int32, "pid": pl.Int32, "tgid": pl.Int32, "comm": pl.String,
            "flags": pl.String, "event": pl.String, "ip": pl.String, "u64": pl.UInt64, "s64": pl.Int64,
            "u8": pl.UInt8, "few": pl.Int16, "big": pl.Int128, "array": pl.Array(pl.UInt64, 2),
            "strings": pl.List(pl.String), "text": pl.String, "many": pl.String,
        }  # fmt: skip
        assert frame.height == 700
        assert set(frame["event"]) == {"every form"}

    def test_values():
        frame = batch(
            s=Strings.of(["a", None, INVALID]),
            n=np.array([2**64 - 1, 0, 1], np.uint64),
        ).to_polars()
        assert frame["s"].to_list() == ["a", None, "caf\\xe9"]
        assert frame["n"].to_list() == [2**64 - 1, 0, 1]
        assert frame["comm"].to_list() == ["sh"] * 3

    def test_a_field_named_like_what_each_record_has():
        part = batch("sched_wakeup", comm="waker")
        part.columns["comm"] = Strings.of(["woken"])
        assert part.to_polars().select("comm", "arg_comm").row(0) == ("waker", "woken")

    def test_only_the_columns_that_are_wanted():
        part = everything(300).batches[1]
        assert to_frame(part, ["u64", "func", "nothing"]).columns == ["func", "u64"]

    def test_a_batch_without_records():
        assert batch(n=np.zeros(0, np.int64)).to_polars().height == 0

    def test_arrays_of_as_many_numbers_as_each_record_says():
        column = np.empty(3, object)
        column[:] = [[1, 2], [], [2**64 - 1]]
        assert batch(n=column).to_polars()["n"].to_list() == [[1, 2], [], [2**64 - 1]]
