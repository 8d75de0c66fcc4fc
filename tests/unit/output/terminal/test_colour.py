"""Colours only where a person sees them and has not declined them."""

from types import SimpleNamespace

import pytest

from ktrace.output.terminal.colour import choose, wants_colour


@pytest.mark.parametrize(
    ("terminal", "no_color", "term", "expected"),
    [
        (True, None, "xterm", True),
        (True, "", "xterm", True),  # without a value it says nothing
        (True, "1", "xterm", False),
        (True, None, "dumb", False),
        (False, None, "xterm", False),
    ],
)
def test_who_wants_colours(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, no_color: str | None, term: str, expected: bool
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert wants_colour(SimpleNamespace(isatty=lambda: terminal)) is expected


@pytest.mark.parametrize("when", ["always", "never"])
def test_what_the_user_chose_wins(when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    try:
        choose(when)
        assert wants_colour(SimpleNamespace(isatty=lambda: when == "never")) is (when == "always")
    finally:
        choose("auto")
