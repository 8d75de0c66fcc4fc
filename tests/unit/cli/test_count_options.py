"""The output of the commands that count, while they count."""

import io
import sys

from ktrace.cli.commands import top
from ktrace.cli.count_options import looker
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
