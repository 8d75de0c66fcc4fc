"""Outputs of commands that need no kernel: nothing is overwritten by surprise, and nothing is left."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from ktrace.cli.main import main
from ktrace.tracedat import unfinished
from ktrace.tracedat.writer import write_file
from tests.unit.stream.test_recording import MADE, page

KTRACE = [sys.executable, "-m", "ktrace"]
EXPORTS = ["--perfetto", "--chrome", "--parquet"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_file(str(tmp_path / "a.dat"), MADE, {0: [page([10**9, 3 * 10**9])]})
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(params=EXPORTS)
def option(request: pytest.FixtureRequest) -> str:
    if request.param == "--parquet":
        pytest.importorskip("polars")
    return str(request.param)


def contents(folder: Path) -> dict[str, bytes | None]:
    return {p.name: p.read_bytes() if p.is_file() else None for p in folder.iterdir()}


def test_the_recording_itself_is_refused(folder: Path, option: str, capfd: pytest.CaptureFixture) -> None:
    (folder / "link").symlink_to("a.dat")
    (folder / "hard").hardlink_to("a.dat")
    write_file(str(folder / "b.dat"), MADE, {0: [page([10**9])]})
    before = contents(folder)
    for out in ("a.dat", "./a.dat", "link", "hard", "b.dat"):
        assert main(["report", "link", "b.dat", option, out]) == 2
        assert f"ktrace: {out} is" in capfd.readouterr().err
    assert contents(folder) == before


def test_a_part_of_an_unfinished_recording_is_an_input(folder: Path, option: str) -> None:
    os.close(unfinished.begin("b.dat", MADE, [0]))
    Path("b.dat.cpu0").write_bytes(page([10**9]))
    before = contents(folder)
    for out in ("b.dat.cpu0", "b.dat.new", "b.dat.cmdlines"):
        assert main(["report", "--recover", "b.dat", option, out]) == 2
    assert contents(folder) == before
    assert main(["report", "--recover", "b.dat", option, "out"]) == 7 and Path("out").stat().st_size


def test_devices_links_and_pipes_stay_what_they_are(
    folder: Path, option: str, capfd: pytest.CaptureFixture
) -> None:
    assert main(["report", "-q", "a.dat", option, "whole"]) == 0
    whole = Path("whole").read_bytes()
    Path("link").symlink_to("target")
    os.mkfifo("fifo")
    reader = os.open("fifo", os.O_RDONLY | os.O_NONBLOCK)
    try:
        for out in ("link", "fifo", "/dev/null", "-", "/dev/stdout"):
            assert main(["report", "-q", "a.dat", option, out]) == 0
        assert os.read(reader, 1 << 16) == whole
    finally:
        os.close(reader)
    assert Path("target").read_bytes() == whole and Path("link").is_symlink()
    assert stat.S_ISFIFO(Path("fifo").stat().st_mode)
    assert main(["report", "-q", "a.dat", option, "/dev/full"]) == 1
    assert capfd.readouterr().err == "ktrace: /dev/full: No space left on device\n"
    assert Path("/dev/full").is_char_device()
    Path("fifo").unlink()
    assert sorted(contents(folder)) == ["a.dat", "link", "target", "whole"]


@pytest.mark.parametrize("out", ["old", "fresh"])
def test_no_room(folder: Path, option: str, out: str) -> None:
    """At whichever byte: what was there stays, the file is named, and nothing is left."""
    Path("old").write_text("what was there before")
    before = contents(folder)
    program = (
        "import resource, sys; from ktrace.cli.main import main; "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2); sys.exit(main(sys.argv[2:]))"
    )
    for size in ("0", "20", "100"):
        words = [sys.executable, "-c", program, size, "report", "-q", "a.dat", option, out]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, f"ktrace: {out}: File too large\n")
        assert contents(folder) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_in_the_middle(folder: Path, option: str, number: int) -> None:
    """The output has been begun, and is not whole."""
    Path("old").write_text("what was there before")
    before = contents(folder)
    program = """
import os, signal, sys
from ktrace.cli import exports
from ktrace.cli.main import main
from ktrace.stream.recording import Recording
chunks = Recording.chunks
def slow(self, **how):
    for chunk in chunks(self, **how):
        yield chunk
        print("begun", flush=True)
        signal.pause()
