"""Find names that are similar to one that was not found, for hints, in bounded time.

The user waits for the answer, and a kernel has a hundred thousand functions, so the search ends after
`SECONDS` with what it has found.
"""

import time
from collections.abc import Iterable

SECONDS = 0.8
_LONGEST = 64  # characters of a name that are compared
_FEW = 2000  # candidates; after these, only names that begin or end like `name` are compared
_LEAST = 3  # characters of a name that may be a beginning or an abbreviation
_SLIP = 0.97  # the similarity of a name that is one slip of the fingers away
_BATCH = 64  # candidates between two looks at the clock


def close_to(
    name: str, candidates: Iterable[str], limit: int = 3, *, cutoff: float = 0.6, seconds: float = SECONDS
) -> list[str]:
    """Return the candidates that are most similar to `name`, best first.

    Similar are names with few different characters (`raed`, `read`; one slip of the fingers comes first),
    names that `name` is the beginning of (`vfs_re`), and names that it abbreviates (`vrd`: its characters, in
    order, from the first on).

    Args:
        limit: the most names to return.
        cutoff: the least similarity, from 0 (nothing in common) to 1 (the same).
        seconds: the longest time to search.
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
        if number > _FEW and not _looks_alike(name, candidate):
            continue
        matcher.set_seq1(candidate[:_LONGEST])
        score = _shortened(lower, candidate.lower())
        if matcher.real_quick_ratio() >= cutoff and matcher.quick_ratio() >= cutoff:
            score = max(score, matcher.ratio())
            if score < _SLIP and len(name) > _LEAST and _is_slip(lower, candidate.lower()):
                score = _SLIP
        if score >= cutoff:
            scores[candidate] = score
    return sorted(scores, key=lambda one: (-scores[one], one))[:limit]


def _looks_alike(name: str, candidate: str) -> bool:
    if candidate[:3] == name[:3] or candidate[-5:] == name[-5:]:
        return True
    return candidate[:2] == name[:2] and abs(len(candidate) - len(name)) <= 1


def _is_slip(name: str, candidate: str) -> bool:
    """Return whether one slip of the fingers makes `name` from the candidate.

    It is a character too many, too few, or another one, or two neighbours that changed places.
    """
    if abs(len(name) - len(candidate)) > 1:
        return False
    at = next((n for n, (a, b) in enumerate(zip(name, candidate, strict=False)) if a != b), 0)
    name, candidate = name[at:], candidate[at:]
    return (
        name[1:] == candidate[1:]
        or name[1:] == candidate
        or name == candidate[1:]
        or (name[2:] == candidate[2:] and name[:2] == candidate[1::-1])
    )


def _shortened(name: str, candidate: str) -> float:
    """Return a similarity if `name` is a beginning or an abbreviation of the candidate, otherwise 0."""
    if len(name) < _LEAST or name[0] != candidate[0]:
        return 0.0
    share = len(name) / len(candidate)
    if candidate.startswith(name):
        return 0.75 + share / 4
    rest = iter(candidate)
    return 0.6 + share / 4 if all(character in rest for character in name) else 0.0
