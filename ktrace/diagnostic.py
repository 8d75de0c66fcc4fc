"""Messages with a position and a hint, and the function that formats them all.

ktrace: Invalid register name
  p:ktrace/vfs_read vfs_read a=%foo
                               ^
  hint: registers here: ax bp bx cx ...
"""

import sys
import unicodedata
from collections.abc import Callable
from typing import TypeAlias

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


def render(diagnostic: Diagnostic) -> str:
    """Format the diagnostic as lines that are safe to print on a terminal, without a final newline."""
    lines = ["ktrace: " + "\n  ".join(visible(line) for line in diagnostic.message.splitlines())]
    if diagnostic.excerpt is not None:
        lines.append("  " + visible(diagnostic.excerpt))
        if diagnostic.caret is not None:
            # Escapes are wider than the characters they replace: measure the printed text before the caret.
            lines.append("  " + " " * len(visible(diagnostic.excerpt[: diagnostic.caret])) + "^")
    if diagnostic.hint:
        hints = [piece for line in diagnostic.hint.splitlines() for piece in _wrap(visible(line))]
        lines.append("  hint: " + hints[0])
        lines.extend("        " + line for line in hints[1:])
    return "\n".join(lines)


_HINT_WIDTH = 71  # what an 80-column terminal leaves after "  hint: "


def _wrap(line: str) -> list[str]:
    """Break `line` at blanks. Words that are too long, such as a command to copy, stay whole."""
    if len(line) <= _HINT_WIDTH:
        return [line]
    import textwrap  # noqa: PLC0415 -- most commands end without a hint

    return textwrap.wrap(line, _HINT_WIDTH, break_long_words=False, break_on_hyphens=False) or [""]


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
    print(render(Diagnostic(text, hint=hint)), file=sys.stderr)
