"""Describe a latency run: which pairs of events it times, and what it shows of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ktrace.aggregate.keys import KNOWN, Linear
from ktrace.aggregate.latency import Carried
from ktrace.counting.count import KEYS
from ktrace.counting.counted_events import CountedEvent
from ktrace.model.slow_call import Slow
from ktrace.resolve.spec import ProbeOptions

Emit = Callable[[Slow], None]


SHOWN = "latency"


RETVAL = "$retval"


_RETURNED = re.compile(r"(?:\w+=)?\$retval\b")


@dataclass(frozen=True, slots=True)
class LatencyRequest:
    """The calls to time.

    Attributes:
        places: a function; or two events, with `on`.
        on: the fields that two events must share, `FIELD` or `FIELD=FIELD_OF_THE_SECOND`; empty for a
            function.
        args: arguments to show with slow calls.
        by: the words of `ktrace count --by`: a distribution for each.
        above_ns: also show each call that takes at least this many nanoseconds; None for none.
        linear: equal steps in nanoseconds; None for powers of two.
        filter: time only calls for whose entry this is true.
        in_kernel: fail if the kernel cannot time them, instead of streaming events.
        nested: stream events, so that calls within calls of one thread are all timed.
    """

    places: Sequence[str]
    defaults: ProbeOptions
    on: Sequence[str] = ()
    args: Sequence[str] = ()
    by: Sequence[str] = ()
    above_ns: int | None = None
    linear: Linear | None = None
    filter: str | None = None
    size: int = KEYS
    in_kernel: bool = False
    nested: bool = False

    @property
    def arguments(self) -> list[str]:
        """Return the words to read that not every event has."""
        return list(dict.fromkeys(word for word in (*self.by, *self.args) if word not in KNOWN))


@dataclass(frozen=True, slots=True)
class Pair:
    """The two events, with the fields to carry along."""

    first: CountedEvent
    second: CountedEvent
    keys: tuple[tuple[str, ...], tuple[str, ...]]
    carried: tuple[Carried, ...]
    filters: tuple[str | None, str | None]
