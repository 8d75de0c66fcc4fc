"""Errors in expressions, with hints."""

from collections.abc import Iterable

from ktrace.errors import UsageError
from ktrace.model.near import close_to


def wrong(text: str, at: int, message: str, hint: str | None = None) -> UsageError:
    """Return an error that points at character `at` of `text`."""
    return UsageError(message, excerpt=text, caret=at, hint=hint)


def near(name: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """Return the candidates that are similar to `name`, best first."""
    return close_to(name, candidates, limit)


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """Return a "did you mean" question, or None if no candidate is similar."""
    found = near(name, candidates)
    return f"did you mean {' or '.join(found)}?" if found else None


def lines(*parts: str | None) -> str | None:
    """Join the hints that are not empty, one per line."""
    return "\n".join(part for part in parts if part) or None
