"""Measure text in the cells of a terminal, in which some characters take two and some none.

See UAX #11, East Asian Width: https://www.unicode.org/reports/tr11/.
"""

import unicodedata


def cells(text: str) -> int:
    """Return how many cells a text without control characters takes."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def cut(text: str, room: int) -> str:
    """Return as much of the text as fits into `room` cells."""
    if text.isascii():
        return text[:room]
    taken = 0
    for at, ch in enumerate(text):
        taken += _cells_of(ch)
        if taken > room:
            return text[:at]
    return text


def _cells_of(ch: str) -> int:
    if unicodedata.category(ch) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(ch) in "WF" else 1
