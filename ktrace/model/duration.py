"""Lengths of time as a person writes them: `10ms`, `50us`, `1.5s`, `2m`."""

import re

from ktrace.errors import UsageError

_UNITS = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "min": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_WORDS = re.compile(r"\s*(\d{1,18}(?:\.\d{0,18})?|\.\d{1,18})\s*([a-zµ]*)\s*\Z", re.ASCII)


def parse_duration(text: str, unit: str = "") -> int:
    """Return the duration in nanoseconds.

    Args:
        unit: the unit of a number without one; "" refuses such a number as ambiguous.

    Raises:
        UsageError: not a duration.
    """
    match = _WORDS.match(text)
    given = (match[2] or unit) if match else ""
    if match is None or given not in _UNITS:
        shown = text if len(text) <= 40 else f"{text[:40]}..."
        also = f", or a number of {unit}" if unit else ""
        raise UsageError(
            f"'{shown}' is not a length of time",
            hint=f"a number and ns, us, ms, s, m, h or d, such as 10ms{also}",
        )
    whole, _, part = match[1].partition(".")
    fraction: int = int(part or 0) * _UNITS[given] // 10 ** len(part)
    return int(whole or 0) * _UNITS[given] + fraction
