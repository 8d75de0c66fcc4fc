"""Timers, and samples that wait until the events before them have been handled."""

import heapq
import random
from collections.abc import Iterator, Mapping
from dataclasses import field
from itertools import count
from typing import TypeAlias

from ktrace.records import dataclass
from ktrace.script.language.sites import Timer
from ktrace.script.passes.runnable import Handled

Own: TypeAlias = Mapping[str, object]
"""The data of a sample, by the names of the handlers' parameters."""


@dataclass(slots=True)
class Timers:
    """The next calls, in order of time; at the same time, in the order in which they were added."""

    _heap: list[tuple[int, int, Handled, Own]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def __bool__(self) -> bool:
        return bool(self._heap)

    @property
    def next(self) -> int | None:
        """Return when the next call is due; None without one."""
        return self._heap[0][0] if self._heap else None

    def add(self, due: int, bound: Handled, own: Own) -> None:
        """Add a call."""
        heapq.heappush(self._heap, (due, next(self._numbers), bound, own))

    def repeat(self, bound: Handled, now: int, *, earliest: int = 0) -> None:
        """Add a timer's next call, `earliest` or later."""
        assert isinstance(bound.site, Timer)
        self.add(max(now + _delay(bound.site), earliest), bound, {})

    def due(self, until: int) -> bool:
        """Return whether a call is due by a time."""
        return bool(self._heap) and self._heap[0][0] <= until

    def pop(self) -> tuple[int, Handled, Own]:
        """Remove and return the next call: its time, its handler and its data."""
        due, _, bound, own = heapq.heappop(self._heap)
        return due, bound, own


def _delay(timer: Timer) -> int:
    return timer.every_ns + (random.randint(-timer.random_ns, timer.random_ns) if timer.random_ns else 0)
