"""`ktrace run`: its words, options and arguments in whatever order."""

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from ktrace.cli.main import main
from ktrace.script.passes.pass_list import PASSES

SCRIPT = 'probe begin { printf("%d %s\\n", $#, @1) exit() }\n'


@pytest.fixture
def script(tmp_path: Path) -> str:
    path = tmp_path / "words.stp"
    path.write_text(SCRIPT)
    return str(path)


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["SCRIPT", "a"], "1 a\n"),
        (["SCRIPT", "a", "-T", "9"], "1 a\n"),
        (["SCRIPT", "-T", "9", "a", "-v", "b"], "2 a\n"),
        (["-T", "9", "SCRIPT", "a", "-"], "2 a\n"),
        (["SCRIPT", "--", "-5"], "1 -5\n"),
        (["--", "SCRIPT", "-v", "-T"], "2 -v\n"),
        (["SCRIPT", "a", "--", "-c", "ls"], "3 a\n"),
        (["a", "-e", SCRIPT, "b"], "2 a\n"),
    ],
)
def test_options_stand_anywhere_up_to_two_dashes(
    words: list[str], printed: str, script: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["run", *(script if word == "SCRIPT" else word for word in words)]) == 0
    sys.stdout.flush()
    assert capfdbinary.readouterr().out.decode() == printed


@pytest.mark.parametrize("words", [["SCRIPT", "-5"], ["SCRIPT", "a", "--there-is-no-such-option"]])
def test_an_option_that_there_is_not_is_no_argument(
    words: list[str], script: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", *(script if word == "SCRIPT" else word for word in words)]) == 2
    assert "is not an option of `ktrace run`" in capfd.readouterr().err


def test_a_script_names_what_runs_it(tmp_path: Path) -> None:
    path = tmp_path / "own.stp"
    path.write_text(f"#!/usr/bin/env -S {shlex.quote(sys.executable)} -m ktrace run\n{SCRIPT}")
    path.chmod(0o755)
    done = subprocess.run([path, "x", "y"], capture_output=True, text=True, check=True)
    assert done.stdout == "2 x\n"


def test_the_passes_are_listed_without_a_script(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--passes"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[2:4] == [
        " 1 parse                 Read the script's files into one syntax tree.",
        "                         sources facts -> script arguments",
    ]
    assert [line.split()[1] for line in lines[2::2]] == [one.name for one in PASSES]


@pytest.mark.parametrize(
    "more", [["SCRIPT"], ["-e", SCRIPT], ["-p1"], ["--plan"], ["-l", "begin"], ["-L", "begin"], ["-T", "1"]]
)
def test_a_list_of_passes_does_nothing_else(
    more: list[str], script: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", "--passes", *(script if word == "SCRIPT" else word for word in more)]) == 2
    assert "--passes and" in capfd.readouterr().err
