"""Bound the time that a run may take after its end.

A run that has ended stops recording. Then it reads the recorded events, reports the results, and undoes its
changes. A slow reader, an output that nobody reads or a handler that does not return must not delay this
without limit: all of it may take `KTRACE_GRACE` seconds, of which each part has a share.
"""

import math
import os
import time
from collections.abc import Callable

from ktrace.errors import UsageError

VARIABLE = "KTRACE_GRACE"
_SECONDS = 2.0
READING = 0.3  # the share for reading and handling records
HANDLERS = 0.4  # the share for handlers of a script: more, so that a running one can end
OUTPUTS = 0.3  # the share for waiting for outputs
LAST_WORDS = 0.2  # the share of each of them for what follows the reading: end probes, tables


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
        raise UsageError(f"{VARIABLE}={text}: this must be a number of seconds", hint=f"export {VARIABLE}=60")
    return seconds


class Ending:
    """The end of a run, and the time left after it.

    Attributes:
        at: the time of the end, on `clock`; None before.
        grace_s: the seconds that everything after the end may take.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.grace_s = grace_s()
        self.at: float | None = None

    def end(self) -> None:
        """Start the end, unless it has started."""
        if self.at is None:
            self.at = self._clock()

    @property
    def reading_until(self) -> float | None:
        """Return the time after which nothing more should be read; None before the end."""
        return None if self.at is None else self.at + READING * self.grace_s

    @property
    def overdue(self) -> bool:
        """Return whether nothing more should be read."""
        until = self.reading_until
        return until is not None and self._clock() >= until
