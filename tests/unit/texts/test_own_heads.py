"""Texts of mmiotrace and of the tracer blk, as Linux 6.1 and blkparse print them."""

import pytest

from ktrace.texts.kind import Kind
from tests.unit.texts.reading import rows

MMIO = b"""VERSION 20070824
PCIDEV 0000 80860c00 0 0
MAP 5.000100 1 0xfd000000 0xffffc90001000000 0x1000 0x0 0
R 4 5.000200 1 0xfd000010 0x4a0200a1 0xffffffffa0123460 0
W 1 5.000300 1 0xfd000014 0x7 0xffffffffa0123470 33
UNKNOWN 5.000400 1 0xfd000018 12,34,5f 0xffffffffa0123480 0
MARK 5.000500 X starts
MARK 0.000000 Lost 12 events.
UNMAP 5.000600 1 0x0 0
"""
R = {
    "opcode": "R",
    "width": 4,
    "map_id": 1,
    "phys": 0xFD000010,
    "value": 0x4A0200A1,
    "pc": 0xFFFFFFFFA0123460,
}


def test_mmiotrace():
    found, reader = rows(MMIO)
    assert (reader.kind, reader.unparsed, reader.lost) == (Kind.MMIOTRACE, 0, 12)
    assert [row.get("event") for row in found] == [
        *("PCIDEV", "mmiotrace_map", "mmiotrace_rw", "mmiotrace_rw", "mmiotrace_rw"),
        *("tracing_mark_write", None, "mmiotrace_map"),
    ]
    assert [row["ts"] for row in found if row.get("event") == "mmiotrace_rw"] == [
        5000200000,
        5000300000,
        5000400000,
    ]
    assert found[2]["fields"] == R
    assert found[1]["fields"]["len"] == 0x1000
    assert (found[2]["pid"], found[3]["pid"]) == (-1, 33)
    assert found[4]["fields"]["value"] == 0x12345F
    assert found[5]["fields"] == {"body": "X starts"}
    assert found[6] == {"lost": 12, "cpu": None}
    assert found[7]["fields"] == {"opcode": "UNMAP", "map_id": 1, "pc": 0}


@pytest.mark.parametrize(
    "line", [b"R 4 5.0 1 0x1 0x2 0x3 0", b"W 4 99999999999.000001 1 0x1 0x2 0x3 0", b"what is this"]
)
def test_odd_lines_between_accesses(line):
    found, reader = rows(MMIO + line + b"\n")
    assert found[-1] == {"unparsed": line}
    assert reader.unparsed == 1


BODIES = [
    (b"Q  WS 12345678 + 8 [a b:c]", {"sector": 12345678, "nr_sector": 8, "comm": "a b:c"}),
    (b"P   N [dd]", {"comm": "dd"}),
    (b"UT   N [dd] 3", {"comm": "dd", "nr_rq": 3}),
    (b"A  WS 500 + 8 <- (8,17) 300", {"sector": 500, "nr_sector": 8, "old_dev": "8,17", "old_sector": 300}),
    (b"X   R 100 / 108 [dd]", {"sector": 100, "new_sector": 108, "comm": "dd"}),
    (b"C  WS 77 + 8 [-5]", {"sector": 77, "nr_sector": 8, "error": -5}),
    (b"R  WS 77 [0]", {"sector": 77, "error": 0}),
    (b"Q   R 36 (12 00 24 ..) [hald]", {"bytes": 36, "cmd": "12 00 24 ..", "comm": "hald"}),
    (b"C   R (12 00) [0]", {"cmd": "12 00", "error": 0}),
    (b"m   N cfq12 insert: x", {"msg": "cfq12 insert: x"}),
]


@pytest.mark.parametrize(("body", "want"), BODIES)
@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"              dd-1234    [003] d..1   111.222333: %s", Kind.TRACE),
        (b"      dd-1234      3d..1 111222333us : %s", Kind.LATENCY),
        (b"8,0    3   111.222333000  1234 %s", Kind.BLK),
        (b"  8,0    3       12   111.222333000  1234 %s", Kind.BLK),
    ],
)
def test_blk(head, kind, body, want):
    action, rwbs = body.split()[:2]
    text = head % (body if kind == Kind.BLK else b"  8,0   " + body) + b"\n"
    found, reader = rows(text)
    assert (reader.kind, reader.unparsed) == (kind, 0)
    row = found[0]
    assert (row["event"], row["ts"], row["cpu"], row["pid"]) == ("blk", 111222333000, 3, 1234)
    assert row["fields"] == {"dev": "8,0", "action": action.decode(), "rwbs": rwbs.decode()} | want


@pytest.mark.parametrize("group", [b"a3,4f", b"/user.slice/x"])
def test_blk_with_a_cgroup(group):
    found, _ = rows(
        b"              dd-1234    [003] d..1   111.222333:   8,0   " + group + b"  Q  WS 1 + 8 [dd]\n"
    )
    assert found[0]["fields"]["cgroup"] == group.decode()
    assert found[0]["fields"]["sector"] == 1


def test_an_unknown_action_of_blk_is_delivered():
    line = b"              dd-1234    [003] d..1   111.222333:   8,0   Unknown action 4d"
    assert rows(line + b"\n")[0] == [{"unparsed": line}]
