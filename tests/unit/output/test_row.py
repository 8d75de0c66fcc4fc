import io
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.model.batch import Chunk
from ktrace.output.jsonl import JsonLines
from ktrace.output.row import Row, RowWriter
from tests.unit.output.batches import batch, everything

needs_polars = pytest.mark.skipif(find_spec("polars") is None, reason="the extra `bulk` is not installed")


def written(chunk, *, bulk):
    out = io.BytesIO()
    sink = JsonLines(out, {"other": 'my "group"'}, {"every form": {"few": {1: "ONE"}}}, bulk=bulk)
    sink.write(chunk)
    sink.close()
    return out.getvalue()


@needs_polars
@pytest.mark.parametrize("rows", [300, 700, 5000])
def test_bulk_lines_are_the_same_bytes(rows):
    chunk = everything(rows)
    assert written(chunk, bulk=True) == written(chunk, bulk=False)


@needs_polars
def test_bulk_lines_of_batches_without_rows_or_fields():
    empty = batch(n=np.zeros(0, np.int64), array=np.zeros((0, 2), np.int64))
    chunk = Chunk((empty, batch(seq=np.arange(400))))
    assert written(chunk, bulk=True) == written(chunk, bulk=False)


def test_without_polars_the_lines_come_all_the_same(monkeypatch):
    chunk = everything(400)
    expected = written(chunk, bulk=False)
    monkeypatch.setitem(sys.modules, "polars", None)
    monkeypatch.setattr("ktrace.output.row.find_spec", lambda name: None)
    assert written(chunk, bulk=True) == expected


def lines(row):
    return list(row.lines())


def test_literals_alone():
    row = Row(2)
    row.literal("100%")
    row.literal("\n")
    assert lines(row) == ["100%\n"] * 2
    assert row.text() == "100%\n" * 2


def test_parts_stand_in_their_order():
    row = Row(3)
    row.choices(["a", "b%"], np.array([0, 1, 0]))
    row.literal("=")
    row.choices(["x", "y", "z"], np.array([2, 2, 0]))
    row.literal(";")
    row.numbers(np.array([1, 10**6, -5]))
    row.texts(["p", "%d", "r"])
    row.choices(["."], np.array([0, 0, 0]))
    assert lines(row) == ["a=z;1p.", "b%=z;1000000%d.", "a=x;-5r."]


@given(st.lists(st.tuples(*[st.integers(0, 40)] * 3), min_size=1, max_size=60))
def test_any_combination_of_choices(rows):
    row = Row(len(rows))
    texts = [f"<{i}>" for i in range(41)]
    for column in np.array(rows).T:
        row.choices(texts, column)
        row.literal(" ")
    assert lines(row) == ["".join(f"<{i}> " for i in values) for values in rows]


@given(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1) | st.lists(st.integers(-4, 4), min_size=1))
def test_any_numbers(numbers):
    row = Row(len(numbers))
    row.numbers(np.array(numbers, np.int64))
    row.literal("\n")
    assert lines(row) == [f"{n}\n" for n in numbers]


@pytest.mark.parametrize("bulk", [False, pytest.param(True, marks=needs_polars)])
def test_a_mark_without_a_line_leaves_none(bulk):
    out = io.BytesIO()

    def row_of(part):
        row = Row(len(part))
        row.literal("line\n")
        return row

    RowWriter(out, row_of, lambda mark: "", bulk=bulk).write(everything(300))
    assert out.getvalue() == b"line\n" * 900
