import json
from dataclasses import replace

import pytest

from ktrace.model.fetch import FetchArg
from ktrace.model.format import Field, Format
from ktrace.model.listing import Description, ProbeRow, Registered
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.output.views.show import event_record, event_text

PROBE = Probe("p", "g", "a", SymbolPlace("f"), (FetchArg("%dx", "x", "u64"),))
LINE = Registered(0xFFFFFFFF81000004, "k", "f", 4, None, ("DISABLED", "FTRACE"))
FORMAT = Format(
    "g",
    "a",
    1392,
    (
        Field("common_pid", "int", 4, 4, True),
        Field("st", "u64", 8, 16, False, "array", 2),
        Field("s", "char", 24, 4, True, "data_loc", 1),
    ),
    '"(%lx)"',
)
ROW = ProbeRow(PROBE, ("top", "mine", "theirs"), (), 12, 3, LINE)
SHOWN = Description("g/a", (ROW,), "1*", "x > \x1b5", ("stacktrace:unlimited",), FORMAT)


def test_text():
    assert event_text(SHOWN).splitlines() == [
        "g/a",
        "  definition  p:g/a f x=%dx:u64",
        "  placed at   f+0x4 (0xffffffff81000004) [DISABLED][FTRACE]",
        "  hits        12, 3 missed",
        "  also on in  mine theirs",
        "  state       on, with a trigger",
        "  filter      x > \\x1b5",
        "  trigger     stacktrace:unlimited",
        "  id          1392",
        "  FIELD       OFFSET  SIZE  TYPE",
        "  common_pid       4     4  int",
        "  st               8    16  u64[2]",
        "  s               24     4  char[] (dynamic)",
    ]


@pytest.mark.parametrize(
    ("state", "words"),
    [("0", "off"), ("1", "on"), ("0*", "off, used by a trigger"), ("1*", "on, with a trigger"), ("X", "X")],
)
def test_states(state, words):
    assert f"  state       {words}\n" in event_text(replace(SHOWN, state=state))


def test_what_is_not_known_is_not_said():
    bare = ProbeRow(PROBE, ("top",), (), None, None, None)
    text = event_text(replace(SHOWN, rows=(bare,)))
    assert "placed at" not in text and "hits" not in text and "also on" not in text
    uprobe = ProbeRow(PROBE, (), (), 5, None, None)
    assert "  hits        5\n" in event_text(replace(SHOWN, rows=(uprobe,)))


def test_an_event_that_is_no_probe():
    text = event_text(replace(SHOWN, rows=(), triggers=()))
    assert text.startswith("g/a\n  state ")


def test_record():
    record = json.loads(json.dumps(event_record(SHOWN)))
    assert record == {
        "schema": 1,
        "type": "description",
        "event": "g/a",
        "id": 1392,
        "state": "1*",
        "filter": "x > \x1b5",
        "triggers": ["stacktrace:unlimited"],
        "definitions": ["p:g/a f x=%dx:u64"],
        "hits": 12,
        "missed": 3,
        "fields": [
            {"name": "common_pid", "type": "int", "offset": 4, "size": 4, "signed": True, "shape": "scalar",
             "count": 1},
            {"name": "st", "type": "u64", "offset": 8, "size": 16, "signed": False, "shape": "array",
             "count": 2},
            {"name": "s", "type": "char", "offset": 24, "size": 4, "signed": True, "shape": "data_loc",
             "count": 1},
        ],
        "print_fmt": '"(%lx)"',
    }  # fmt: skip


def test_counts_of_all_probe_points_are_added():
    record = event_record(replace(SHOWN, rows=(ROW, ROW), filter="none"))
    assert (record["hits"], record["missed"], record["filter"]) == (24, 6, None)
    uprobe = ProbeRow(PROBE, (), (), 5, None, None)
    record = event_record(replace(SHOWN, rows=(uprobe,)))
    assert (record["hits"], record["missed"]) == (5, None)  # what is not counted is not 0
    record = event_record(replace(SHOWN, rows=()))
    assert (record["hits"], record["missed"]) == (None, None)
