"""Names of values: in text instead of the numbers, in JSON in addition to them."""

import io
import json
from dataclasses import replace

import numpy as np

from ktrace.model.batch import Batch, Chunk
from ktrace.model.column import Strings
from ktrace.output.formats.jsonl import JsonLines
from ktrace.output.formats.text import Text
from tests.unit.output.schema import SCHEMA, fits

NAMES = {
    "kp": {"mode": {0: "READ", 1: "WR%TE", -1: "GONE"}, "modes": {0: "READ", 1: "WR%TE"}, "gone": {0: "x"}}
}


def batch() -> Batch:
    rows = 3
    return Batch(
        event="kp",
        kind="entry",
        seq=np.arange(rows),
        ts=np.arange(rows),
        cpu=np.zeros(rows, np.int32),
        pid=np.ones(rows, np.int32),
        tgid=None,
        comm=Strings.of(["a"] * rows),
        flags=Strings.of(["....."] * rows),
        columns={
            "n": np.array([0, 1, 2]),
            "mode": np.array([1, -1, 7]),
            "modes": np.array([[0, 1], [1, 1], [0, 9]]),
        },
        place=Strings.of(["f+0x0/0x1"] * rows),
    )


def written(sink: type, *args: object, one: Batch | None = None) -> list[str]:
    out = io.BytesIO()
    sink(out, *args).write(Chunk((one or batch(),)))
    return out.getvalue().decode().splitlines()


def test_json_keeps_the_numbers() -> None:
    records = [json.loads(line) for line in written(JsonLines, {}, NAMES)]
    assert [r["args"]["mode"] for r in records] == [1, -1, 7]
    assert [r["names"]["mode"] for r in records] == ["WR%TE", "GONE", None]
    assert [r["names"]["modes"] for r in records] == [["READ", "WR%TE"], ["WR%TE", "WR%TE"], ["READ", None]]
    assert set(records[0]["names"]) == {"mode", "modes"}
    assert all(fits(record, SCHEMA) for record in records)


def test_json_without_names_has_no_such_field() -> None:
    assert all(
        "names" not in json.loads(line) for line in written(JsonLines, {}, {"other": {"mode": {1: "x"}}})
    )
    assert all("names" not in json.loads(line) for line in written(JsonLines))


def test_text_shows_them_in_place_of_the_numbers() -> None:
    lines = written(Text, NAMES)
    assert [line.partition(") ")[2] for line in lines] == [
        "n=0 mode=WR%TE modes={READ,WR%TE}",
        "n=1 mode=GONE modes={WR%TE,WR%TE}",
        "n=2 mode=7 modes={READ,9}",
    ]


def test_a_column_of_text_keeps_its_text() -> None:
    one = replace(batch(), columns={"mode": Strings.of(["a", "b", "c"])})
    assert "names" not in json.loads(written(JsonLines, {}, NAMES, one=one)[0])
    assert written(Text, NAMES, one=one)[0].endswith('mode="a"')
