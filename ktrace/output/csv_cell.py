"""Spell one cell of CSV.

A spreadsheet takes a text that begins with `=`, `+`, `-` or `@` for a formula and runs it, quoted or
not: whoever may choose the name of a process or of a file could run it in the reader's spreadsheet. Such
a text gets a `'` before it, unless raw cells are asked for. Numbers are not texts: -5 stays -5.
"""

from ktrace.diagnostic import visible

# With those of full width, which some spreadsheets take for the same.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_text(text: str, *, raw: bool) -> str:
    """Return the text as a cell has it, before quoting: without control characters, and not a formula.

    Args:
        raw: leave what a spreadsheet would take for a formula.
    """
    text = visible(text)
    return f"'{text}" if not raw and text.lstrip().startswith(_FORMULA) else text


def csv_cell(text: str | None, *, raw: bool) -> str:
    """Return the cell: empty for None, quoted where it must be."""
    if text is None:
        return ""
    text = csv_text(text, raw=raw)
    if not text or "," in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text
