"""What goes wrong with an expression, and what to write instead."""

from collections.abc import Iterable

from ktrace.errors import UsageError


def wrong(text: str, at: int, message: str, hint: str | None = None) -> UsageError:
    """The error that points at character `at` of `text`."""
    return UsageError(message, excerpt=text, caret=at, hint=hint)


def near(name: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """Those of `candidates` that `name` may have been meant to be, best first."""
    import difflib  # noqa: PLC0415 - only those who mistyped wait for it

    known = list(dict.fromkeys(candidate for candidate in candidates if candidate))
    folded = [candidate for candidate in known if candidate.lower() == name.lower() and candidate != name]
    # The comparison takes long for long lists: a name of 60,000 begins or ends as it was typed.
    if len(known) > 2000:
        known = [c for c in known if c[:3] == name[:3] or c[-5:] == name[-5:]]
    close = difflib.get_close_matches(name, known, limit, 0.6)
    return list(dict.fromkeys(folded + close))[:limit]


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """The question, or None where nothing comes close."""
    found = near(name, candidates)
    return f"did you mean {' or '.join(found)}?" if found else None


def lines(*parts: str | None) -> str | None:
    """Those hints that there are, one a line."""
    return "\n".join(part for part in parts if part) or None
