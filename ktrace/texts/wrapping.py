"""Join lines that a mail program wrapped at its width."""

import re
from collections.abc import Callable, Sequence
from itertools import pairwise

_LEAST, _MOST = 60, 100  # widths of mails, in bytes
_REST = re.compile(rb" {0,8}(?:(?:==> )?[A-Za-z_]\w{0,63}=(?![=>])|==> |\([^\s()]{1,256}\+0x[0-9a-f]+/0x)")
"""Fields or the place of a probe without the begin of their record: `next_prio=120`. No record begins so."""


def width_of(lines: Sequence[bytes], recognise: Callable[[bytes], bool]) -> int:
    """Return the width at which lines were wrapped; 0 if they were not.

    The first word of each rest would have made the line before it longer than all lines are.
    """
    width = max(map(len, lines), default=0)
    if not _LEAST <= width <= _MOST:
        return 0
    pairs = [(before, line) for before, line in pairwise(lines) if _REST.match(line) and not recognise(line)]
    return width if pairs and all(_is_full(before, line, width) for before, line in pairs) else 0


def joined(lines: bytes, width: int) -> bytes:
    """Return lines with those that were wrapped joined by a blank."""
    parts: list[bytes] = []
    last = b""  # the last line, without those that it was joined to
    for line in lines.split(b"\n"):
        if parts and _REST.match(line) and _is_full(last, line, width):
            parts[-1] += b" " + line.lstrip(b" ")
        else:
            parts.append(line)
        last = line
    return b"\n".join(parts)


def last_begin(lines: bytes) -> int:
    """Return the offset of the last line, or of the line that it may be the rest of."""
    at = len(lines)
    while at > 0:
        at = lines.rfind(b"\n", 0, at - 1) + 1
        if not _REST.match(lines, at):
            break
    return at


def _is_full(before: bytes, line: bytes, width: int) -> bool:
    """Return whether the first word of a line did not fit after the line before it."""
    words = line.split(None, 1)
    return bool(before) and not before.startswith(b"#") and len(before) + 1 + len(words[0]) > width
