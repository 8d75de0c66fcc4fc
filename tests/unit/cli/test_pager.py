"""Long output goes to a pager, as git's does, and only where a person reads it."""

import os
import struct
import subprocess
import sys
import termios
from fcntl import ioctl
from pathlib import Path

import pytest

from ktrace.cli.pager import wanted_pager
from tests.unit.unable import open_terminal

ROOT = Path(__file__).parents[3]


def on_terminal(
    *argv: str, columns: int = 80, rows: int = 24, typed: bytes = b"", **env: str
) -> tuple[str, int]:
    """Run ktrace on a terminal of that size, and return what it shows and its exit status."""
    outer, inner = open_terminal()
    ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm", "LANG": "C.UTF-8", **env}
    command = [sys.executable, "-m", "ktrace", *argv]
    done = subprocess.Popen(
        command, stdin=inner, stdout=inner, stderr=inner, env=environment, cwd=ROOT, start_new_session=True
    )
    os.close(inner)
    os.write(outer, typed)
    shown = b""
    try:
        while data := os.read(outer, 65536):
            shown += data
    except OSError:
        pass  # no process has the terminal any more
    os.close(outer)
    return shown.decode().replace("\r\n", "\n"), done.wait()


@pytest.mark.parametrize(
    ("environment", "pager"),
    [
        ({}, ""),
        ({"TERM": "dumb", "PAGER": "more"}, ""),
        ({"TERM": "xterm", "PAGER": "more"}, "more"),
        ({"TERM": "xterm", "PAGER": "more", "KTRACE_PAGER": "less -S"}, "less -S"),
        ({"TERM": "xterm", "PAGER": "more", "KTRACE_PAGER": ""}, ""),
        ({"TERM": "xterm", "PAGER": "cat"}, ""),
    ],
)
def test_the_users_choice(environment, pager):
    assert wanted_pager(environment) == pager


def test_the_output_goes_to_the_pager_with_colours_and_the_width_of_the_terminal():
    shown, status = on_terminal("doctor", columns=100, PAGER="sed 's/^/P:/'; echo $COLUMNS-$LESS")
    lines = shown.splitlines()
    assert lines[-1] == "100-FRX" and status in (0, 5)
    assert all(line.startswith("P:") for line in lines[:-1]) and "P:\x1b[" in lines[0]


def test_the_pagers_own_variables_are_kept():
    shown, _ = on_terminal("version", "--help", PAGER="cat; echo $LESS", LESS="-S")
    assert shown.endswith("-S\n")


def test_messages_go_to_the_pager_once_it_runs_and_errors_before_any_output_do_not():
    shown, status = on_terminal("funcs", "/(/", PAGER="sed 's/^/P:/'")
    assert status == 2 and "P:" not in shown and "ktrace:" in shown


@pytest.mark.parametrize(
    ("argv", "env"),
    [
        (["--no-pager", "version", "--help"], {"PAGER": "sed 's/^/P:/'"}),
        (["version"], {"PAGER": "sed 's/^/P:/'"}),
        (["version", "--help"], {"PAGER": "sed 's/^/P:/'", "TERM": "dumb"}),
    ],
)
def test_no_pager(argv, env):
    shown, status = on_terminal(*argv, **env)
    assert status == 0 and "P:" not in shown and "ktrace" in shown


def test_a_pager_that_is_not_there():
    shown, status = on_terminal("version", "--help", PAGER="no-such-pager -x")
    assert status == 0 and "the pager 'no-such-pager -x' is not there" in shown
    assert "Usage: ktrace version" in shown


def test_a_pager_that_the_user_leaves_early():
    shown, status = on_terminal("run", "--help", PAGER="head -1")
    assert shown == "Usage: ktrace run [OPTIONS] [SCRIPT] [ARG]...\n" and status in (0, 141)


def test_output_that_is_not_for_a_terminal_is_not_paged():
    done = subprocess.run(
        [sys.executable, "-m", "ktrace", "version", "--help"],
        env={"PATH": os.environ["PATH"], "PAGER": "sed s/^/P:/", "TERM": "xterm"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Usage: ")
