"""A message with a place and a hint, and the one renderer that draws it.

ktrace: Invalid register name
  p:ktrace/vfs_read vfs_read a=%foo
                               ^
  hint: registers here: ax bp bx cx ...
"""

import sys
import unicodedata
from dataclasses import dataclass

from ktrace.errors import KtraceError


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What went wrong (or is worth knowing), where, and what to do next.

    `caret` is an offset in characters into `excerpt`; one past the end marks something missing.
    """

    message: str
    excerpt: str | None = None
    caret: int | None = None
    hint: str | None = None

    @classmethod
    def of(cls, error: KtraceError) -> "Diagnostic":
        """The diagnostic that an error carries."""
        return cls(error.message, error.excerpt, error.caret, error.hint)


def visible(text: str) -> str:
    """`text` with everything that could steer a terminal written out as a backslash escape.

    Control and format characters (C0, C1, bidirectional overrides) and bytes that were not UTF-8
    (lone surrogates, as `os.fsdecode` makes them) become `\\xNN` or `\\uNNNN`; the rest is kept.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(ch if _is_harmless(ch) else _escape(ch) for ch in text)


def render(diagnostic: Diagnostic) -> str:
    """The diagnostic as lines of text, without a final newline, safe to print on a terminal."""
    lines = ["ktrace: " + "\n  ".join(visible(line) for line in diagnostic.message.splitlines())]
    if diagnostic.excerpt is not None:
        lines.append("  " + visible(diagnostic.excerpt))
        if diagnostic.caret is not None:
            # Escapes are wider than what they stand for: measure what is printed before the caret.
            lines.append("  " + " " * len(visible(diagnostic.excerpt[: diagnostic.caret])) + "^")
    if diagnostic.hint:
        hints = [piece for line in diagnostic.hint.splitlines() for piece in _wrap(visible(line))]
        lines.append("  hint: " + hints[0])
        lines.extend("        " + line for line in hints[1:])
    return "\n".join(lines)


_HINT_WIDTH = 71  # what an 80-column terminal leaves beside "  hint: "


def _wrap(line: str) -> list[str]:
    """`line` broken at blanks; words that are too long, such as a command to copy, stay whole."""
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
    """Draw a remark that is not an error."""
    print(render(Diagnostic(text, hint=hint)), file=sys.stderr)
