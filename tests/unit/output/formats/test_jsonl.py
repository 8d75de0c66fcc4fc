import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Strings
from ktrace.output.formats.jsonl import JsonLines
from tests.unit.output.records import chunks
from tests.unit.output.schema import SCHEMA, fits

STREAM = {"event", "stack", "lost", "missed", "unparsed"}


def written(parts, groups=None):
    out = io.BytesIO()
    sink = JsonLines(out, groups or {})
    for part in parts:
        sink.write(part)
    sink.flush()
    return out.getvalue()


def records(parts, groups=None):
    return [json.loads(line) for line in written(parts, groups).splitlines()]


def test_all_records_fit_the_schema():
    got = records(chunks())
    assert {r["type"] for r in got} == STREAM
    for record in got:
        assert fits(record, SCHEMA), record


@pytest.mark.parametrize(
    "change",
    [{"schema": 2}, {"type": "x"}, {"ts": 1.5}, {"pid": "1"}, {"extra": 1}, {"args": {"a": 1.5}},
     {"body": ""}, {"func": "f"}, {"cpu": True}, {"tgid": 0}],
)  # fmt: skip
def test_the_schema_refuses(change):
    event = next(r for r in records(chunks()) if r["type"] == "event")
    assert fits(event, SCHEMA)
    assert not fits({**event, **change}, SCHEMA)


def test_everything_in_stream_order():
    got = records(chunks(), {"kp": "my%group"})
    assert [r["type"] for r in got] == [
        "lost", "event", "event", "event", "stack", "stack", "lost", "event", "event", "unparsed", "missed",
    ]  # fmt: skip
    assert got[1] == {
        "schema": 1, "type": "event", "ts": 3125954000, "cpu": 1, "pid": 149, "tgid": 77, "comm": "my prog",
        "flags": "d..1.", "group": "my%group", "event": "kp", "ip": "vfs_read+0x4/0x370",
        "args": {
            "fd": 0xFF34DF53F0D91240, "p": "caf\udce9 \x1b[2J\u202e%s", "n": -1, "f": "a+0x0/0x1", "c": "x",
            "v": [1, 2], "d": ["a", None],
        },
    }  # fmt: skip
    assert "tgid" not in got[2]
    assert got[2]["args"] == {
        "fd": 0, "p": None, "n": 2**64 - 1, "f": "0x12", "c": "'", "v": [3, 4], "d": [None, "b"],
    }  # fmt: skip
    assert (got[3]["func"], got[3]["ret_ip"], got[3]["args"]) == (
        "vfs_read",
        "ksys_read+0x6f/0xf0",
        {"r": -11},
    )
    assert "ip" not in got[3]
    assert got[4]["frames"] == ["vfs_read", "ksys_read"]
    assert got[5]["user"] is True
    assert [r["count"] for r in got if r["type"] == "lost"] == [12, None]
    assert got[7]["body"] == "one\ntwo %d"
    assert (got[8]["ip"], got[8]["args"]) == ("0x401136", {})
    assert got[9]["line"] == "[LINE TOO BIG]"


def test_output_is_ascii_without_control_characters():
    text = written(chunks())
    assert text.isascii()
    assert all(byte >= 32 or byte == 10 for byte in text)
    assert text.endswith(b"\n")


def test_nothing_is_written_for_nothing():
    assert written([Chunk()]) == b""


def test_a_batch_without_records():
    empty = one_batch(n=np.zeros(0, np.int64))
    assert written([Chunk((empty,)), Chunk((empty, empty))]) == b""


def test_many_distinct_names_and_places():
    texts = Strings.of(map(str, range(2000)))
    got = records([Chunk((one_batch(a=texts, b=texts, n=np.arange(2000), c=texts),))])
    assert [r["args"] for r in got] == [{"a": str(i), "b": str(i), "n": i, "c": str(i)} for i in range(2000)]


def one_batch(**columns):
    count = len(next(iter(columns.values())))
    numbers = np.arange(count)
    return Batch(
        event='e"%d', kind="fields", seq=numbers, ts=numbers, cpu=numbers.astype(np.int32),
        pid=numbers.astype(np.int32), tgid=None, comm=Strings.of(["%s"] * count),
        flags=Strings.of([""] * count), columns=columns,
    )  # fmt: skip


@given(
    st.lists(
        st.none() | st.text() | st.binary().map(lambda b: b.decode(errors="surrogateescape")), min_size=1
    )
)
def test_any_string_comes_back(texts):
    got = records([Chunk((one_batch(**{'%s"name': Strings.of(texts)}),))])
    assert [r["args"]['%s"name'] for r in got] == texts
    assert all(r["event"] == 'e"%d' and r["comm"] == "%s" for r in got)


@given(st.lists(st.integers(-(2**63), 2**64 - 1), min_size=1))
def test_any_integer_comes_back(numbers):
    column = np.array(numbers, object)
    assert [r["args"]["n"] for r in records([Chunk((one_batch(n=column),))])] == numbers


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint32, np.int64, np.uint64])
def test_integers_of_every_width(dtype):
    info = np.iinfo(dtype)
    column = np.array([info.min, info.max], dtype)
    assert [r["args"]["n"] for r in records([Chunk((one_batch(n=column),))])] == [info.min, info.max]


def test_arrays_are_arrays():
    column = np.array([[1, 2], [3, 2**63]], np.uint64)
    assert [r["args"]["n"] for r in records([Chunk((one_batch(n=column),))])] == [[1, 2], [3, 2**63]]


def test_a_column_without_a_spelling_is_a_bug():
    with pytest.raises(TypeError):
        written([Chunk((one_batch(n=np.array([1.5])),))])
