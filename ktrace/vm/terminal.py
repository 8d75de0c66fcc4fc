"""The user's terminal: raw while the guest's shell has it, and given back whatever happens."""

import os
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

# Ctrl-], pressed this often in a row, ends a guest that no longer listens.
ESCAPE = 0x1D
ESCAPE_TIMES = 3


@contextmanager
def raw(fd: int) -> Iterator[None]:
    """Every key reaches the reader as a byte; nothing is echoed, no key makes a signal."""
    before = termios.tcgetattr(fd)
    try:
        tty.setraw(fd)
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)


def size(fd: int) -> tuple[int, int]:
    """Rows and columns; 24 and 80 where the terminal does not know."""
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
        """Whether the user now asked to leave. Any other key starts the count anew."""
        for byte in data:
            self.seen = self.seen + 1 if byte == ESCAPE else 0
            if self.seen == ESCAPE_TIMES:
                return True
        return False
