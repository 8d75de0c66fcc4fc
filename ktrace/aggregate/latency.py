"""The time between two events, taken in the kernel: who remembers what, and in which order it is set.

The first event's histogram remembers the time (and what else is asked for) under a key; the second's takes
the difference under the same key and hands it, as a synthetic event, to a third histogram. See
Documentation/trace/histogram-design.rst. What was remembered is forgotten when it is taken: the second of
two calls of one key is timed right, the first is not timed at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ktrace.aggregate.hist import Hist, Term, both
from ktrace.aggregate.keys import is_text
from ktrace.errors import UsageError
from ktrace.model.fetch_types import INTEGERS
from ktrace.model.format import Field
from ktrace.model.plan import Step

LATENCY = "lat"
"""The field of the synthetic event, in nanoseconds."""

TIMED = f"{LATENCY} < {1 << 63}"
"""The filter for times that are times: a difference below zero, as between two CPUs' clocks, wraps."""

_TIME = "ts0"
_VARIABLES_MAX = 15  # sixteen, of which one is the time

# What the kernel's parser of synthetic events knows.
_TYPES = {
    *(one.ctype for one in INTEGERS),
    "int", "unsigned int", "long", "unsigned long", "char", "unsigned char", "bool", "pid_t", "gfp_t",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Carried:
    """A field that goes with the time.

    Attributes:
        name: as it is asked for.
        field: of the first event, or of the second.
        at_first: which of them.
    """

    name: str
    field: Field
    at_first: bool


@dataclass(frozen=True, slots=True)
class Latency:
    """What is timed.

    Attributes:
        name: of the synthetic event.
        first, second: `GROUP/NAME`.
        keys: for each of the events: the fields that must be alike.
        carried: what else is kept of a pair.
        clock: of the time stamps.
        filters: for each of the events.
        size: pairs that may be under way at a time.
    """

    name: str
    first: str
    second: str
    keys: tuple[tuple[str, ...], tuple[str, ...]]
    carried: tuple[Carried, ...] = ()
    clock: str = "mono"
    filters: tuple[str | None, str | None] = (None, None)
    size: int = 8192

    @property
    def event(self) -> str:
        """`synthetic/NAME`."""
        return f"synthetic/{self.name}"

    def checked(self) -> "Latency":
        """Return this, or raise UsageError where the kernel would refuse it without a reason."""
        if len(self.carried) > _VARIABLES_MAX:
            raise UsageError(
                f"the kernel carries at most {_VARIABLES_MAX} values from one event to the other"
            )
        return self

    def define_step(self) -> Step:
        """Return the step that makes the synthetic event; it can be undone once no histogram uses it."""
        fields = [
            f"u64 {LATENCY}",
            *(f"{_type_of(c.field)} {_name(i)}" + _brackets(c.field) for i, c in self._numbered),
        ]
        return Step(
            "dynamic_events",
            f"s:{self.name} {'; '.join(fields)}",
            f"an event for the time from {self.first} to {self.second}",
            Step("dynamic_events", f"-:{self.event}", f"remove {self.event}"),
        )

    def first_hist(self) -> Hist:
        """Remembers."""
        kept = tuple((f"a{i}", c.field.name) for i, c in self._numbered if c.at_first)
        return Hist(
            tuple(map(Term, self.keys[0])),
            variables=((_TIME, "common_timestamp"), *kept),
            size=self.size,
            clock=self.clock,
            filter=self.filters[0],
        ).checked()

    def second_hist(self) -> Hist:
        """Return the trigger that takes the difference, and hands it on."""
        kept = tuple((_name(i), f"$a{i}" if c.at_first else c.field.name) for i, c in self._numbered)
        handed = ",".join(f"${name}" for name in ("taken", *(name for name, _ in kept)))
        return Hist(
            tuple(map(Term, self.keys[1])),
            variables=(("taken", f"common_timestamp-${_TIME}"), *kept),
            size=self.size,
            clock=self.clock,
            actions=(f"onmatch({self.first.replace('/', '.', 1)}).trace({self.name},{handed})",),
            filter=self.filters[1],
        ).checked()

    def field_of(self, name: str) -> str | None:
        """Return the synthetic event's field for what is carried under this name."""
        return next((_name(i) for i, c in self._numbered if c.name == name), None)

    @property
    def _numbered(self) -> Sequence[tuple[int, Carried]]:
        return list(enumerate(self.carried))


def function_filter(filter_: str | None) -> tuple[str | None, str]:
    """Return the filters for a function's entry and its return, where a thread is the key.

    The idle tasks of all CPUs share one id: their calls cannot be told apart, and are left out.
    """
    return both(filter_, "common_pid != 0"), "common_pid != 0"


def _name(number: int) -> str:
    return f"v{number}"


def _type_of(field: Field) -> str:
    if is_text(field):
        return "char"
    if field.ctype in _TYPES:
        return field.ctype
    return f"{'s' if field.signed else 'u'}{8 * field.size}"


def _brackets(field: Field) -> str:
    return "[]" if is_text(field) else ""
