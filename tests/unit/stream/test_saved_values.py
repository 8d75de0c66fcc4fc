"""Stored meanings, shown by every output; whole paths are joined; times in other forms."""

import json
import socket
import struct
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from ktrace.cli.main import main
from ktrace.model.meaning import Meaning
from ktrace.stream.recording import Recording
from ktrace.stream.saved_values import saved_clocks, values_of
from ktrace.tracedat.contents import CLOCKS, VALUES
from ktrace.tracedat.writer import write_file
from tests.unit.output.schema import SCHEMA, fits
from tests.unit.ringbuffer.page_writer import PageWriter
from tests.unit.stream.recorded import COMMON
from tests.unit.tracedat.build import contents

NAMES = ("file", "file__p1", "file__p2", "file__m0", "file__m1", "file__n0")
FIELDS = "".join(
    f"\tfield:__data_loc char[] {name};\toffset:{24 + 4 * n};\tsize:4;\tsigned:1;\n"
    for n, name in enumerate(NAMES)
)
CONNECT = (
    f"name: connect\nID: 300\nformat:\n{COMMON}"
    "\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:u32 daddr;\toffset:16;\tsize:4;\tsigned:0;\n"
    f"\tfield:s32 ret;\toffset:20;\tsize:4;\tsigned:1;\n{FIELDS}\n"
    'print fmt: "(%lx) daddr=%u ret=%d '
    + " ".join(f'{name}=\\"%s\\"' for name in NAMES)
    + '", REC->__probe_ip\n'
)
BLOCK = (
    f"name: block\nID: 301\nformat:\n{COMMON}"
    "\tfield:dev_t dev;\toffset:8;\tsize:4;\tsigned:0;\n\n"
    'print fmt: "%d,%d", ((unsigned int) ((REC->dev) >> 20)), '
    "((unsigned int) ((REC->dev) & ((1U << 20) - 1)))\n"
)
VALUES_OF = {"connect": {"daddr": {"kind": "ip4"}, "ret": {"kind": "errno"}}}
WALL = 1_700_000_000_000_000_000


def connect(address: str, ret: int, *texts: str) -> bytes:
    start = 24 + 4 * len(NAMES)
    places, data = [], b""
    for text in texts:
        raw = text.encode() + b"\0"
        places.append(len(raw) << 16 | start + len(data))
        data += raw
    number = int.from_bytes(socket.inet_aton(address), "little")
    return struct.pack("<HBBiQIi6I", 300, 0, 0, 7, 0x1000, number, ret, *places) + data


@pytest.fixture
def path(tmp_path: Path) -> str:
    note = CLOCKS + json.dumps({"mono": 0, "boot": 5, "wall": WALL}) + VALUES + json.dumps(VALUES_OF)
    made = contents(
        ftrace_formats=(), event_formats=(("probes", CONNECT), ("block", BLOCK)), cmdlines=b"7 seven\n"
    )
    made = replace(made, options=replace(made.options, written_by="ktrace 0.1.0" + note, cpu_count=1))
    writer = PageWriter(ts=1_000_000)
    writer.record(connect("10.0.0.1", -2, "x", "dir", "/", "tmp", "/", "/"), 0)
    writer.record(connect("10.0.0.2", 0, "TCP", "TCP", "TCP", "/", "/", "/"), 500_000)
    writer.record(struct.pack("<HBBiI", 301, 0, 0, 7, 8 << 20 | 1), 500_000)
    file = tmp_path / "values.dat"
    write_file(str(file), made, {0: [writer.bytes()]})
    return str(file)


def report(capfd: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["report", "-q", *words]) == 0
    return capfd.readouterr().out


def test_what_is_stored_is_found(path: str) -> None:
    with Recording([path]) as recording:
        assert values_of(recording) == {
            "connect": {"daddr": Meaning("ip4"), "ret": Meaning("errno")},
            "block": {"dev": Meaning("dev")},
        }
        assert saved_clocks(recording) == {"mono": 0, "boot": 5, "wall": WALL}
        assert recording.fields()["connect"] == ("daddr", "ret", "file")


