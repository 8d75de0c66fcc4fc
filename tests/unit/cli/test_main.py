import itertools
import os
import subprocess
import sys
import types

import pytest

from ktrace import __version__
from ktrace.cli import main as main_module
from ktrace.cli.main import main
from ktrace.cli.registry import COMMANDS, Command
from ktrace.errors import Interrupted, KtraceError, NotFound, Refused


@pytest.mark.parametrize("argv", [["--help"], ["-h"], ["help"]])
def test_help_names_every_command(argv, capsys):
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert out.startswith("Usage: ktrace [-q] [-v] [--color auto|always|never] [--no-pager] COMMAND")
    for command in COMMANDS:
        assert f"  {command.name} " in out and command.summary in out


def test_groups_are_named_once_and_stay_together():
    groups = [command.group for command in COMMANDS]
    assert len(list(itertools.groupby(groups))) == len(set(groups))


def test_without_words_the_same_on_stderr(capsys):
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("Usage:")


@pytest.mark.parametrize("argv", [["-V"], ["--version"], ["version"]])
def test_version(argv, capsys):
    assert main(argv) == 0
    assert capsys.readouterr().out.startswith(f"ktrace {__version__} ")


@pytest.mark.parametrize("argv", [["version", "--help"], ["version", "-h"], ["help", "version"]])
def test_help_of_a_command(argv, capsys):
    assert main(argv) == 0
    assert "Usage: ktrace version" in capsys.readouterr().out


def test_an_unknown_command(capsys):
    assert main(["trcae"]) == 2
    assert (
        capsys.readouterr().err
        == "ktrace: there is no command 'trcae'\n  hint: did you mean `ktrace trace`?\n"
    )
    assert main(["hlep"]) == 2
    assert "did you mean `ktrace help`?" in capsys.readouterr().err
    assert main(["\x1b[2J"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_an_unknown_option(capsys):
    assert main(["version", "--no-such"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("ktrace: ") and "--no-such" in err
    assert err.endswith("hint: ktrace version --help\n")


@pytest.fixture
def command(monkeypatch):
    """Puts a function in the place of a command, and runs ktrace with these words."""

    def run(function, *words):
        module = types.ModuleType("ktrace.cli.commands.fake")
        module.fake = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setattr(main_module, "find", lambda name: Command("test", "fake", "x"))
        return main(["fake", *words])

    return run


def raising(error):
    def function() -> int:
        """Fail."""
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (KtraceError("no"), 1, "ktrace: no\n"),
        (NotFound("no", hint="look"), 4, "ktrace: no\n  hint: look\n"),
        (Refused("no", errno=22), 3, "ktrace: no\n"),
        (Interrupted(15), 143, ""),
        (Interrupted(2), 130, ""),
        (KeyboardInterrupt(), 130, None),
        (OSError(28, "No space left on device", "/x"), 1, "ktrace: /x: No space left on device\n"),
        (OSError(5, "Input/output error"), 1, "ktrace: Input/output error\n"),
    ],
)
def test_exit_codes(command, capsys, error, status, message):
    assert command(raising(error)) == status
    err = capsys.readouterr().err
    assert message is None or err == message


@pytest.mark.parametrize("status", [0, 3, 137])
def test_the_commands_own_status(command, status):
    def function() -> int:
        """End."""
        return status

    assert command(function) == status


def test_a_bug_is_not_hidden(command):
    with pytest.raises(ZeroDivisionError):
        command(raising(ZeroDivisionError()))


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        (["-8(%sp)"], ["=-8(%sp)"]),
        (["-u8(%si)"], ["=-u8(%si)"]),
        (["-0x10(%sp):u32"], ["=-0x10(%sp):u32"]),
        (["+8(%sp)", "x=-8(%sp)"], ["+8(%sp)", "x=-8(%sp)"]),
    ],
)
def test_an_argument_that_begins_with_a_minus_is_no_option(command, words, seen):
    taken = []

    def function(args: list[str]) -> int:
        """Take."""
        taken.extend(args)
        return 0

    assert command(function, *words) == 0
    assert taken == seen


def test_a_reader_that_has_gone(tmp_path):
    """Run in a separate process, because standard output is closed for good."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "ktrace", "--help"],
        stdout=writer,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": ""},  # what is still buffered must not fail at exit
        check=False,
        timeout=20,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (128 + 13, b"")


def test_a_command_whose_reader_has_gone(command, monkeypatch):
    silenced = []
    monkeypatch.setattr(main_module, "_silence_stdout", lambda: silenced.append(1))
    assert command(raising(BrokenPipeError())) == 128 + 13
    assert silenced == [1]


@pytest.mark.parametrize(
    ("words", "status"), [(["nothing"], 2), (["report"], 2), (["report", "none.dat"], 4)]
)
def test_an_error_that_cannot_be_told_has_its_exit_status_all_the_same(tmp_path, words, status):
    argv = [sys.executable, "-m", "ktrace", *words]
    read_end, write_end = os.pipe()
    os.close(read_end)
    with open("/dev/full", "wb") as full, os.fdopen(write_end, "wb") as broken:  # noqa: PTH123 -- short
        for err in (full, broken):
            assert subprocess.run(argv, stderr=err, cwd=tmp_path, check=False).returncode == status


def test_a_command_after_two_dashes():
    last = main_module._command_last
    assert last(["vfs_read", "--", "ls", "-l", "a b"]) == ["vfs_read", "-c", "ls -l 'a b'"]
    assert last(["vfs_read", "-c", "ls"]) == ["vfs_read", "-c", "ls"]


@pytest.mark.parametrize("words", [["vfs_read", "--"], ["vfs_read", "-c", "ls", "--", "ls"]])
def test_no_command_or_two(words, capsys):
    assert main(["trace", *words]) == 2
    assert "--" in capsys.readouterr().err
