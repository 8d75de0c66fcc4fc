"""Lengths of time as a person writes them: `10ms`, `50us`, `1.5s`."""

import re

from ktrace.errors import UsageError

_UNITS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_WORDS = re.compile(r"\s*(\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})\s*([a-zµ]+)\s*\Z", re.ASCII)


def parse_duration(text: str) -> int:
    """Return the duration in nanoseconds.

    Raises:
        UsageError: not a duration; a number without a unit is refused as ambiguous.
    """
    match = _WORDS.match(text)
    if match is None or match[2] not in _UNITS:
        raise UsageError(f"'{text}' is not a length of time", hint="a number and ns, us, ms or s: 10ms")
    whole, _, part = match[1].partition(".")
    unit = _UNITS[match[2]]
    fraction: int = int(part or 0) * unit // 10 ** len(part)
    return int(whole or 0) * unit + fraction
