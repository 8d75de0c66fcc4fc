import csv
import io

import numpy as np
import pytest

from ktrace.errors import UsageError
from ktrace.model.batch import Chunk
from ktrace.model.column import Strings
from ktrace.output.formats.csv import Csv
from tests.unit.output.batches import INVALID, batch, everything
from tests.unit.output.rendering.test_row_writer import needs_polars

HEAD = "ts,cpu,pid,tgid,comm,flags,event,ip,func,ret_ip"


def written(*chunks, fields=None, **options):
    out = io.BytesIO()
    sink = Csv(out, fields, **options)
    for chunk in chunks:
        sink.write(chunk)
    sink.close()
    return out.getvalue().decode()


def rows(*chunks, **options):
    return list(csv.DictReader(io.StringIO(written(*chunks, **options))))


def test_a_probe_and_another_event_in_one_table():
    entry = batch(
        "vfs_read",
        seq=[0, 2],
        kind="entry",
        place=Strings.of(["vfs_read+0x4/0x370"] * 2),
        count=np.array([5, 6]),
    )
    switch = batch("sched_switch", seq=[1], prev_pid=np.array([3]), comm="a,b")
    text = written(Chunk((entry, switch)), fields={"vfs_read": ["count"], "sched_switch": ["prev_pid"]})
    assert text.splitlines() == [
        HEAD + ",count,prev_pid",
        "0,0,7,,sh,.....,vfs_read,vfs_read+0x4/0x370,,,5,",
        '1000,0,7,,"a,b",.....,sched_switch,,,,,3',
        "2000,0,7,,sh,.....,vfs_read,vfs_read+0x4/0x370,,,6,",
    ]


def test_a_field_named_like_what_each_record_has():
    part = batch("sched_wakeup", comm="waker", pid=[1])
    part.columns["comm"] = Strings.of(["woken"])
    [row] = rows(Chunk((part,)))
    assert (row["comm"], row["arg_comm"], row["pid"]) == ("waker", "woken", "1")


FORMULAS = ["=1+1", "+1", "-1", "@SUM(1)", " =1", '=cmd|"/c calc"!A1', "\uff1d1", "=a,b"]
PLAIN = ["a=1", "'=1", "1-1", "", "\\=1", "~", "."]


@pytest.mark.parametrize("many", [1, 500], ids=["few", "many"])
@pytest.mark.parametrize("bulk", [False, True])
def test_no_text_is_a_formula(many, bulk):
    """Nor is a field's or an event's name; numbers are numbers, of whatever sign and size."""
    texts = (FORMULAS + PLAIN) * many
    n = np.arange(len(texts)) - 5
    wide = np.array([int(v) - (1 << 70) for v in n], object)
    part = batch("=event", comm="@me", s=Strings.of(texts), n=n, wide=wide)
    part.columns["-field"] = Strings.of(["x"] * len(texts))
    chunk = Chunk((part,))
    found = rows(chunk, bulk=bulk)
    assert [row["s"] for row in found] == (["'" + text for text in FORMULAS] + PLAIN) * many
    assert {(row["comm"], row["event"], row["'-field"]) for row in found} == {("'@me", "'=event", "x")}
    assert [int(row["n"]) for row in found] == n.tolist()
    assert [int(row["wide"]) for row in found] == wide.tolist()
    assert not any(cell.lstrip()[:1] in "=+@" for row in found for cell in row.values() if cell.strip())
    raw = rows(chunk, bulk=bulk, raw=True)
    assert [row["s"] for row in raw] == texts and raw[0]["-field"] == "x" and raw[0]["event"] == "=event"


def test_no_text_is_a_formula_without_polars(monkeypatch):
    monkeypatch.setattr("ktrace.output.rendering.row_writer.find_spec", lambda name: None)
    test_no_text_is_a_formula(500, True)


def test_one_line_a_record_whatever_the_strings_hold():
    texts = ["two\nlines", "\x1b[2J", INVALID, None, "", 'say "hi"', "ünï"]
    text = written(Chunk((batch(s=Strings.of(texts)),)))
    cells = [line.split(",", 10)[10] for line in text.splitlines()[1:]]
    assert cells == ["two\\nlines", "\\x1b[2J", "caf\\xe9", "", '""', '"say ""hi"""', "ünï"]


def test_arrays_are_written_as_in_json():
    strings = np.empty(1, object)
    strings[0] = ["a", None]
    [row] = rows(Chunk((batch(n=np.array([[1, 2**63]], np.uint64), s=strings),)))
    assert (row["n"], row["s"]) == ("[1,9223372036854775808]", '["a",null]')


def test_the_columns_of_the_first_chunk_unless_told():
    first, second = Chunk((batch("a", x=np.array([1])),)), Chunk((batch("b", y=np.array([1])),))
    with pytest.raises(UsageError, match="b has a field y") as error:
        written(first, second)
    assert error.value.hint == "--event b gives it its own table"
    assert len(rows(first, second, fields={"a": ["x"], "b": ["y"]})) == 2


def test_nothing_but_a_header():
    assert written() == HEAD + "\n"
    assert written(fields={"e": ["n"]}) == HEAD + ",n\n"


@pytest.mark.parametrize("polars", [False, pytest.param(True, marks=needs_polars)])
def test_many_lines_are_the_same_bytes(polars, monkeypatch):
    if not polars:
        monkeypatch.setattr("ktrace.output.rendering.row_writer.find_spec", lambda name: None)
    chunk = everything(700)
    many = written(chunk, bulk=True)
    monkeypatch.setattr("ktrace.output.rendering.row_writer._BULK", 1 << 60)
    assert many == written(chunk)
    assert len(rows(chunk)) == 1700
