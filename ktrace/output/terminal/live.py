"""Redraw text in place on a terminal."""

import shutil
from typing import TextIO


class Live:
    """Text that replaces what it showed before.

    The text must not have more lines than the terminal, nor wider ones: `room` returns the limits.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lines = 0

    @staticmethod
    def room() -> tuple[int, int]:
        """Return how many columns and lines a text may have."""
        size = shutil.get_terminal_size()
        return size.columns, max(size.lines - 1, 4)

    def draw(self, text: str) -> None:
        """Show `text` in place of the text shown before."""
        columns, lines = self.room()
        shown = [line[:columns] for line in text.splitlines()[:lines]]
        self._out.write(self._back() + "\n".join(shown) + "\n")
        self._out.flush()
        self._lines = len(shown)

    def clear(self) -> None:
        """Erase the text."""
        self._out.write(self._back())
        self._out.flush()
        self._lines = 0

    def _back(self) -> str:
        return f"\x1b[{self._lines}A\r\x1b[J" if self._lines else ""
