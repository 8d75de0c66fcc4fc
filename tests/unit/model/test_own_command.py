"""Advice can be pasted, wherever ktrace is installed."""

import sys

import pytest

from ktrace.model.own_command import as_root


@pytest.mark.parametrize(
    ("started", "command"),
    [
        ("/usr/bin/ktrace", "sudo ktrace ..."),
        ("/usr/local/bin/ktrace", "sudo ktrace ..."),
        ("ktrace", "sudo ktrace ..."),
        ("/home/u/.venv/bin/ktrace", "sudo /home/u/.venv/bin/ktrace ..."),
        ("/home/u/.local/bin/ktrace", "sudo /home/u/.local/bin/ktrace ..."),
        ("/src/ktrace/__main__.py", f"sudo {sys.executable} -m ktrace ..."),
        ("/home/u/mine.py", "sudo ktrace ..."),
        ("", "sudo ktrace ..."),
    ],
)
def test_how_it_is_run_as_root(started: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [started, "trace"])
    assert as_root() == command
    monkeypatch.setattr(sys, "argv", [])
    assert as_root("doctor") == "sudo ktrace doctor"
