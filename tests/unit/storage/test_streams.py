"""Standard streams that the caller has closed: what is lost is an error, and no file gets their bytes."""

import subprocess
import sys
from pathlib import Path

import pytest

from ktrace.tracedat.writer import write_file
from tests.unit.stream.test_recording import MADE, page

KTRACE = [sys.executable, "-m", "ktrace"]
TRACE = "            bash-1234  [001] ...1.   100.000001: vfs_read: (vfs_read+0x4/0x370) n=5\n"


def run(how: str, *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    shell = ["sh", "-c", f'exec "$@" {how}', "sh", *KTRACE, *words]
    return subprocess.run(shell, capture_output=True, text=True, cwd=cwd, check=False, timeout=120)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_file(str(tmp_path / "a.dat"), MADE, {0: [page([10**9, 3 * 10**9])]})
    (tmp_path / "trace.txt").write_text(TRACE)
    return tmp_path


PRINTING = [
    ["report", "-q", "a.dat"],
    ["report", "-q", "a.dat", "--json"],
    ["report", "-q", "a.dat", "--csv"],
    ["report", "-q", "a.dat", "--perfetto", "-"],
    ["sql", "a.dat", "select ts from events"],
    ["sql", "a.dat", "select ts from events", "--csv"],
    ["parse", "trace.txt"],
    ["run", "-e", 'probe begin { println("x") exit() }'],
    ["run", "-p1", "-e", "probe begin { exit() }"],
    ["version"],
    ["--help"],
    ["help", "report"],
    ["report", "--help"],
]
SILENT = [
    ["report", "-q", "a.dat", "--perfetto", "out"],
    ["report", "-q", "a.dat", "--cpu", "2"],
    ["run", "-e", "probe begin { exit() }"],
    ["run", "-o", "out", "-e", 'probe begin { println("x") exit() }'],
]


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_output_that_is_lost_is_a_failure(folder: Path, words: list[str]) -> None:
    if words[0] == "sql":
        pytest.importorskip("polars")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    done = run(">&-", *words, cwd=folder)
    assert (done.returncode, done.stderr) == (1, "ktrace: standard output: Bad file descriptor\n")
    full = run("> /dev/full", *words, cwd=folder)
    assert (full.returncode, full.stderr) == (1, "ktrace: standard output: No space left on device\n")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("words", SILENT, ids=" ".join)
def test_what_prints_nothing_loses_nothing(folder: Path, words: list[str]) -> None:
    for how in (">&-", "<&-", "2>&-", "<&- >&- 2>&-"):
        done = run(how, *words, cwd=folder)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (folder / "a.dat").read_bytes()[:3] == b"\x17\x08\x44"


def test_messages_that_are_lost_change_no_exit_status(folder: Path) -> None:
    for how in ("2>&-", "<&- >&- 2>&-"):
        assert run(how, "report", "missing.dat", cwd=folder).returncode == 4
    done = run("2>&-", "report", "a.dat", cwd=folder)
    assert done.returncode == 0 and done.stdout and not done.stderr


def test_input_that_is_missing_is_a_failure(folder: Path) -> None:
    for words in (["parse"], ["run", "-"]):
        done = run("<&-", *words, cwd=folder)
        assert (done.returncode, done.stdout) == (1, "")
        assert "ktrace: standard input: Bad file descriptor" in done.stderr


def test_a_command_that_is_started_cannot_print_either(folder: Path) -> None:
    """Nor does a file that it opens become its standard output."""
    script = "probe begin { } probe timer.s(60) { }"
    child = "sh -c 'exec 3> made; echo lost; test $? != 0 && exit 9'"
    done = run(">&-", "run", "-e", script, "-c", child, cwd=folder)
    assert done.returncode == 9 and (folder / "made").read_bytes() == b""
