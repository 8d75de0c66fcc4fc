"""Messages with a position and a hint, and the function that formats them all.

ktrace: Invalid register name
  p:ktrace/vfs_read vfs_read a=%foo
                               ^
  hint: registers here: ax bp bx cx ...
"""

import os
import sys
import unicodedata
from collections.abc import Callable
from typing import TextIO, TypeAlias

from ktrace.errors import KtraceError
from ktrace.records import dataclass

Notify: TypeAlias = Callable[[str], None]
"""Takes a remark for the user, such as that a function has been renamed."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """An error or a note: what happened, where, and what to do next.

    `caret` is an offset in characters into `excerpt`. One past the end means that something is missing.
    """

    message: str
    excerpt: str | None = None
    caret: int | None = None
    hint: str | None = None

    @classmethod
    def of(cls, error: KtraceError) -> "Diagnostic":
        """Return the diagnostic for an error."""
        return cls(error.message, error.excerpt, error.caret, error.hint)


def visible(text: str) -> str:
    """Escape every character of `text` that could control a terminal.

    Control and format characters (C0, C1, bidirectional overrides) and bytes that were not UTF-8
    (lone surrogates, as made by `os.fsdecode`) become `\\xNN` or `\\uNNNN`. The rest is kept.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(ch if _is_harmless(ch) else _escape(ch) for ch in text)


def render(diagnostic: Diagnostic, width: int | None = None) -> str:
    """Format the diagnostic as lines that are safe to print on a terminal, without a final newline.

    Args:
        width: break lines at blanks to fit into these columns, and show only the part of a longer excerpt
            that is around the caret. None: only hints are broken, for 80 columns.
    """
    lines = []
    for number, line in enumerate(diagnostic.message.splitlines() or [""]):
        first = "  " if number else "ktrace: "
        lines += [first + visible(line)] if width is None else _wrap(visible(line), width, first, "  ")
    if diagnostic.excerpt is not None:
        lines += _pointed(diagnostic.excerpt, diagnostic.caret, width)
    if diagnostic.hint:
        first = "  hint: "
        for line in diagnostic.hint.splitlines():
            lines += _wrap(visible(line), width or _HINT_WIDTH, first, " " * len(first))
            first = " " * len(first)
    return "\n".join(lines)


def width_of(stream: TextIO) -> int | None:
    """Return the columns of a terminal; None for a stream that is not a terminal."""
    if not stream.isatty():
        return None
    columns = os.environ.get("COLUMNS", "")
    if columns.isascii() and columns.isdigit() and int(columns):
        return max(int(columns), _NARROWEST)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns or _HINT_WIDTH, _NARROWEST)
    except OSError:
        return _HINT_WIDTH


_HINT_WIDTH = 79
_NARROWEST = 30  # the columns that words need at least
_CUT = "..."


def _wrap(line: str, width: int, first: str, rest: str) -> list[str]:
    """Break `line` at blanks. Words that are too long, such as a command to copy, stay whole."""
    if len(first) + len(line) <= width:
        return [first + line]
    import textwrap  # noqa: PLC0415 -- most commands end without such a line

    return textwrap.wrap(
        line,
        width,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [first]


def _pointed(excerpt: str, caret: int | None, width: int | None) -> list[str]:
    """Return the excerpt, and a line with the caret below its place."""
    # Escapes are wider than the characters they replace: measure the printed text before the caret.
    shown, at = visible(excerpt), len(visible(excerpt[:caret]))
    if caret is None:
        return [f"  {shown}"]
    room = None if width is None else width - 2
    if room is not None and max(len(shown), at + 1) > room:
        start = min(max(at - room // 2, 0), max(len(shown), at + 1) - room)
        end = start + room
        before, after = _CUT if start else "", _CUT if end < len(shown) else ""
        shown = before + shown[start + len(before) : end - len(after)] + after
        at -= start
    return [f"  {shown}", "  " + " " * at + "^"]


def _is_harmless(ch: str) -> bool:
    return ch == " " or (ch.isprintable() and not unicodedata.category(ch).startswith("C"))


def _escape(ch: str) -> str:
    code = ord(ch)
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(ch)
    if named:
        return named
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def note(text: str, *, hint: str | None = None) -> None:
    """Print a note, which is not an error, on standard error."""
    print(render(Diagnostic(text, hint=hint), width_of(sys.stderr)), file=sys.stderr)
