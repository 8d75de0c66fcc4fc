"""What goes wrong with an expression, and what to write instead."""

from collections.abc import Iterable

from ktrace.errors import UsageError
from ktrace.model.near import close_to


def wrong(text: str, at: int, message: str, hint: str | None = None) -> UsageError:
    """The error that points at character `at` of `text`."""
    return UsageError(message, excerpt=text, caret=at, hint=hint)


def near(name: str, candidates: Iterable[str], limit: int = 3) -> list[str]:
    """Those of `candidates` that `name` may have been meant to be, best first."""
    return close_to(name, candidates, limit)


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """The question, or None where nothing comes close."""
    found = near(name, candidates)
    return f"did you mean {' or '.join(found)}?" if found else None


def lines(*parts: str | None) -> str | None:
    """Those hints that there are, one a line."""
    return "\n".join(part for part in parts if part) or None
