"""Text in columns, for a pipe or a terminal of any width. Nothing is cut off."""

import shutil
import sys
from collections.abc import Sequence

from ktrace.diagnostic import visible

_GAP = "  "
_INDENT = 4


def terminal_width() -> int | None:
    """Return the columns of the terminal on stdout, or None if stdout is not a terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def render_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[int] = (),
    width: int | None = None,
) -> str:
    """Return lines of aligned columns with a final newline; make every cell safe for a terminal.

    Args:
        right: indexes of the columns to align right, those of numbers.
        width: wrap the last column at blanks so that no line is wider, where possible; None never wraps.
    """
    cells = [list(map(visible, row)) for row in rows]
    table = [list(header), *cells]
    widths = [max(len(row[i]) for row in table) for i in range(len(header) - 1)]
    left = sum(widths) + len(_GAP) * len(widths)
    lines: list[str] = []
    for row in table:
        head = _GAP.join(
            cell.rjust(w) if i in right else cell.ljust(w)
            for i, (cell, w) in enumerate(zip(row, widths, strict=False))
        )
        lines += _wrapped((head + _GAP + row[-1]).rstrip(), left, width)
    return "\n".join(lines) + "\n"


def _wrapped(line: str, left: int, width: int | None) -> list[str]:
    """Return the lines of `line`; wrap it if too wide, below its last column, which begins at `left`."""
    if width is None or len(line) <= width:
        return [line]
    indent = left if left <= width // 2 else _INDENT
    lines = []
    while len(line) > width:
        cut = line.rfind(" ", indent + 1, width + 1)
        if cut <= indent or not line[:cut].strip():
            break
        lines.append(line[:cut].rstrip())
        line = " " * indent + line[cut:].lstrip()
    return [*lines, line]
