import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ktrace.cli.main import main
from ktrace.errors import Damaged
from ktrace.stream.workers import in_turn as workers_in_turn
from ktrace.tracedat import unfinished
from ktrace.tracedat.reader import TraceDat
from ktrace.tracedat.writer import write_file
from tests.unit.stream.test_recording import MADE, page


@pytest.fixture
def path(tmp_path: Path) -> str:
    made = str(tmp_path / "a.dat")
    write_file(made, MADE, {0: [page([10**9, 3 * 10**9])], 1: [page([2 * 10**9], 5, lost=3, pid=1)]})
    return made


def run(capfd: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    status = main(["report", *argv])
    return (status, *capfd.readouterr())


def test_text(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capfd, path)
    assert status == 0 and err == "ktrace: 3 events, 3 lost\n"
    assert out.splitlines() == [
        "         my prog-7       [000] .....     1.000000: hit: n=0",
        "CPU:1 [LOST 3 EVENTS]",
        "            init-1       [001] .....     2.000000: hit: n=5",
        "         my prog-7       [000] .....     3.000000: hit: n=1",
    ]
    assert run(capfd, "-q", path)[2] == ""


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (["--cpu", "0"], [0, 1]),
        (["--pid", "1"], [5]),
        (["--from", "1.5"], [5, 1]),
        (["--to", "2"], [0, 5]),
        (["--from", "2", "--to", "2.9"], [5]),
        (["--event", "test:*"], [0, 5, 1]),
        (["--filter", "n > 0"], [5, 1]),
        (["--filter", "n > 0", "--cpu", "0"], [1]),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_what_is_chosen(
    path: str, capfd: pytest.CaptureFixture[str], options: list[str], wanted: list[int]
) -> None:
    status, out, _ = run(capfd, "--json", path, *options)
    records = [json.loads(line) for line in out.splitlines()]
    assert status == 0 and [r["args"]["n"] for r in records if r["type"] == "event"] == wanted


def test_csv(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    head, *rows = run(capfd, "--csv", path)[1].splitlines()
    assert head.split(",")[-1] == "n" and [row.split(",")[-1] for row in rows] == ["0", "5", "1"]


def test_csv_is_safe_or_raw(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "a.dat")
    write_file(path, replace(MADE, cmdlines=b"7 =cmd()\n"), {0: [page([10**9])]})
    for option, wanted in (("--csv", "'=cmd()"), ("--csv-raw", "=cmd()")):
        status, out, _ = run(capfd, option, path)
        assert status == 0 and out.splitlines()[1].split(",")[4] == wanted
    assert run(capfd, "--csv-raw", "--json", path)[0] == 2
    pytest.importorskip("polars")
    for option, wanted in (("--csv", "'=cmd()"), ("--csv-raw", "=cmd()")):
        assert main(["sql", path, option, "select comm from events"]) == 0
        assert capfd.readouterr().out.splitlines() == ["comm", wanted]


def test_files_of_their_own(path: str, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for option in ("--chrome", "--perfetto"):
        out = tmp_path / "out"
        status, printed, _ = run(capfd, option, str(out), path)
        assert status == 0 and printed == "" and out.stat().st_size > 100


def test_one_form_at_a_time(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capfd, "--json", "--chrome", "x", path)
    assert status == 2 and "--chrome and --json together" in err


@pytest.mark.parametrize(
    "options", [["--from", "x"], ["--filter", "nope > 1"], ["--filter", "n >"], ["--cpu", "a"]]
)
def test_what_is_not_understood(path: str, capfd: pytest.CaptureFixture[str], options: list[str]) -> None:
    assert run(capfd, path, *options)[0] == 2


@pytest.mark.parametrize("name", ["nosuch", "nosuch:*", "probes/nosuch"])
def test_an_event_that_nothing_recorded_can_be(
    path: str, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """Not 0 events: that would be the answer where it was recorded, but never hit."""
    status, out, err = run(capfd, path, "--event", name)
    assert (status, out) == (4, "") and f"no event of the recording is called {name}" in err
    assert "hint: events: " in err and "events, none lost" not in err


def test_several_files(path: str, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    other = str(tmp_path / "b.dat")
    write_file(other, MADE, {0: [page([15 * 10**8])]})
    lines = run(capfd, path, other)[1].splitlines()
    assert [line.split(":")[0] for line in lines] == ["a", "a", "b", "a", "a"]
    assert lines[1] == "a: CPU:1 [LOST 3 EVENTS]"


def test_cut_off(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    os.truncate(path, Path(path).stat().st_size - 8)
    status, out, err = run(capfd, path)
    assert status == 7 and out == "" and "--recover" in err and "offset" in err
    status, out, err = run(capfd, "--recover", path)
    assert status == 7 and out.count(": hit: ") == 2 and "cut off" not in out and "CPU 1" in err


def test_never_ended(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = str(tmp_path / "a.dat")
    unfinished.begin(path, replace(MADE, cmdlines=b""), [0, 1])
    Path(unfinished.part_path(path, 1)).write_bytes(page([10**9]) + b"not a whole page")
    unfinished.save_names(path, b"7 seven\n")
    assert run(capfd, path)[0] == 7
    status, out, err = run(capfd, "--recover", path)
    assert status == 7 and "seven-7" in out and "was not ended" in err and "1 events" in err


def test_the_kernels_text_in_a_file(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    raw = Path(path).read_bytes()
    Path(path).write_bytes(raw[: raw.index(b"flyrecord\0")] + b"latency  \0" + b"# tracer: x\ntext\n")
    assert run(capfd, path)[:2] == (0, "# tracer: x\ntext\n")


def test_no_such_file(capfd: pytest.CaptureFixture[str]) -> None:
    assert run(capfd, "/no/such/file")[0] == 4


@pytest.mark.parametrize("form", ["--json", "--csv", None])
def test_several_processes_write_what_one_does(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str | None
) -> None:
    path = str(tmp_path / "a.dat")
    pages = [page([n * 100 + i for i in range(9)], 9 * n, lost=2 if n == 5 else None) for n in range(12)]
    write_file(path, MADE, {0: pages, 1: pages[::2], 2: []})
    options = [path] if form is None else [form, path]
    monkeypatch.setattr("ktrace.stream.time_ranges.BLOCK", 4096)
    alone = run(capfd, "--jobs", "1", *options)
    assert "162 events, 2 lost" in alone[2]
    asked = []

    def in_turn(parts: Any, work: Any, fd: int, workers: int) -> Any:
        asked.append(workers)
        return workers_in_turn(parts, work, fd, workers)

    monkeypatch.setattr("ktrace.stream.workers.in_turn", in_turn)
    for jobs in ("2", "3"):
        assert run(capfd, "--jobs", jobs, *options) == alone
    assert asked == [2, 3]


def test_damage_is_told_after_what_is_before_it(
    path: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(path, MADE, {0: [page([n * 100], n) for n in range(8)]})
    monkeypatch.setattr("ktrace.stream.time_ranges.BLOCK", 4096)
    real = TraceDat.windows

    def windows(self: TraceDat, *args: Any, **options: Any) -> Iterator[bytes]:
        for at, window in enumerate(real(self, *args, **options)):
            # The part that begins at 600: the page before it may reach into it, so it is read first.
            if b"\x05" + bytes(7) in window[28:44] and not at:
                raise Damaged("gone", source="a.dat", offset=5)
            yield window

    monkeypatch.setattr(TraceDat, "windows", windows)
    status, out, err = run(capfd, "--jobs", "2", path)
    assert status == 7 and "offset 5" in err
    assert [line.rpartition("=")[2] for line in out.splitlines()] == ["0", "1", "2", "3", "4", "5"]


def test_a_cpu_that_no_record_can_be_of(path: str, capfd: pytest.CaptureFixture[str]) -> None:
    message = "ktrace: no CPU 3,7 in the recording\n  hint: its CPUs: 0-2\n"
    assert run(capfd, path, "--cpu", "1-3,7") == (4, "", message)
