"""Spell one cell of CSV.

A spreadsheet takes a text that begins with `=`, `+`, `-` or `@` for a formula and runs it, quoted or not.
Anyone who can choose the name of a process or a file could thereby run a formula in the reader's spreadsheet.
Such a text gets a `'` before it, unless raw cells are asked for. Numbers are not texts: -5 stays -5.
"""

from ktrace.diagnostic import visible

# Includes the full-width forms, which some spreadsheets treat the same way.
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_text(text: str, *, raw: bool) -> str:
    """Return the text of a cell before quoting, without control characters and safe from formulas.

    Args:
        raw: do not escape what a spreadsheet would take for a formula.
    """
    text = visible(text)
    return f"'{text}" if not raw and text.lstrip().startswith(_FORMULA) else text


def csv_cell(text: str | None, *, raw: bool) -> str:
    """Return a cell of CSV: empty for None, quoted where necessary."""
    if text is None:
        return ""
    text = csv_text(text, raw=raw)
    if not text or "," in text or '"' in text:
        return '"' + text.replace('"', '""') + '"'
    return text
