"""Wildcards as regular expressions that do not backtrack."""

from collections.abc import Sequence


def join_glob(pieces: Sequence[str | None], any_one: str) -> str:
    """Join the translated pieces of a wildcard.

    The first place where the text between two `*` fits is as good as any later one, so what was matched up
    to there is never tried again (an atomic group). Without that, each further `*` would multiply the time
    by the length of the text.

    Args:
        pieces: regular expressions of one character each; None for `*`.
        any_one: the regular expression of one character that `*` may stand for.

    Returns:
        A regular expression for the whole text, or for all up to what the caller puts after it.

    >>> join_glob(["a", None, "b", None, "c"], ".")
    'a(?>.*?b).*c'
    """
    segments = [""]
    for piece in pieces:
        if piece is None:
            segments.append("")
        else:
            segments[-1] += piece
    first, *others = segments
    if not others:
        return first
    between = "".join(f"(?>{any_one}*?{segment})" for segment in others[:-1] if segment)
    return f"{first}{between}{any_one}*{others[-1]}"
