"""The end of a run, and how much time it has after that.

A run that has ended stops recording. Then it reads what was recorded, says what it came to, and undoes what
it has set up. A reader that lags, an output that nobody takes or a handler that does not return must not
make that last for ever: together it may take `KTRACE_GRACE` seconds, of which each part has its share.
"""

import math
import os
import time
from collections.abc import Callable

from ktrace.errors import UsageError

VARIABLE = "KTRACE_GRACE"
_SECONDS = 2.0
READING = 0.3  # share of the time in which records are still read and handled
HANDLERS = 0.4  # share that handlers of a script may take: more, so that one that runs then can end
OUTPUTS = 0.3  # share that outputs may keep the run waiting
LAST_WORDS = 0.2  # the share of each of them for what comes after the reading: end probes, tables


def grace_s() -> float:
    """Return the seconds that a run may take after its end. Raises UsageError for a bad KTRACE_GRACE."""
    text = os.environ.get(VARIABLE)
    if not text:
        return _SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < 1e6:
        raise UsageError(f"{VARIABLE}={text}: a number of seconds belongs here", hint=f"export {VARIABLE}=60")
    return seconds


class Ending:
    """When a run ended, and what is left of its time after that.

    Attributes:
        at: when it ended, on `clock`; None before.
        grace_s: seconds that all may take after that.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.grace_s = grace_s()
        self.at: float | None = None

    def end(self) -> None:
        """Begin the end, if it has not begun."""
        if self.at is None:
            self.at = self._clock()

    @property
    def reading_until(self) -> float | None:
        """The time at which nothing more is to be read; None before the end."""
        return None if self.at is None else self.at + READING * self.grace_s

    @property
    def overdue(self) -> bool:
        """Return whether nothing more is to be read."""
        until = self.reading_until
        return until is not None and self._clock() >= until
