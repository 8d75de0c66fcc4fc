"""Redraw text in place on a terminal."""

import os
import shutil
from typing import TextIO

from ktrace.output.terminal.cells import cells, cut
from ktrace.output.terminal.colour import Rules, painted


def can_redraw(out: TextIO) -> bool:
    """Return whether it is a terminal that can move its cursor."""
    return out.isatty() and os.environ.get("TERM", "dumb") != "dumb"


class Live:
    """Text that replaces what it showed before.

    The text must not have more lines than the terminal, nor wider ones: `room` returns the limits.

    Args:
        colours: how to paint the text, if the terminal is to have colours.
    """

    def __init__(self, out: TextIO, colours: Rules = ()) -> None:
        self._out = out
        self._colours = colours
        self._shown: list[str] = []

    @staticmethod
    def room() -> tuple[int, int]:
        """Return how many columns and lines a text may have."""
        size = shutil.get_terminal_size()
        return size.columns, max(size.lines - 1, 4)

    def draw(self, text: str) -> None:
        """Show `text` in place of the text shown before."""
        columns, lines = self.room()
        shown = [cut(line, columns) for line in text.splitlines()[:lines]]
        self._out.write(self._back(columns) + painted("\n".join(shown), self._colours, self._out) + "\n")
        self._out.flush()
        self._shown = shown

    def clear(self) -> None:
        """Erase the text."""
        self._out.write(self._back(self.room()[0]))
        self._out.flush()
        self._shown = []

    def _back(self, columns: int) -> str:
        """Return what erases the text. In a window that became narrower, its long lines take several rows."""
        rows = sum(max(-(-cells(line) // columns), 1) for line in self._shown)
        return f"\x1b[{rows}A\r\x1b[J" if rows else ""
