"""Plain lines of `ktrace run`, read with and without typer."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.cli import main as cli
from ktrace.cli.config import Config
from ktrace.cli.global_options import GlobalOptions
from ktrace.cli.registry import find
from ktrace.cli.script_words import plain_run
from ktrace.errors import NotFound
from ktrace.script.driver import run as scripting

PLAIN = [
    ["-e", "probe begin {}"],
    ["-e", "probe begin {}", "a", "b c"],
    ["a", "-e", "probe begin {}", "b"],
    ["SCRIPT"],
    ["SCRIPT", "a", "-v", "b", "-T", "1.5", "--no-cache"],
    ["-c", "ls -l", "SCRIPT", "5"],
    ["--command", "ls", "-T", "10", "-e", "x", "--verbose"],
    ["-T", "0", "SCRIPT"],
    ["-d", "2", "SCRIPT"],
    ["--duration", "2", "SCRIPT"],
]
OTHERS = [
    [],
    ["-v"],
    ["--help"],
    ["-"],
    ["SCRIPT", "-"],
    ["SCRIPT", "--", "-5"],
    ["SCRIPT", ""],
    ["-e", ""],
    ["-e"],
    ["-e", "-v"],
    ["-T", "1e3", "SCRIPT"],
    ["-T", "-1", "SCRIPT"],
    ["-T", "nan", "SCRIPT"],
    ["-T", "9999999", "SCRIPT"],
    ["-T1", "SCRIPT"],
    ["--command=ls", "SCRIPT"],
    ["-v", "-v", "SCRIPT"],
    ["-e", "a", "-e", "b"],
    ["--verb", "SCRIPT"],
    ["-x", "1", "SCRIPT"],
    ["-vT", "1", "SCRIPT"],
    ["-d", "1", "-T", "2", "SCRIPT"],
    ["--plan", "SCRIPT"],
    ["--as-stap", "SCRIPT"],
]


class Called(Exception):
    """Raised in place of a run."""


def by_typer(words: Sequence[str]) -> tuple[Any, Any]:
    """Return what typer makes of a line."""
    found = []

    def run(source: object, options: object) -> int:
        found.append((source, options))
        return 0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scripting, "run", run)
        command = find("run")
        assert command is not None
        assert cli._run(command, list(words), Config(), GlobalOptions()) == 0
    return found[0]


def values(made: tuple[Any, Any] | None) -> list[object]:
    """Return all that can be told of a script and its options."""
    assert made is not None
    source, options = made
    facts = options.facts
    told = [getattr(options, one.name) for one in fields(options) if one.name not in ("facts", "host")]
    return [source.name, source.text, facts.kernel_vr, facts.arch, list(facts.arguments), options.host, *told]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("scripts") / "t.stp"
    path.write_text("probe end {}\n")
    return str(path)


def line(words: Sequence[str], script: str) -> list[str]:
    return [script if word == "SCRIPT" else word for word in words]


@pytest.mark.parametrize("words", PLAIN)
def test_a_plain_line_is_read_as_typer_reads_it(words: list[str], script: str) -> None:
    assert values(plain_run(line(words, script))) == values(by_typer(line(words, script)))


@pytest.mark.parametrize("words", OTHERS)
def test_every_other_line_is_left_to_typer(words: list[str], script: str) -> None:
    assert plain_run(line(words, script)) is None


WORDS = [
    "SCRIPT",
    "-e",
    "-c",
    "-T",
    "-v",
    "--no-cache",
    "--command",
    "--verbose",
    "--",
    "-",
    "a",
    "1",
    "2.5",
    "",
]


@given(st.lists(st.sampled_from(WORDS), max_size=6))
def test_no_line_is_read_in_two_ways(script: str, words: list[str]) -> None:
    try:
        plain = plain_run(line(words, script))
    except NotFound:
        return  # typer would take the same word for the script
    if plain is not None:
        assert values(plain) == values(by_typer(line(words, script)))


def test_a_script_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.stp"):
        plain_run([str(tmp_path / "none.stp")])


def test_the_line_runs(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["run", "--no-cache", "-e", "probe begin { println($1) exit() }", "7"]) == 0
    assert capfd.readouterr().out == "7\n"
