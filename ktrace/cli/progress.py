"""Show on a terminal how much of a large input has been read, if that takes more than a moment."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

_FIRST_S, _NEXT_S = 1.0, 0.5


class Progress:
    """A line on standard error that is written again and again.

    Nothing is shown if that is not a terminal, or if standard output is one: the lines there show it.

    Args:
        clock: seconds that only increase.
        before_output: show it also if standard output is a terminal, where nothing appears for long.

    Attributes:
        is_on: whether anything may be shown.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, before_output: bool = False) -> None:
        self._clock = clock
        self._began = clock()
        self._next = self._began + _FIRST_S
        self._is_shown = False
        self.is_on = sys.stderr.isatty() and (before_output or not sys.stdout.isatty())

    def opening(self, size: int) -> None:
        """Show how many bytes have been unpacked, or read of a text, before the first record."""
        if self._is_due():
            self._show(f"{_size(size)} read so far, {self._rate(size)}")

    def read(self, done: float, total: int) -> None:
        """Show how much has been read: `done` is a fraction of `total`, a size in bytes."""
        if self._is_due():
            size = int(done * total)
            text = f"{_size(size)} of {_size(total)} read, {done:.0%}, {self._rate(size)}"
            if done > 0:
                text += f", {_time((self._clock() - self._began) * (1 - done) / done)} left"
            self._show(text)

    def downloaded(self, done: int, size: int) -> None:
        """Show how much of a file has come; `size` is 0 if it is not known."""
        if size:
            self.read(min(done / size, 1), size)
        elif done:
            self.opening(done)
        elif self._is_due():
            self._show("looking for it")

    def until_output(self, items: Iterator[T]) -> Iterator[T]:
        """Yield the items; from the first one on, nothing is shown if standard output is a terminal."""
        for item in items:
            self.clear()
            self.is_on = self.is_on and not sys.stdout.isatty()
            yield item

    def clear(self) -> None:
        """Remove the line."""
        if self._is_shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_shown = False

    def _rate(self, size: int) -> str:
        return f"{size / max(self._clock() - self._began, 1e-3) / (1 << 20):.0f} MiB/s"

    def _is_due(self) -> bool:
        if not self.is_on or (now := self._clock()) < self._next:
            return False
        self._next = now + _NEXT_S
        return True

    def _show(self, text: str) -> None:
        sys.stderr.write(f"\rktrace: {text}\x1b[K")
        sys.stderr.flush()
        self._is_shown = True


@contextmanager
def showing_progress(*, before_output: bool = False) -> Iterator[Progress]:
    """Give a progress line, which is removed at the end."""
    progress = Progress(before_output=before_output)
    try:
        yield progress
    finally:
        progress.clear()


def _size(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB" if size >= 1 << 30 else f"{size >> 20} MiB"


def _time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.0f} h"
