"""Names that come close to one that is not there, for hints: looked for in bounded time.

Whoever mistyped a name waits for the answer, and lists of names are long (a kernel has a hundred
thousand functions), so the search ends after `SECONDS` with what it has found by then.
"""

import time
from collections.abc import Iterable

SECONDS = 0.8
_LONGEST = 64  # characters that are compared
_FEW = 2000  # candidates that are all compared; of more, those that begin or end like the name
_BATCH = 64  # candidates between two looks at the clock


def close_to(
    name: str, candidates: Iterable[str], limit: int = 3, *, cutoff: float = 0.6, seconds: float = SECONDS
) -> list[str]:
    """Return those of `candidates` that `name` may have been meant to be, best first.

    Args:
        limit: how many at most.
        cutoff: how alike they must be at least: 0 not at all, 1 the same.
        seconds: when to end the search.
    """
    from difflib import SequenceMatcher  # noqa: PLC0415 -- only those who mistyped wait for it

    end = time.monotonic() + seconds
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(name[:_LONGEST])
    lower = name.lower()
    scores: dict[str, float] = {}
    for number, candidate in enumerate(candidates):
        if number % _BATCH == 0 and time.monotonic() > end:
            break
        if not candidate or candidate in scores:
            continue
        if candidate.lower() == lower:
            scores[candidate] = 2.0
            continue
        if number > _FEW and candidate[:3] != name[:3] and candidate[-5:] != name[-5:]:
            continue
        matcher.set_seq1(candidate[:_LONGEST])
        if (
            matcher.real_quick_ratio() >= cutoff
            and matcher.quick_ratio() >= cutoff
            and (score := matcher.ratio()) >= cutoff
        ):
            scores[candidate] = score
    return sorted(scores, key=lambda one: (-scores[one], one))[:limit]
