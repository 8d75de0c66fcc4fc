import io
import sys

import pytest

from ktrace.cli.progress import Progress


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch) -> Screen:
    screen = Screen()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    return screen


def test_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    now = 0.0
    progress = Progress(lambda: now)
    progress.read(0.01, 20 << 30)
    assert screen.getvalue() == ""  # not in the first second
    now = 1.5
    progress.read(0.25, 20 << 30)
    progress.read(0.26, 20 << 30)  # not that often
    assert screen.getvalue() == "\rktrace: 5.0 GiB of 20.0 GiB read, 25%, 3413 MiB/s, 4 s left\x1b[K"
    now = 2.5
    progress.opening(300 << 20)
    assert screen.getvalue().endswith("\rktrace: 300 MiB read so far, 120 MiB/s\x1b[K")
    progress.clear()
    progress.clear()
    assert screen.getvalue().endswith("MiB/s\x1b[K\r\x1b[K")


@pytest.mark.parametrize(
    ("done", "left"), [(0.5, "10 s left"), (0.01, "16 min left"), (0.001, "3 h left"), (0.0, "0 MiB/s")]
)
def test_the_time_that_is_left(done: float, left: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    now = 0.0
    progress = Progress(lambda: now)
    now = 10.0
    progress.read(done, 20 << 30)
    assert screen.getvalue().endswith(f"{left}\x1b[K") and len(screen.getvalue()) < 80


def test_a_download(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    now = 0.0
    progress = Progress(lambda: now)
    now = 10.0
    progress.downloaded(100 << 20, 400 << 20)
    assert screen.getvalue() == "\rktrace: 100 MiB of 400 MiB read, 25%, 10 MiB/s, 30 s left\x1b[K"
    now = 20.0
    progress.downloaded(300 << 20, 0)
    assert screen.getvalue().endswith("\rktrace: 300 MiB read so far, 15 MiB/s\x1b[K")


def test_a_download_that_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    now = 0.0
    progress = Progress(lambda: now)
    progress.downloaded(0, 0)
    now = 2.0
    progress.downloaded(0, 0)
    assert screen.getvalue() == "\rktrace: looking for it\x1b[K"


def test_until_the_first_line_it_is_shown_on_the_same_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    monkeypatch.setattr(sys, "stdout", screen)
    now = 0.0
    progress = Progress(lambda: now, before_output=True)
    now = 5.0
    progress.read(0.5, 1 << 30)
    lines = progress.until_output(iter(["first", "second"]))
    assert next(lines) == "first"
    shown = screen.getvalue()
    assert "50%" in shown and shown.endswith("\r\x1b[K")
    now = 10.0
    progress.read(0.75, 1 << 30)
    assert screen.getvalue() == shown and list(lines) == ["second"]


@pytest.mark.parametrize("stream", ["stderr", "stdout"])
def test_nothing_is_shown_in_a_file_or_between_lines(stream: str, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = watched(monkeypatch)
    monkeypatch.setattr(sys, stream, io.StringIO() if stream == "stderr" else Screen())
    now = 0.0
    progress = Progress(lambda: now)
    now = 100.0
    progress.read(0.5, 1 << 30)
    progress.clear()
    assert screen.getvalue() == ""
