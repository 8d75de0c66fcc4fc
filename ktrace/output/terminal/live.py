"""Text on a terminal that is drawn again in place."""

import shutil
from typing import TextIO


class Live:
    """Draws over what it drew before.

    The text must not be higher than the terminal, nor its lines wider: `room` says how much there is.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lines = 0

    @staticmethod
    def room() -> tuple[int, int]:
        """Columns and lines."""
        size = shutil.get_terminal_size()
        return size.columns, max(size.lines - 1, 4)

    def draw(self, text: str) -> None:
        """Show `text` in place of what was shown before."""
        columns, lines = self.room()
        shown = [line[:columns] for line in text.splitlines()[:lines]]
        self._out.write(self._back() + "\n".join(shown) + "\n")
        self._out.flush()
        self._lines = len(shown)

    def clear(self) -> None:
        """Take it away."""
        self._out.write(self._back())
        self._out.flush()
        self._lines = 0

    def _back(self) -> str:
        return f"\x1b[{self._lines}A\r\x1b[J" if self._lines else ""
