"""Take over the whole terminal, draw on it, and restore it."""

import os
import re
import select
import shutil
import termios
import tty
from types import TracebackType
from typing import TextIO

from ktrace.output.terminal.cells import cells, cut

_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_CLEAR_LINE = "\x1b[K"
_CLEAR_BELOW = "\x1b[J"

_KEY = re.compile(r"\x1b(?:\[[0-9;]*[A-Za-z~]|O[A-Za-z])?|.", re.DOTALL)
_NAMES = {
    **{
        f"\x1b{begin}{letter}": name
        for begin in "[O"
        for letter, name in zip("ABHF", ("up", "down", "home", "end"), strict=True)
    },
    **{"\x1b[1~": "home", "\x1b[4~": "end", "\x1b[5~": "page up", "\x1b[6~": "page down"},
    **{"\x1b": "escape", "\r": "enter", "\n": "enter", " ": "space", "\x7f": "backspace", "\b": "backspace"},
}


class Screen:
    """The terminal in full-screen mode while entered: alternate screen, no cursor, keys without Enter.

    Ctrl-C still interrupts. On exit, the previous contents and settings are restored, even after an error.

    Args:
        keys: the file descriptor of the terminal's input.
        colour: whether a marked line may be shown in inverse video.
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
        termios.tcsetattr(self.keys, termios.TCSANOW, self._before)  # type: ignore[arg-type]  # as tcgetattr returned it

    @staticmethod
    def size() -> tuple[int, int]:
        """Return the terminal's columns and lines."""
        size = shutil.get_terminal_size()
        return size.columns, size.lines

    def draw(self, lines: list[str], *, marked: int | None = None) -> None:
        """Show these lines, overwriting the previous ones in place so that nothing flickers.

        Args:
            marked: the index of the line to highlight.
        """
        columns, rows = self.size()
        shown = []
        for number, line in enumerate(lines[:rows]):
            text = cut(line, columns)
            if number == marked and self._colour:
                text = f"\x1b[7m{text}{' ' * (columns - cells(text))}\x1b[0m"
            shown.append(text + _CLEAR_LINE)
        self._write(_HOME + "\r\n".join(shown) + _CLEAR_BELOW)

    def pressed(self) -> list[str]:
        """Return the keys pressed since the last call: single characters, or names such as `up`."""
        found: list[str] = []
        while select.select([self.keys], [], [], 0)[0]:
            data = os.read(self.keys, 64).decode("utf-8", "replace")
            if not data:
                return [*found, "q"]  # the terminal is gone
            found += _split(data)
        return found

    def _write(self, text: str) -> None:
        self._out.write(text)
        self._out.flush()


def _split(data: str) -> list[str]:
    return [_NAMES.get(key, key) for key in _KEY.findall(data)]
