"""Describe a latency run: which pairs of events it times, and what it shows of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ktrace.aggregate.keys import KNOWN, Linear
from ktrace.aggregate.latency import Carried
from ktrace.counting.count import KEYS
from ktrace.counting.counted_events import CountedEvent
from ktrace.counting.kernel_counts import TaskFilter
from ktrace.model.slow_call import Slow
from ktrace.resolve.spec import ProbeOptions

Emit = Callable[[Slow], None]


SHOWN = "latency"


RETVAL = "$retval"


_RETURNED = re.compile(r"(?:\w+=)?\$retval\b")


@dataclass(frozen=True, slots=True)
class LatencyRequest:
    """What is timed.

    Attributes:
        places: a function; or two events, with `on`.
        on: what two events must share, `FIELD` or `FIELD=FIELD_OF_THE_SECOND`; empty for a function.
        args: arguments that are shown with slow calls.
        by: as of `ktrace count`: a distribution for each.
        above_ns: also show each call that takes this long; None: none.
        linear: steps in nanoseconds; None: powers of two.
        filter: time only calls for whose entry this holds.
        in_kernel: rather fail than stream events to time them.
        nested: stream them, so that calls within calls of one thread are all timed.
    """

    places: Sequence[str]
    defaults: ProbeOptions
    on: Sequence[str] = ()
    args: Sequence[str] = ()
    by: Sequence[str] = ()
    above_ns: int | None = None
    linear: Linear | None = None
    filter: str | None = None
    tasks: TaskFilter = field(default_factory=TaskFilter)
    size: int = KEYS
    in_kernel: bool = False
    nested: bool = False

    @property
    def arguments(self) -> list[str]:
        """What has to be read, beside what every event has."""
        return list(dict.fromkeys(word for word in (*self.by, *self.args) if word not in KNOWN))


@dataclass(frozen=True, slots=True)
class Pair:
    """The two events, with the fields to carry along."""

    first: CountedEvent
    second: CountedEvent
    keys: tuple[tuple[str, ...], tuple[str, ...]]
    carried: tuple[Carried, ...]
    filters: tuple[str | None, str | None]
