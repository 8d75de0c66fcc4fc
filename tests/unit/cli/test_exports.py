"""Every output of every event of ftrace's tracers, which are not in the groups that others' events are in."""

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest

from ktrace.cli.main import main
from tests.unit.stream import tracers

EVENTS = [name for name in tracers.FIELDS if name != "user_stack"]  # which is a stack of another record


def report(capfd: pytest.CaptureFixture[str], *argv: str) -> str:
    assert main(["report", "-q", *argv]) == 0
    return capfd.readouterr().out


@pytest.mark.parametrize("name", tracers.TEXTS)
def test_text(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out = report(capfd, tracers.write(tmp_path / "a.dat", name))
    assert out == f"         my prog-7       [000] .....     1.000000: {tracers.TEXTS[name]}\n"


@pytest.mark.parametrize("name", EVENTS)
def test_other_outputs(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tracers.write(tmp_path / "a.dat", name)
    args = json.loads(report(capfd, "--json", path))["args"]
    assert list(args) == [field.partition("[")[0].split()[-1] for field, _ in tracers.FIELDS[name]]
    (row,) = csv.DictReader(io.StringIO(report(capfd, "--csv", path)))
    given = {key.removeprefix("arg_"): value for key, value in row.items() if value or key in args}
    for field, value in args.items():
        is_list = isinstance(value, list)
        assert given[field] == (json.dumps(value, separators=(",", ":")) if is_list else str(value))
    assert main(["sql", path, f"select * from {name}", "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)["columns"]
    assert {field: answer.get(f"arg_{field}", answer.get(field)) for field in args} == args
    report(capfd, "--parquet", str(tmp_path / "a.parquet"), path)
    assert pl.read_parquet(tmp_path / "a.parquet")["event"].to_list() == [name]
    report(capfd, "--chrome", str(tmp_path / "a.json"), path)
    assert json.loads((tmp_path / "a.json").read_text())["traceEvents"][0]["cat"] == name
    report(capfd, "--perfetto", str(tmp_path / "a.pftrace"), path)
    assert name.encode() in (tmp_path / "a.pftrace").read_bytes()


def test_functions_have_names_in_every_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tracers.write(tmp_path / "a.dat", "function", "funcgraph_entry", "func_repeats")
    found = [json.loads(line)["args"] for line in report(capfd, "--json", path).splitlines()]
    assert [args.get("ip", args.get("func")) for args in found] == ["vfs_read"] * 3
    assert len(report(capfd, path, "--filter", 'ip == "vfs_read"').splitlines()) == 2


def test_csv_has_the_columns_of_events_that_are_there(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    own = "ts,cpu,pid,tgid,comm,flags,event,ip,func,ret_ip"
    path = tracers.write(tmp_path / "a.dat", "function", "timerlat", "user_stack")
    assert (
        report(capfd, "--csv", path).splitlines()[0] == f"{own},arg_ip,parent_ip,seqnum,context,timer_latency"
    )
    for options in (
        ["--event", "timerlat"],
        ["--from", "1.000001"],
        ["--event", "ftrace:timer*", "--to", "2"],
    ):
        head, row = report(capfd, "--csv", path, *options).splitlines()
        assert head == f"{own},seqnum,context,timer_latency" and row.endswith(",9,1,12345")
    assert report(capfd, "--csv", path, "--to", "1").splitlines()[0] == f"{own},arg_ip,parent_ip"
    assert report(capfd, "--csv", path, "--to", "0.5") == f"{own}\n"
