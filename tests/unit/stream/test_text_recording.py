"""Texts with the outputs and options of recordings, as the commands use them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ktrace.stream.inputs import open_source
from ktrace.stream.text_recording import TextRecording

ROOT = Path(__file__).parents[3]
SWITCH = (
    "            bash-7       [%03d] d..2.   %d.000001: sched_switch: "
    "prev_comm=bash prev_pid=7 prev_prio=120 prev_state=S ==> next_comm=sh next_pid=%d next_prio=120\n"
)
PROBE = '            bash-7       [001] d..2.   %d.000002: kp: (vfs_read+0x4/0x370) n=%d s="a" v={1,2}\n'
CALL = "            bash-7       [001] .....   %d.000003: sys_read(fd: 3, buf: 7f00, count: 10)\n"
RETURN = "            bash-7       [001] .....   %d.000004: sys_read -> 0x10\n"
TEXT = "".join(SWITCH % (i % 2, i, i) + PROBE % (i, i) + CALL % i + RETURN % i for i in range(1, 4))
PERF = (
    "perf   287 [000]     5.129403:     250000 cpu-clock: \n"
    "        ffffffff8509a7fc schedule+0x5 ([kernel.kallsyms])\n"
    "                   ee137 main+0x7 (/bin/x)\n\n"
    "perf   287 [000]     5.129500:        irq:irq_handler_exit: irq=26 ret=handled\n"
)
GRAPH = " 0)               |  vfs_read() {\n 0)   0.500 us    |    check();\n 0)   1.200 us    |  }\n"


def ktrace(*words, text=""):
    return subprocess.run(
        [sys.executable, "-m", "ktrace", *words],
        input=text.encode(),
        capture_output=True,
        cwd=ROOT,
        check=False,
    )


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "trace.txt"
    file.write_text(TEXT)
    return str(file)


def test_events_and_fields_are_known_before_the_records(path):
    with open_source([path]) as recording:
        assert isinstance(recording, TextRecording)
        assert recording.fields()["kp"] == ("n", "s", "v")
        assert recording.fields()["sched_switch"][:2] == ("prev_comm", "prev_pid")
        assert not recording.ticks
        assert sum(map(len, recording.chunks())) == 12
        assert recording.notes == ["the text is of trace or trace_pipe"]


def test_text_comes_out_as_it_was(path):
    done = ktrace("report", path)
    assert [line.split(": ", 1)[1] for line in done.stdout.decode().splitlines()] == [
        line.split(": ", 1)[1] for line in TEXT.splitlines()
    ]
    assert done.stderr.endswith(b"ktrace: 12 events, none lost\n")


def test_json_and_choice(path):
    done = ktrace(
        "report", path, "--json", "--event", "sched_switch", "--filter", "next_pid > 1", "--cpu", "0"
    )
    (record,) = map(json.loads, done.stdout.splitlines())
    assert record["args"]["next_pid"] == 2
    assert record["body"].startswith("prev_comm=bash")
    done = ktrace("report", path, "--json", "--from", "2", "--to", "2.000002")
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()] == ["sched_switch", "kp"]


def test_names_that_are_not_there(path):
    assert ktrace("report", path, "--event", "nothing").returncode == 4
    assert ktrace("report", path, "--filter", "nothing == 1").returncode == 2


def test_cpus(path):
    assert len(ktrace("report", path, "--cpu", "1").stdout.splitlines()) == 11
    done = ktrace("report", path, "--cpu", "1,7")
    assert (done.returncode, done.stdout) == (4, b"") and b"no CPU 7" in done.stderr


def test_csv_of_some_events_has_their_columns(path):
    header = ktrace("report", path, "--csv", "--event", "kp").stdout.decode().splitlines()[0]
    assert header.split(",")[-3:] == ["n", "s", "v"] and "next_pid" not in header


def test_csv_has_a_column_for_each_field(path):
    header, first, second, *_ = ktrace("report", path, "--csv").stdout.decode().splitlines()
    assert header.split(",")[-4:] == ["fd", "buf", "count", "ret"]
    assert {"next_pid", "n", "s", "v"} < set(header.split(","))
    assert first.count(",") + 1 == len(header.split(","))
    assert '"[1,2]"' in second


def test_sql(path):
    done = ktrace(
        "sql", path, "--json", "select event, count(*) as n from events group by event order by event"
    )
    got = [json.loads(line)["columns"] for line in done.stdout.splitlines()]
    assert got == [{"event": e, "n": 3} for e in ("kp", "sched_switch", "sys_enter_read", "sys_exit_read")]
    done = ktrace("sql", path, "--json", "select n, ip, v, pid from kp where n > 1 order by n")
    assert [json.loads(line)["columns"] for line in done.stdout.splitlines()] == [
        {"n": n, "ip": "vfs_read+0x4/0x370", "v": [1, 2], "pid": 7} for n in (2, 3)
    ]


def test_sql_has_null_for_a_field_that_a_record_lacks(tmp_path):
    file = tmp_path / "t"
    file.write_text(TEXT + TEXT.splitlines()[0].replace("prev_prio=120", "prev_prio=?") + "\n")
    done = ktrace("sql", str(file), "--json", "select next_pid, body from sched_switch order by ts, next_pid")
    got = [json.loads(line)["columns"] for line in done.stdout.splitlines()]
    assert sorted(one["next_pid"] is None for one in got) == [False, False, False, True]
    assert sum(one["body"] is not None for one in got) == 1


def test_standard_input_is_read_twice(path):
    done = ktrace("report", "-", "--csv", text=TEXT)
    assert done.stdout == ktrace("report", path, "--csv").stdout
    assert len(ktrace("sql", "-", "--csv", "select * from kp", text=TEXT).stdout.splitlines()) == 4


def test_timeline_of_calls(path, tmp_path):
    out = tmp_path / "out.json"
    assert ktrace("report", path, "--chrome", str(out)).returncode == 0
    slices = [e for e in json.loads(out.read_text())["traceEvents"] if e["ph"] == "X"]
    assert [(e["name"], e["dur"]) for e in slices if e["cat"] == "sys_enter_read"] == [("read", 1.0)] * 3
    states = {"sh [2]", "sh [3]", "Running", "Sleeping"}  # of CPUs and threads, from the switches
    assert {e["name"] for e in slices} == {"read", *states}
    assert ktrace("report", "-", "--chrome", str(out), text=GRAPH).returncode == 0
    slices = [e for e in json.loads(out.read_text())["traceEvents"] if e["ph"] == "X"]
    assert {(e["name"], e["dur"]) for e in slices} == {("vfs_read", 1.2), ("check", 0.5)}


def test_other_files(path, tmp_path):
    import polars as pl

    out = tmp_path / "out"
    assert ktrace("report", path, "--parquet", str(out)).returncode == 0
    table = pl.read_parquet(out)
    assert table["next_pid"].drop_nulls().to_list() == [1, 2, 3]
    assert ktrace("report", path, "--perfetto", str(out)).returncode == 0
    assert b"next_comm" in out.read_bytes()


def test_flame_graphs(tmp_path):
    out = tmp_path / "out"
    assert ktrace("report", "-", "--fold", str(out), text=PERF).returncode == 0
    assert out.read_text() == "main+0x7;schedule+0x5 1\n"
    assert ktrace("report", "-", "--fold", str(out), text=GRAPH).returncode == 0
    assert out.read_text() == "vfs_read 700\nvfs_read;check 500\n"
    assert ktrace("report", "-", "--svg", str(out), text=GRAPH).returncode == 0
    assert 'data-unit="ns"' in out.read_text()


def test_groups_of_perf():
    done = ktrace("report", "-", "--json", "--event", "irq:*", text=PERF)
    (record,) = (json.loads(line) for line in done.stdout.splitlines() if b'"event"' in line)
    assert (record["group"], record["args"]) == ("irq", {"irq": 26, "ret": "handled"})


def test_several_texts_are_merged_by_time(path, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text(TEXT.replace(".00000", ".50000"))
    lines = ktrace("report", "--json", path, str(other)).stdout.splitlines()
    got = [(one["ts"], one["origin"]) for one in map(json.loads, lines)]
    assert got == sorted(got)
    assert {origin for _, origin in got} == {"trace.txt", "other.txt"}


def test_lines_that_are_not_understood_are_counted(tmp_path):
    file = tmp_path / "t"
    file.write_text(TEXT + "what is this?\n" + TEXT)
    done = ktrace("report", str(file))
    assert b"1 lines not understood" in done.stderr
    assert b"what is this?" in done.stdout


@pytest.mark.parametrize("command", [("report",), ("report", "--json"), ("sql",)])
def test_text_of_no_trace_is_refused(command, path, tmp_path):
    file = tmp_path / "version"
    file.write_text("Linux version 6.12\n")
    query = ("select 1",) if command == ("sql",) else ()
    done = ktrace(*command, str(file), *query)
    assert (done.returncode, done.stdout) == (7, b"")
    assert b"version: offset 0: not a trace.dat file, and no line" in done.stderr
    if command == ("report",):  # nor one of several
        assert ktrace("report", path, str(file)).returncode == 7


@pytest.mark.parametrize("command", [("report",), ("sql",)])
def test_text_of_another_program_is_named(command, tmp_path):
    file = tmp_path / "maps"
    file.write_text("Attaching 1 probe...\n@[bash]: 4\n")
    done = ktrace(*command, str(file), *(("select 1",) if command == ("sql",) else ()))
    assert done.returncode == 7
    assert b"the text looks like bpftrace's" in done.stderr


def test_text_of_a_trace_without_records(tmp_path):
    file = tmp_path / "empty"
    file.write_text("# tracer: nop\n#\n# entries-in-buffer/entries-written: 0/0   #P:2\n#\n")
    done = ktrace("report", str(file))
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"ktrace: 0 events, none lost\n")
    file.write_text("CPU:0 [LOST 1785 EVENTS]\n")
    assert b"1785 lost" in ktrace("report", str(file)).stderr


def test_python(path):
    import ktrace as package

    assert sum(map(len, package.read(path, events=["kp"]))) == 3
    assert package.sql(path, "select sum(n) as n from kp")["n"].to_list() == [6]
