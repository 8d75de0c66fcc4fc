"""Hand standard input to a script, by line or by character."""

import errno
import os
import selectors
import termios
import tty
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import field
from typing import Literal

from ktrace.records import dataclass

_PIECE = 1 << 14

Take = Callable[[str], None]
"""Takes a piece of the input, one character for each byte."""


@dataclass(slots=True)
class StandardInput:
    """Reads a descriptor whenever `ready` is called, and calls the takers.

    Args:
        takers: what takes the input, and in which unit.
        poller: gets the descriptor to wait for, with `ready` as its data; not for a regular file.
        fd: the descriptor.

    Attributes:
        unread: whether there may be more to read at once, as in a regular file.
    """

    takers: list[tuple[Literal["char", "line"], Take]]
    poller: selectors.BaseSelector
    fd: int = 0
    unread: bool = False
    _open: bool = True
    _rest: str = ""
    _before: list[object] | None = field(default=None)

    def __enter__(self) -> "StandardInput":
        if any(unit == "char" for unit, _ in self.takers) and os.isatty(self.fd):
            self._before = list(termios.tcgetattr(self.fd))
            tty.setcbreak(self.fd, termios.TCSANOW)
        try:
            self.poller.register(self.fd, selectors.EVENT_READ, self.ready)
        except OSError as error:
            if error.errno != errno.EPERM:
                raise
            self.unread = True
        return self

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            termios.tcsetattr(self.fd, termios.TCSANOW, self._before)  # type: ignore[arg-type]  # as it was
        with suppress(KeyError):
            self.poller.unregister(self.fd)

    def ready(self, _fd: int) -> None:
        """Read what is there. At the end of the input, the last line need not end."""
        if not self._open:
            return
        with suppress(BlockingIOError, InterruptedError):
            text = os.read(self.fd, _PIECE).decode("latin-1")
            if not text:
                self._open = self.unread = False
                with suppress(KeyError):
                    self.poller.unregister(self.fd)
            for piece in self._pieces(text):
                for unit, take in self.takers:
                    for one in piece if unit == "char" else (piece,):
                        take(one)

    def _pieces(self, text: str) -> Iterator[str]:
        """Yield complete lines, or the text as it is if no taker wants lines."""
        if all(unit == "char" for unit, _ in self.takers):
            yield text
            return
        *lines, self._rest = (self._rest + text).split("\n")
        yield from (f"{line}\n" for line in lines)
        if not text and self._rest:
            yield self._rest