Recording.chunks = slow
sys.exit(main(sys.argv[1:]))
"""
    words = [sys.executable, "-c", program, "report", "-q", "a.dat", option, "old"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "begun\n"
        assert contents(folder).keys() > before.keys()
        process.send_signal(number)
        assert process.wait(60) == 128 + number
    assert contents(folder) == before


@pytest.mark.parametrize("words", [["report"], ["report", "--json"], ["report", "--csv"]], ids=" ".join)
def test_standard_output_that_is_an_input(folder: Path, words: list[str]) -> None:
    """cat refuses the same."""
    before = contents(folder)
    with Path("a.dat").open("ab") as out:
        done = subprocess.run([*KTRACE, *words, "a.dat"], stdout=out, stderr=-1, text=True, check=False)
    assert done.returncode == 2 and "a.dat is both an input and standard output" in done.stderr
    assert contents(folder) == before
    with Path("a.dat").open("wb") as out:
        done = subprocess.run([*KTRACE, *words, "a.dat"], stdout=out, stderr=-1, text=True, check=False)
    assert done.returncode == 2 and "the shell has emptied it" in done.stderr


def test_the_same_of_the_other_commands_that_read(folder: Path) -> None:
    Path("t.txt").write_text("text\n")
    Path("s.stp").write_text('probe begin { println("x") exit() }\n')
    before = contents(folder)
    cases = [
        (["sql", "a.dat", "select 1"], "a.dat"),
        (["parse", "t.txt"], "t.txt"),
        (["run", "s.stp"], "s.stp"),
        (["run", "s.stp", "--input", "a.dat"], "a.dat"),
    ]
    for words, out in cases:
        with Path(out).open("ab") as file:
            done = subprocess.run([*KTRACE, *words], stdout=file, stderr=-1, text=True, check=False)
        assert done.returncode == 2 and f"{out} is both an input and standard output" in done.stderr
    with Path("t.txt").open("ab") as file, Path("t.txt").open("rb") as stdin:
        done = subprocess.run([*KTRACE, "parse"], stdin=stdin, stdout=file, stderr=-1, text=True, check=False)
    assert done.returncode == 2 and "standard input is both an input" in done.stderr
    for words in (["run", "s.stp", "-o", "s.stp"], ["run", "s.stp", "--input", "a.dat", "-o", "./a.dat"]):
        assert main(words) == 2
    assert contents(folder) == before


def test_a_recording_that_is_empty_says_so(folder: Path, capfd: pytest.CaptureFixture) -> None:
    Path("empty").write_bytes(b"")
    assert main(["report", "empty"]) == 7
    assert "empty: offset 0: not a trace.dat file: it is empty" in capfd.readouterr().err


def test_what_a_script_prints_goes_where_it_shall(folder: Path, capfd: pytest.CaptureFixture) -> None:
    script = ["run", "-e", 'probe begin { println("x") exit() }']
    Path("old").write_text("old")
    for out in ("old", "fresh"):
        assert main([*script, "-o", out]) == 0 and Path(out).read_text() == "x\n"
    assert main([*script, "-o", "-"]) == 0 and capfd.readouterr().out == "x\n"
    assert main([*script, "-o", "/dev/full"]) == 1
    assert main([*script, "-o", "no/out"]) == 1 and main([*script, "-o", ""]) == 1
    err = capfd.readouterr().err
    assert "/dev/full: No space left on device" in err
    assert "no/out cannot be written: No such file or directory" in err
    assert "ktrace: a file without a name cannot be written: No such file or directory" in err
    assert main(["run", "-e", "probe nonsense {}", "-o", "new"]) != 0 and not Path("new").exists()


def test_a_script_that_is_read_is_not_written(folder: Path) -> None:
    text = 'probe begin { println("x") exit() }\n'
    for name in ("s.stp", "<s"):
        Path(name).write_text(text)
        with Path(name).open() as stdin:
            piped = subprocess.run(
                [*KTRACE, "run", "-", "-o", name], stdin=stdin, capture_output=True, text=True, check=False
            )
        assert (piped.returncode, piped.stdout) == (2, "")
        assert f"{name} is standard input, which is also read" in piped.stderr
        assert main(["run", name, "-o", name]) == 2
        assert Path(name).read_text() == text
    Path("vmlinux").write_text("symbols")
    assert main(["run", "s.stp", "--vmlinux", "vmlinux", "-o", "vmlinux"]) == 2
    assert Path("vmlinux").read_text() == "symbols"
