"""Spell hist triggers, with which the kernel counts hits itself.

See Documentation/trace/histogram.rst. A histogram is a trigger of an event, which ktrace sets in its own
instance. The file `hist` next to the trigger has the counts: see `ktrace.aggregate.hist_file`.
"""

import re
from collections.abc import Iterable
from typing import Literal, cast

from ktrace.errors import UsageError
from ktrace.model.plan import Step
from ktrace.records import dataclass

Modifier = Literal[
    "", "hex", "sym", "sym-offset", "execname", "syscall", "log2", "buckets", "usecs", "stacktrace",
    "percent", "graph",
]  # fmt: skip

KEYS_MAX = 3
VALUES_MAX = 2  # not counting the hit count
SIZE_DEFAULT = 2048
SIZE_MIN = 128
SIZE_MAX = 131072

_TERM = re.compile(
    r"(?P<field>.*?)(?:\.(?P<modifier>hex|sym-offset|sym|execname|syscall|log2|usecs|stacktrace|percent|graph"
    r"|buckets=(?P<width>\d{1,18})))?\Z",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Term:
    """A key or value: a field, or an expression, and how it is grouped and printed.

    Attributes:
        width: the number of integers in each bucket, for `buckets`.
    """

    field: str
    modifier: Modifier = ""
    width: int = 0

    def to_text(self) -> str:
        """Return the term in the trigger's grammar."""
        if not self.modifier:
            return self.field
        return f"{self.field}.{self.modifier}" + (f"={self.width}" if self.modifier == "buckets" else "")

    @classmethod
    def parse(cls, text: str) -> "Term":
        """Read `FIELD[.MODIFIER]`. An unknown modifier belongs to the field."""
        match = _TERM.match(text)
        assert match is not None  # any text matches
        if match["width"]:
            return cls(match["field"], "buckets", int(match["width"]))
        return cls(match["field"], cast(Modifier, match["modifier"] or ""))


HITCOUNT = "hitcount"
ALIASES = {
    "cpu": "common_cpu",
    "common_cpucommon_cpu": "common_cpu",  # Linux 7.3 prints this in a trigger, but does not accept it
    "stacktrace": "common_stacktrace",
}
"""Other names of fields that all events have. Kernels differ in which name they print."""


@dataclass(frozen=True, slots=True)
class Hist:
    """One hist trigger.

    Attributes:
        keys: one to three keys.
        values: fields summed up for each key, in addition to the hit count.
        variables: names and expressions, which other events' histograms can use.
        sort: keys or values to sort by, each with whether to sort in descending order; empty for the
            kernel's order, by hits.
        size: the most keys that the table holds; a power of two.
        name: the name of a table that several events share.
        clock: the clock of time stamps; None for the kernel's default.
        actions: for example `onmatch(GROUP.EVENT).trace(NAME,$var)`.
        filter: count only hits that pass this filter.
    """

    keys: tuple[Term, ...]
    values: tuple[Term, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    sort: tuple[tuple[Term, bool], ...] = ()
    size: int = SIZE_DEFAULT
    name: str | None = None
    clock: str | None = None
    actions: tuple[str, ...] = ()
    filter: str | None = None

    def checked(self) -> "Hist":
        """Return the trigger. Raises UsageError for errors that the kernel does not explain."""
        if not 1 <= len(self.keys) <= KEYS_MAX:
            raise UsageError(f"the kernel counts by one to {KEYS_MAX} keys, not by {len(self.keys)}")
        if len(self.values) > VALUES_MAX:
            raise UsageError(f"the kernel sums up at most {VALUES_MAX} values at a time")
        if not SIZE_MIN <= self.size <= SIZE_MAX:
            raise UsageError(f"a table for {self.size} keys: the kernel takes {SIZE_MIN} to {SIZE_MAX}")
        return self

    def to_text(self, word: str = "") -> str:
        """Return the trigger's line, in the order in which the kernel prints it back.

        Args:
            word: a command for an existing trigger: `pause`, `cont` or `clear`.
        """
        parts = ["hist"]
        if self.name:
            parts.append(f"name={self.name}")
        parts.append("keys=" + ",".join(key.to_text() for key in self.keys))
        if self.values:
            parts.append("vals=" + ",".join((HITCOUNT, *(value.to_text() for value in self.values))))
        if self.variables:
            parts.append(",".join(f"{name}={expression}" for name, expression in self.variables))
        if self.sort:
            parts.append("sort=" + ",".join(f"{t.field}.{_direction(down)}" for t, down in self.sort))
        parts.append(f"size={self.size}")
        if self.clock:
            parts.append(f"clock={self.clock}")
        parts += self.actions
        if word:
            parts.append(word)
        return ":".join(parts) + (f" if {self.filter}" if self.filter else "")

    def step(self, event: str, why: str) -> Step:
        """Return the step that sets the trigger on `GROUP/NAME`. Its undo step removes the trigger."""
        path = f"events/{event}/trigger"
        text = self.to_text()
        return Step(path, text, why, Step(path, "!" + text, f"no more: {why}"))


def pause_step(event: str, hist: Hist) -> Step:
    """Return the step that pauses a trigger of `GROUP/NAME`. Its table stays."""
    return Step(f"events/{event}/trigger", hist.to_text("pause"), "count no more")


def hist_path(event: str) -> str:
    """Return the path of the `hist` file of `GROUP/NAME`."""
    return f"events/{event}/hist"


def round_size(entries: int) -> int:
    """Return the smallest size that the kernel accepts for this many keys."""
    return max(SIZE_MIN, min(SIZE_MAX, 1 << max(entries - 1, 0).bit_length()))


def both(*conditions: str | None) -> str | None:
    """Return a filter that requires all conditions, or None if there are none."""
    given = [c for c in conditions if c]
    return given[0] if len(given) == 1 else " && ".join(f"({c})" for c in given) or None


def removal_order(triggers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Sort hist triggers, as (event, text as printed), so that the kernel allows their removal.

    A trigger that uses another trigger's variables is removed before that one. A synthetic event can be
    removed only after all of them.
    """

    def users_first(trigger: tuple[str, str]) -> int:
        text = trigger[1]
        return 0 if "onmatch(" in text or "onmax(" in text or "onchange(" in text or "=$" in text else 1

    return sorted(triggers, key=users_first)


def off(printed: str) -> str:
    """Return the text that removes a hist trigger, given the trigger as the kernel printed it."""
    printed = printed.replace("common_cpucommon_cpu", "common_cpu")
    return "!" + re.sub(r" \[(?:active|paused)\]\Z", "", printed)


def _direction(descending: bool) -> str:
    return "descending" if descending else "ascending"
