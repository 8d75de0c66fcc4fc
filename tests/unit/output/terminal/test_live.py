"""Drawing over what was drawn before."""

import io

import pytest

from ktrace.output.terminal.live import Live


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
