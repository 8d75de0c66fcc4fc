"""The terminal is left as it was."""

import os
import termios

import pytest

from ktrace.output.terminal.screen import Screen
from tests.unit.unable import open_terminal


def test_it_is_entered_drawn_on_and_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "3")
    outer, inner = open_terminal()
    before = termios.tcgetattr(inner)
    out = os.fdopen(os.dup(inner), "w")
    with pytest.raises(KeyError), Screen(out, inner, colour=True) as screen:
        assert not termios.tcgetattr(inner)[3] & termios.ICANON
        os.write(outer, b"s\x1b[Aq\r \x1b[6~\x1b[H\x1bOF\x7f\x1b[1;5C?")
        names = ["s", "up", "q", "enter", "space", "page down", "home", "end", "backspace", "\x1b[1;5C", "?"]
        assert screen.pressed() == names
        screen.draw(["one", "x" * 30, "three", "four"], marked=0)
        raise KeyError
    assert termios.tcgetattr(inner) == before
    out.close()
    text = ""
    while not text.endswith("\x1b[?1049l"):  # a terminal hands on what it got in pieces
        text += os.read(outer, 4096).decode()
    assert text.startswith("\x1b[?1049h\x1b[?25l") and text.endswith("\x1b[?25h\x1b[?1049l")
    assert "\x1b[7mone       \x1b[0m" in text and "x" * 10 in text and "x" * 11 not in text
    assert "three" in text and "four" not in text
    os.close(inner)
    os.close(outer)
