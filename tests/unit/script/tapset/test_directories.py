"""Tapsets of the user, and stap's command line, as `ktrace run` takes them."""

import sys
from pathlib import Path

import pytest

from ktrace.cli.main import main
from ktrace.errors import NotFound
from ktrace.script.tapset.directories import read_directories


@pytest.fixture
def tapsets(tmp_path: Path) -> str:
    root = tmp_path / "tapset"
    (root / "linux").mkdir(parents=True)
    (root / "macros.stpm").write_text("@define answer(n) %( (@n * 2) %)\n")
    (root / "own.stp").write_text(
        "global calls\nfunction own_twice(n) { calls++; return @answer(n) }\n"
        'probe own.start = begin { greeting = "hello " . own_name() }\n'
    )
    (root / "linux/other.stp").write_text('function own_name() { return "you" }\n')
    (root / "guru.stp").write_text("function no() %{ return 1; %}\n")
    return str(root)


def ran(capfdbinary: pytest.CaptureFixture[bytes], *words: str) -> tuple[int, str, str]:
    status = main(["run", *words])
    sys.stdout.flush()
    out, err = capfdbinary.readouterr()
    return status, out.decode(), err.decode()


SCRIPT = 'probe own.start { printf("%s %d\\n", greeting, own_twice(21)); exit() }'


def test_files_macros_first(tapsets: str) -> None:
    names = [Path(one.name).name for one in read_directories([tapsets])]
    assert names == ["macros.stpm", "guru.stp", "other.stp", "own.stp"]
    with pytest.raises(NotFound, match="no such directory"):
        read_directories([tapsets + "/none"])


def test_what_a_script_uses_of_a_tapset(tapsets: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    status, out, err = ran(capfdbinary, "-I", tapsets, "-e", SCRIPT)
    assert (status, out) == (0, "hello you 42\n")
    assert "guru.stp is left out" in err and "embedded C" in err
    assert ran(capfdbinary, "-I", tapsets, "-w", "-e", SCRIPT) == (0, "hello you 42\n", "")


def test_a_warning_may_be_an_error(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    script = "probe begin { println(nothing); exit() }"
    assert ran(capfdbinary, "-e", script)[:2] == (0, "0\n")
    assert ran(capfdbinary, "-w", "-e", script) == (0, "0\n", "")
    status, out, err = ran(capfdbinary, "-W", "-e", script)
    assert (status, out) == (2, "") and "never-assigned" in err


def test_the_words_of_stap(tapsets: str, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    words = ("--as-stap", "-gkw", "-I", tapsets, "-DMAXERRORS=2", "--all-modules", "-e", SCRIPT)
    assert ran(capfdbinary, *words) == (0, "hello you 42\n", "")
    assert "Systemtap" in ran(capfdbinary, "--as-stap", "--version")[1]
    status, _, err = ran(capfdbinary, "--as-stap", "--skip-badvars", "-e", SCRIPT)
    assert status == 2 and "@defined" in err
    assert "must be the first word" in ran(capfdbinary, "-v", "--as-stap", "-e", SCRIPT)[2]
