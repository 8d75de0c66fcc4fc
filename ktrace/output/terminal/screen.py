"""The whole terminal: entered, drawn on, and left as it was."""

import os
import select
import shutil
import termios
import tty
from types import TracebackType
from typing import TextIO

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_CLEAR_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"

_NAMES = {"\x1b[A": "up", "\x1b[B": "down", "\x1b": "escape", "\r": "enter", "\n": "enter", " ": "space"}


class Screen:
    """Takes the terminal over while it is entered: another page, no cursor, keys without Enter.

    Ctrl-C stays what it is. What was there before is there again afterwards, whatever happened.

    Args:
        keys: the terminal's input, a file descriptor.
        colour: whether lines may be marked with more than characters.
    """

    def __init__(self, out: TextIO, keys: int, *, colour: bool) -> None:
        self._out = out
        self.keys = keys
        self._colour = colour
        self._before: list[object] | None = None

    def __enter__(self) -> "Screen":
        self._before = termios.tcgetattr(self.keys)
        tty.setcbreak(self.keys, termios.TCSANOW)
        self._write(_ENTER)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._write(_LEAVE)
        assert self._before is not None
        termios.tcsetattr(self.keys, termios.TCSANOW, self._before)  # type: ignore[arg-type]  # as it was given

    @staticmethod
    def size() -> tuple[int, int]:
        """Columns and lines."""
        size = shutil.get_terminal_size()
        return size.columns, size.lines

    def draw(self, lines: list[str], *, marked: int | None = None) -> None:
        """Show these lines; what was there is overwritten, so that nothing flickers.

        Args:
            marked: the number of a line that stands out.
        """
        columns, rows = self.size()
        shown = []
        for number, line in enumerate(lines[:rows]):
            text = line[:columns]
            if number == marked and self._colour:
                text = f"\x1b[7m{text.ljust(columns)}\x1b[0m"
            shown.append(text + _CLEAR_LINE)
        self._write(_HOME + "\r\n".join(shown) + _CLEAR_BELOW)

    def pressed(self) -> list[str]:
        """The keys that were pressed since: single characters, and the names of some others."""
        found: list[str] = []
        while select.select([self.keys], [], [], 0)[0]:
            data = os.read(self.keys, 64).decode("utf-8", "replace")
            if not data:
                return [*found, "q"]  # the terminal has gone
            found += _split(data)
        return found

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _split(data: str) -> list[str]:
    keys = []
    at = 0
    while at < len(data):
        size = 3 if data.startswith("\x1b[", at) else 1
        key = data[at : at + size]
        keys.append(_NAMES.get(key, key))
        at += size
    return keys
