import io
import json
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from ktrace.model.batch import Chunk
from ktrace.output.formats.jsonl import JsonLines
from ktrace.output.rendering.row_template import Row
from ktrace.output.rendering.row_writer import RowWriter
from tests.unit.output.batches import batch, everything

needs_polars = pytest.mark.skipif(find_spec("polars") is None, reason="the extra `bulk` is not installed")


@pytest.fixture
def template(monkeypatch):
    """The lines as a template makes them, however many they are."""

    def lines(chunk):
        with monkeypatch.context() as patch:
            patch.setattr("ktrace.output.rendering.row_writer._BULK", 1 << 60)
            return written(chunk, bulk=False)

    return lines


def written(chunk, *, bulk):
    out = io.BytesIO()
    sink = JsonLines(out, {"other": 'my "group"'}, {"every form": {"few": {1: "ONE"}}}, bulk=bulk)
    sink.write(chunk)
    sink.close()
    return out.getvalue()


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("rows", [300, 700, 5000])
def test_many_lines_are_the_same_bytes(rows, bulk, template):
    chunk = everything(rows)
    assert written(chunk, bulk=bulk) == template(chunk)


def test_many_lines_of_batches_without_rows_or_fields(template):
    empty = batch(n=np.zeros(0, np.int64), array=np.zeros((0, 2), np.int64))
    chunk = Chunk((empty, batch(seq=np.arange(400))))
    assert written(chunk, bulk=True) == template(chunk)


def test_json_lines_need_no_polars(monkeypatch, template):
    chunk = everything(400)
    monkeypatch.setitem(sys.modules, "polars", None)
    assert written(chunk, bulk=True) == template(chunk)


@pytest.mark.parametrize("polars", [False, pytest.param(True, marks=needs_polars)])
def test_a_mark_without_a_line_leaves_none(polars, monkeypatch):
    if not polars:
        monkeypatch.setattr("ktrace.output.rendering.row_writer.find_spec", lambda name: None)
    out = io.BytesIO()

    def row_of(part):
        row = Row(len(part))
        row.literal("line\n")
        return row

    writer = RowWriter(out, row_of, lambda mark: "", bulk=True)
    writer.write(everything(300))
    writer.close()
    assert out.getvalue() == b"line\n" * 900


@pytest.mark.parametrize("bulk", [False, True])
def test_large_chunks_are_made_piece_by_piece(bulk, monkeypatch, template):
    chunk = everything(900)
    monkeypatch.setattr("ktrace.output.rendering.background._PIECE", 257)
    assert written(chunk, bulk=bulk) == template(chunk)


def test_chunks_come_out_in_order_though_they_are_written_in_the_background():
    out = io.BytesIO()
    sink = JsonLines(out, bulk=True)
    sizes = [300, 2, 400, 300, 1]
    for number, size in enumerate(sizes):
        sink.write(Chunk((batch(f"e{number}", seq=np.arange(size)),)))
    sink.close()
    names = [json.loads(line)["event"] for line in out.getvalue().splitlines()]
    assert names == [f"e{number}" for number, size in enumerate(sizes) for _ in range(size)]


def test_a_failure_in_the_background_is_told():
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    sink = JsonLines(Full(), bulk=True)
    sink.write(everything(300))
    with pytest.raises(OSError, match="No space left"):
        sink.flush()
    sink.close()