@pytest.mark.parametrize("note", ["", VALUES, VALUES + "[]", VALUES + '{"e": 1}', VALUES + '{"e": {"a": 1}}',
                                  CLOCKS + "x", CLOCKS + '{"wall": "x"}', CLOCKS + "[1]"])  # fmt: skip
def test_a_foreign_note_says_nothing(tmp_path: Path, note: str) -> None:
    made = contents(ftrace_formats=(), event_formats=(("probes", CONNECT),))
    made = replace(made, options=replace(made.options, written_by="x" + note))
    file = str(tmp_path / "a.dat")
    write_file(file, made, {})
    with Recording([file]) as recording:
        assert values_of(recording) == {}
        assert saved_clocks(recording) == {}


def test_text(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    first, second, third = report(capfd, path).splitlines()
    assert first.endswith('daddr=10.0.0.1 ret=-2 ENOENT file="/tmp/dir/x"')
    assert second.endswith('daddr=10.0.0.2 ret=0 file="TCP"')
    assert third.endswith(" block: 8,1")


def test_json(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    records = [json.loads(line) for line in report(capfd, path, "--json").splitlines()]
    assert all(fits(record, SCHEMA) for record in records)
    assert records[0]["args"] == {
        "daddr": 0x0100000A,
        "daddr_text": "10.0.0.1",
        "ret": -2,
        "ret_text": "-2 ENOENT",
        "file": "/tmp/dir/x",
    }
    assert "ret_text" not in records[1]["args"]
    assert records[2]["args"] == {"dev": 8 << 20 | 1, "dev_text": "8:1"}
    assert records[0]["wall_ns"] == records[0]["ts"] + WALL


def test_csv(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    header, first, *_ = report(capfd, path, "--csv", "-e", "connect").splitlines()
    assert header.endswith("daddr,daddr_text,ret,ret_text,file")
    assert first.endswith("16777226,10.0.0.1,-2,'-2 ENOENT,/tmp/dir/x")


if find_spec("polars") is not None:

    def test_sql(path: str, capfd: pytest.CaptureFixture[str]) -> None:
        query = "select daddr_text, ret_text, file from connect where daddr_text = '10.0.0.1'"
        assert main(["sql", path, query, "--csv"]) == 0
        assert "10.0.0.1" in capfd.readouterr().out
        assert main(["sql", path, "select dev_text from block", "--csv"]) == 0
        assert "8:1" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("text", "count"),
    [("daddr == 10.0.0.1", 1), ("ret == ENOENT", 1), ("dev == 8:1", 1), ("daddr != 10.0.0.9", 2),
     ('file == "/tmp/dir/x"', 1)],
)  # fmt: skip
def test_filters(path: str, capfd: pytest.CaptureFixture[str], text: str, count: int) -> None:
    assert len(report(capfd, path, "--filter", text).splitlines()) == count


@pytest.mark.parametrize(
    ("form", "times"),
    [
        ("rel", ["0.000000:", "0.000500:", "0.001000:"]),
        ("delta", ["0.000000:", "0.000500:", "0.000500:"]),
        ("mono", ["0.001000:", "0.001500:", "0.002000:"]),
        ("boot", ["0.001000:", "0.001500:", "0.002000:"]),
        ("utc", ["22:13:20.001000Z:", "22:13:20.001500Z:", "22:13:20.002000Z:"]),
        ("iso", ["2023-11-14T22:13:20.001000Z:"]),
    ],
)
def test_times(path: str, capfd: pytest.CaptureFixture[str], form: str, times: list[str]) -> None:
    lines = report(capfd, path, "--time", form).splitlines()
    assert [line.split()[3] for line in lines][: len(times)] == times


def test_times_that_a_recording_does_not_tell(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "a.dat")
    write_file(file, contents(ftrace_formats=(), event_formats=()), {})
    assert main(["report", file, "--time", "wall"]) == 2
    assert "does not tell it" in capfd.readouterr().err
    assert main(["report", file, "--time", "wall", "--json"]) == 2
    assert "--time is for text" in capfd.readouterr().err
