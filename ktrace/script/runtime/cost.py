"""Measure a script's run: the events that its handlers take, and the share of a processor."""

import time
from collections.abc import Callable
from dataclasses import field

from ktrace.records import dataclass


@dataclass(slots=True)
class Cost:
    """Counts the events and the processor time of a run, from `start` on.

    Args:
        clock: elapsed time in nanoseconds.
        processor: processor time of this process in nanoseconds.

    Attributes:
        events: the number of events for which handlers have run.
    """

    clock: Callable[[], int] = time.monotonic_ns
    processor: Callable[[], int] = time.process_time_ns
    events: int = 0
    _in_handlers: int = 0
    _began: tuple[int, int] | None = field(default=None)

    def start(self) -> None:
        """Begin to measure, unless that has begun."""
        if self._began is None:
            self._began = self.clock(), self.processor()

    def handling(self, run: Callable[[], None]) -> None:
        """Run handlers, and measure their processor time."""
        before = self.processor()
        try:
            run()
        finally:
            self._in_handlers += self.processor() - before

    def text(self) -> str:
        """Return the cost so far, in one line."""
        began, processor = self._began or (self.clock(), self.processor())
        elapsed = max(self.clock() - began, 1)
        whole, own = (time / elapsed for time in (self.processor() - processor, self._in_handlers))
        return (
            f"handlers ran for {self.events} events in {elapsed / 1e9:.1f} s, "
            f"{self.events * 10**9 // elapsed} a second; "
            f"ktrace used {whole:.1%} of a core, its handlers {own:.1%}"
        )
