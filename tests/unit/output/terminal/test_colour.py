"""Colours only where a person sees them and has not declined them."""

import re
import sys
from types import SimpleNamespace

import pytest

from ktrace.doctor import screen as doctor
from ktrace.output.terminal.colour import choose, paint, painted, wants_colour
from ktrace.output.views import histogram
from ktrace.output.views import list as listing


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


GREEN, RED = "\x1b[32m", "\x1b[1;31m"


def bare(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize(
    ("rules", "text", "wanted"),
    [
        (doctor.COLOURS, "ok kernel     6.12", [f"{GREEN}ok\x1b[0m kernel"]),
        (doctor.COLOURS, "!! CONFIG_X: n\n   -> do it", [f"{RED}!!\x1b[0m", "   \x1b[36m->\x1b[0m do it"]),
        (doctor.COLOURS, "kprobes cannot be used here: ok", [f"{RED}kprobes cannot be used here\x1b[0m: ok"]),
        (listing.COLOURS, "mine/ok  on     12       3  p:x", [f"{GREEN}on\x1b[0m", "\x1b[33m3\x1b[0m  p:x"]),
        (listing.COLOURS, "mine/ok  off    12       0  on", ["\x1b[2moff\x1b[0m    12       0  on"]),
        (histogram.COLOURS, "  1 - 2  5  |████▌   |", ["|\x1b[36m████▌\x1b[0m   |"]),
        (histogram.COLOURS, "  1 - 2  5  |####    |", ["|\x1b[36m####\x1b[0m    |"]),
    ],
)
def test_finished_text_is_painted_and_stays_the_same_without(rules, text, wanted) -> None:
    shown = paint(text, rules)
    assert [part for part in wanted if part not in shown] == [] and bare(shown) == text


def test_nothing_is_painted_where_no_colours_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    assert painted("ok x", doctor.COLOURS, sys.stdout) == "ok x"
    choose("always")
    try:
        assert painted("ok x", doctor.COLOURS, sys.stdout) == f"{GREEN}ok\x1b[0m x"
    finally:
        choose("auto")
