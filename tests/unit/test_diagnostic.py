import fcntl
import io
import os
import struct
import termios
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.diagnostic import Diagnostic, render, visible, width_of
from ktrace.errors import Refused
from tests.unit.unable import open_terminal

# Any character there is, lone surrogates included: `os.fsdecode` makes them of bytes that are not UTF-8.
ANY_TEXT = st.text(st.characters())
STEERING = "".join(map(chr, [*range(32), *range(127, 160)])) + "\u200e\u202a\u202e\u2066\u2069\ufeff"


@given(ANY_TEXT)
def test_nothing_that_steers_a_terminal_is_left(text):
    shown = visible(text)
    assert shown.isprintable()
    assert not [ch for ch in shown if unicodedata.category(ch).startswith("C")]
    shown.encode("utf-8")  # no surrogate is left that could not be written


@pytest.mark.parametrize("ch", STEERING)
def test_each_known_steering_character_is_written_out(ch):
    shown = visible(f"a{ch}b")
    assert shown.isascii() and shown.isprintable()
    assert shown.startswith("a\\") and shown.endswith("b")


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_what_is_harmless_stays_as_it_is(text):
    assert visible(text + " ") == text + " "


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "\\x1b[2J"),
        ("a\tb\r\n", "a\\tb\\r\\n"),
        ("\udce9", "\\xe9"),
        ("\udc80", "\\x80"),
        ("\udcff", "\\xff"),
        ("\ud800", "\\ud800"),
        ("\udd00", "\\udd00"),
        ("\x7f\x9b", "\\x7f\\x9b"),
        ("\u202e", "\\u202e"),
        ("\U000e0001", "\\U000e0001"),
        ("\u00a0\u2028", "\\xa0\\u2028"),
        ("café \\ €", "café \\ €"),
    ],
)
def test_escapes(text, shown):
    assert visible(text) == shown


def test_a_whole_diagnostic():
    line = "p:ktrace/vfs_read vfs_read a=%foo"
    assert render(Diagnostic("Invalid register name", line, 29, "registers here: ax bx")) == (
        "ktrace: Invalid register name\n"
        "  p:ktrace/vfs_read vfs_read a=%foo\n"
        "                               ^\n"
        "  hint: registers here: ax bx"
    )


def test_of_an_error():
    error = Refused("no", errno=22, hint="do", excerpt="line", caret=2)
    assert Diagnostic.of(error) == Diagnostic("no", "line", 2, "do")


def test_only_the_message():
    assert render(Diagnostic("no")) == "ktrace: no"
    assert render(Diagnostic("no", "line")) == "ktrace: no\n  line"
    assert render(Diagnostic("no", hint="")) == "ktrace: no"


def test_lines_of_message_and_hint_stand_below_each_other():
    assert render(Diagnostic("one\ntwo", hint="three\nfour")) == (
        "ktrace: one\n  two\n  hint: three\n        four"
    )


@given(ANY_TEXT, st.integers(0, 40))
def test_the_caret_stands_below_its_character_whatever_comes_before(excerpt, at):
    at = min(at, len(excerpt))
    _, shown, marker = render(Diagnostic("no", excerpt, at)).split("\n")
    column = marker.index("^")
    assert marker == " " * column + "^"
    assert shown[:column] == "  " + visible(excerpt[:at])
    assert shown[column:] == visible(excerpt[at:])


def test_a_caret_behind_the_end_marks_what_is_missing():
    assert render(Diagnostic("no", "a=", 2)).split("\n")[2] == "    ^"


def test_long_hints_are_wrapped_and_commands_to_copy_stay_whole():
    command = "--" + "x" * 90
    lines = render(Diagnostic("no", hint="word-word " * 12 + command)).split("\n")[1:]
    assert all(len(line) <= 79 for line in lines[:-1])
    assert lines[-1] == "        " + command
    assert "".join(lines).count("word-word") == 12


@given(st.text(st.characters()), st.text(st.characters(), max_size=200))
def test_any_message_and_hint_can_be_rendered(message, hint):
    for line in render(Diagnostic(message, hint=hint)).split("\n"):
        assert line.isprintable()


@pytest.mark.parametrize("hint", [" " * 100, "\n", " \n "])
def test_a_hint_of_blanks_is_harmless(hint):
    assert render(Diagnostic("no", hint=hint)).startswith("ktrace: no")


def test_words_are_wrapped_at_the_width():
    told = Diagnostic("one two three four\nfive six seven eight nine", hint="ktrace do this now, and more")
    assert render(told, 20).splitlines() == [
        "ktrace: one two",
        "  three four",
        "  five six seven",
        "  eight nine",
        "  hint: ktrace do",
        "        this now,",
        "        and more",
    ]
    assert render(told).splitlines()[0] == "ktrace: one two three four"


@given(ANY_TEXT, ANY_TEXT, st.integers(30, 200))
def test_no_word_is_lost_by_wrapping(message, hint, width):
    told = Diagnostic(message, hint=hint)
    assert "".join(render(told, width).split()) == "".join(render(told).split())


@pytest.mark.parametrize("caret", [0, 5, 40, 99, 100])
def test_the_caret_stays_below_its_character_in_a_long_line(caret):
    excerpt = "".join(chr(ord("0") + n % 70) for n in range(100))
    line, mark = render(Diagnostic("m", excerpt, caret), 40).splitlines()[1:]
    assert len(line) <= 40 and len(mark) <= 40
    if caret < 100:
        assert line[len(mark) - 1] == excerpt[caret]
    assert line.startswith("  ...") == (caret > 40 // 2) and line.endswith("...") == (caret < 80)


def test_an_excerpt_that_fits_is_whole():
    assert render(Diagnostic("m", "a b c", 2), 40).splitlines()[1:] == ["  a b c", "    ^"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_width_of_a_stream(monkeypatch):
    monkeypatch.setenv("COLUMNS", "123")
    assert width_of(io.StringIO()) is None and width_of(Terminal()) == 123
    monkeypatch.setenv("COLUMNS", "2")
    assert width_of(Terminal()) == 30
    monkeypatch.setenv("COLUMNS", "x")
    outer, inner = open_terminal()
    with os.fdopen(inner, "w") as terminal:
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 97, 0, 0))
        assert width_of(terminal) == 97
    os.close(outer)
