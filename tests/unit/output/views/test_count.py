"""Counts as text and as JSON."""

import json

from ktrace.model.outcome import Outcome
from ktrace.model.tally import Named, Range, Row, Symbol, Syscall, Tally, Task
from ktrace.output.views.count import answer_record, answer_text, key_text, tally_records, tally_text
from tests.unit.output.schema import SCHEMA, fits

TALLY = Tally(
    ("function", "comm"),
    (Row(("vfs_read", "dd"), 5, (70,)), Row(("vfs_read", "a\x1b[1m"), 9, (1,))),
    ("n",),
    2,
)


def test_the_largest_first_and_harmless() -> None:
    assert tally_text(TALLY) == (
        "HITS  SUM(n)  FUNCTION  COMM\n"
        "   9       1  vfs_read  a\\x1b[1m\n"
        "   5      70  vfs_read  dd\n"
    )  # fmt: skip


def test_what_does_not_fit_is_said() -> None:
    many = Tally(("k",), tuple(Row((i,), 100 - i) for i in range(10)))
    text = tally_text(many, height=6)
    assert len(text.splitlines()) == 6 and text.endswith("... and 6 more\n")
    assert len(tally_text(many, height=11).splitlines()) == 11


def test_every_kind_of_key() -> None:
    keys = [Range(3, 4), Range(4, 4), Range(None, 4), Range(5, None), Symbol(1, "f"), Syscall(0, "sys_read")]
    assert [*map(key_text, keys)] == ["3 - 4", "4", "< 5", ">= 5", "f", "sys_read"]
    assert [*map(key_text, [Task(7, "dd"), ("f", "g"), 7, "x"])] == ["dd (7)", "f < g", "7", "x"]


def test_records_fit_the_schema() -> None:
    keys = [
        Range(3, 4),
        Range(None, 4),
        Symbol(1, "f"),
        Task(7, "dd"),
        ("f", "g"),
        7,
        "x\x1b",
        Syscall(0, "s"),
    ]
    tally = Tally(("k",), tuple(Row((key,), i) for i, key in enumerate(keys)))
    records = [json.loads(line) for line in (*tally_records(tally), *tally_records(TALLY))]
    records.append(json.loads(answer_record(TALLY, "hist triggers", Outcome(1.5, missed=3, untimed=4))))
    assert all(fits(record, SCHEMA) for record in records), records
    assert records[-2] == {
        "schema": 1, "type": "row", "count": 5, "sums": {"n": 70},
        "key": {"function": "vfs_read", "comm": "dd"},
    }  # fmt: skip
    assert records[-1]["duration_ns"] == 1_500_000_000 and records[-1]["hits"] == 14


def test_a_number_that_reads_stays_a_range_among_ranges() -> None:
    named = (Named(-2, "ENOENT", is_range=True), Named(-2, "ENOENT"))
    tally = Tally(("range", "number"), (Row(named, 1),))
    (record,) = (json.loads(line) for line in tally_records(tally))
    assert fits(record, SCHEMA)
    assert record["key"] == {
        **{"range": {"low": -2, "high": -2}, "range_text": "ENOENT"},
        **{"number": -2, "number_text": "ENOENT"},
    }


def test_the_summary_tells_of_all_losses() -> None:
    text = answer_text(TALLY, "hist triggers", Outcome(1.5, lost=5, missed=3, untimed=4))
    assert text == (
        "14 hits in 1.50 s, counted by hist triggers, 2 dropped: the table was full (--size), "
        "5 lost: the buffer ran over, 3 hits missed, 4 calls not timed"
    )
    assert answer_text(Tally(("k",)), "x", Outcome(0.0)).endswith("none dropped")
