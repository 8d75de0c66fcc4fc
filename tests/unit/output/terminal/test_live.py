"""Drawing over what was drawn before."""

import io

import pytest

from ktrace.output.terminal.live import Live, can_redraw


def test_it_goes_back_over_its_own_lines_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "6")
    out = io.StringIO()
    live = Live(out)
    assert live.room() == (10, 5)
    live.draw("one\ntwo\n")
    live.draw("x" * 30 + "\n" + "y\n" * 9)
    live.clear()
    live.clear()
    assert out.getvalue() == (
        "one\ntwo\n" "\x1b[2A\r\x1b[J" + "x" * 10 + "\ny\ny\ny\ny\n" "\x1b[5A\r\x1b[J"
    )  # fmt: skip


def test_a_window_that_became_narrower_wrapped_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "10")
    monkeypatch.setenv("LINES", "6")
    out = io.StringIO()
    live = Live(out)
    live.draw("x" * 10 + "\n\nyyy\n")
    monkeypatch.setenv("COLUMNS", "4")
    live.draw("z")
    assert out.getvalue().endswith("\x1b[5A\r\x1b[Jz\n")  # 3 rows, 1 and 1


def test_wide_characters_take_two_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "5")
    monkeypatch.setenv("LINES", "6")
    out = io.StringIO()
    live = Live(out)
    live.draw("\u8bfb" * 5)  # a task may call itself anything
    monkeypatch.setenv("COLUMNS", "3")
    live.clear()
    assert out.getvalue() == "\u8bfb" * 2 + "\n" + "\x1b[2A\r\x1b[J"


@pytest.mark.parametrize(
    ("is_terminal", "term", "expected"),
    [(True, "xterm", True), (True, "dumb", False), (True, None, False), (False, "xterm", False)],
)
def test_what_can_be_redrawn(
    monkeypatch: pytest.MonkeyPatch, is_terminal: bool, term: str | None, expected: bool
) -> None:
    monkeypatch.delenv("TERM", raising=False)
    if term:
        monkeypatch.setenv("TERM", term)
    out = io.StringIO()
    monkeypatch.setattr(out, "isatty", lambda: is_terminal)
    assert can_redraw(out) is expected
