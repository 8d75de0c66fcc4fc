"""Put the user's terminal into raw mode for the guest's shell, and always restore it."""

import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# Ctrl-], pressed this many times in a row, ends a guest that no longer responds.
ESCAPE = 0x1D
ESCAPE_TIMES = 3


@contextmanager
def raw(fd: int) -> Iterator[None]:
    """Switch the terminal to raw mode: every key is a byte, without echo and without signals."""
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def size(fd: int) -> tuple[int, int]:
    """Return rows and columns; 24 and 80 if the terminal does not know them."""
    try:
        columns, rows = os.get_terminal_size(fd)
    except OSError:
        return 24, 80
    return rows or 24, columns or 80


@dataclass(slots=True)
class EscapeWatch:
    """Counts the escape key in what the user types."""

    seen: int = field(default=0)

    def feed(self, data: bytes) -> bool:
        """Count the key, and return whether the user has now asked to leave.

        Any other key resets the count.
        """
        for byte in data:
            self.seen = self.seen + 1 if byte == ESCAPE else 0
            if self.seen == ESCAPE_TIMES:
                return True
        return False
