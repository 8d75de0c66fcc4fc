"""Have the kernel measure the time between two events.

A histogram on the first event saves the time, and other requested fields, under a key. A histogram on the
second event subtracts the time saved under the same key, and passes the difference on as a synthetic event,
which a third histogram counts. See Documentation/trace/histogram-design.rst.

A saved time is used only once, and a later first event with the same key replaces it: of two overlapping
calls with the same key, the second is timed correctly and the first is not timed.
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
"""A filter that drops negative times, which wrap: the clocks of two CPUs may differ."""

_TIME = "ts0"
_VARIABLES_MAX = 15  # the kernel's limit is 16, and one is the time

# The types that the kernel's parser of synthetic events accepts.
_TYPES = {
    *(one.ctype for one in INTEGERS),
    "int", "unsigned int", "long", "unsigned long", "char", "unsigned char", "bool", "pid_t", "gfp_t",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Carried:
    """A field that is passed on with the time.

    Attributes:
        name: the name by which it is requested.
        field: a field of the first or the second event.
        at_first: whether it is a field of the first event.
    """

    name: str
    field: Field
    at_first: bool


@dataclass(frozen=True, slots=True)
class Latency:
    """A measurement of the time between two events.

    Attributes:
        name: the name of the synthetic event.
        first, second: the events, as `GROUP/NAME`.
        keys: the key fields of the first and of the second event; a pair has equal values in them.
        carried: further fields to keep of a pair.
        clock: the clock of the time stamps.
        filters: the filters of the first and of the second event.
        size: the most pairs that may be open at a time.
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
        """Return the synthetic event as `synthetic/NAME`."""
        return f"synthetic/{self.name}"

    def checked(self) -> "Latency":
        """Return self. Raise UsageError if the kernel would refuse it without giving a reason."""
        if len(self.carried) > _VARIABLES_MAX:
            raise UsageError(
                f"the kernel carries at most {_VARIABLES_MAX} values from one event to the other"
            )
        return self

    def define_step(self) -> Step:
        """Return the step that creates the synthetic event. It can be undone when no histogram uses it."""
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
        """Return the trigger that saves the time of the first event."""
        kept = tuple((f"a{i}", c.field.name) for i, c in self._numbered if c.at_first)
        return Hist(
            tuple(map(Term, self.keys[0])),
            variables=((_TIME, "common_timestamp"), *kept),
            size=self.size,
            clock=self.clock,
            filter=self.filters[0],
        ).checked()

    def second_hist(self) -> Hist:
        """Return the trigger that computes the difference and passes it on."""
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
        """Return the synthetic event's field for the carried field of this name; None if there is none."""
        return next((_name(i) for i, c in self._numbered if c.name == name), None)

    @property
    def _numbered(self) -> Sequence[tuple[int, Carried]]:
        return list(enumerate(self.carried))


def function_filter(filter_: str | None) -> tuple[str | None, str]:
    """Return the filters for a function's entry and its return, for calls paired by thread.

    Calls by idle tasks are left out, because the idle tasks of all CPUs have the same thread id.
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
