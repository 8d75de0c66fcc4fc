"""The output of the commands that count, while they count."""

import io
import sys

import pytest

from ktrace.cli.commands import top
from ktrace.cli.count_options import looker, on_cpus
from ktrace.cli.traced import be_verbose
from ktrace.errors import UsageError
from ktrace.model.tally import Tally


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_what_is_drawn_goes_to_the_standard_output_of_the_run(monkeypatch):
    """The writing of the run, which begins later, is the one that its end can interrupt."""
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    show, drawn = looker(lambda *_: "table", as_json=False, command=None), top._Stdout()
    before = sys.stdout
    monkeypatch.setattr(sys, "stdout", Terminal())
    show(Tally((), ()), 1.0)
    drawn.write("screen")
    drawn.flush()
    assert before.getvalue() == "" and sys.stdout.getvalue() == "1 s, Ctrl-C ends\ntable\nscreen"


def test_nothing_is_redrawn_over_the_output_of_a_command(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert looker(lambda *_: "", as_json=False, command="ls") is None
    assert looker(lambda *_: "", as_json=True, command=None) is None
    monkeypatch.setenv("TERM", "dumb")
    assert looker(lambda *_: "", as_json=False, command=None) is None


@pytest.mark.parametrize(
    ("cpus", "condition", "expected"),
    [
        (None, None, None),
        (None, "ret < 0", "ret < 0"),
        ("0", None, "CPU == 0"),
        ("0,2-4", None, "CPU == 0 || (CPU >= 2 && CPU <= 4)"),
        ("1-2,3", "ret < 0", "(CPU >= 1 && CPU <= 3) && (ret < 0)"),
        ("0,2", "a || b", "(CPU == 0 || CPU == 2) && (a || b)"),
    ],
)
def test_the_cpus_of_a_count(cpus, condition, expected):
    assert on_cpus(cpus, condition) == expected


def test_what_is_not_a_list_of_cpus():
    with pytest.raises(UsageError, match="not a list of CPUs"):
        on_cpus("a", None)


def test_nothing_is_redrawn_over_the_lines_of_verbose(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    assert looker(lambda *_: "", as_json=False, command=None) is not None
    be_verbose(1)
    try:
        assert looker(lambda *_: "", as_json=False, command=None) is None
    finally:
        be_verbose(0)
