"""`events/SYSTEM/EVENT/trigger`: actions of the kernel at a hit, in addition to recording it.

See Documentation/trace/events.rst, "Event triggers". An event can have one trigger of each kind, and
`traceon` and `traceoff` are of the same kind. A second one is refused with EEXIST, so other users' triggers
are never replaced, nor removed with our own. Triggers ignore process lists: only their filter restricts them.
"""

import errno
import re
from dataclasses import dataclass
from typing import Literal

from ktrace.errors import Busy, Refused
from ktrace.model.plan import Step
from ktrace.tracefs.events import read_triggers
from ktrace.tracefs.files import Files

Kind = Literal["stacktrace", "snapshot", "traceoff", "traceon"]

_WHY = {
    "stacktrace": "the kernel stack at each hit",
    "snapshot": "a snapshot of the buffer",
    "traceoff": "stop recording",
    "traceon": "begin to record",
}
_LINE = re.compile(r"(\w+)(?::(?:unlimited|count=(\d{1,20})))?(?: if (.*))?\Z")
_SAME = {"traceon": "traceoff", "traceoff": "traceon"}


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger.

    Attributes:
        condition: in the grammar of event filters; None means at each hit.
        count: number of times that it acts; None means always.
    """

    kind: Kind
    condition: str | None = None
    count: int | None = None

    def to_line(self) -> str:
        """Return the line that the kernel reads."""
        count = "" if self.count is None else f":{self.count}"
        return f"{self.kind}{count}" + (f" if {self.condition}" if self.condition else "")


def trigger_step(event: str, trigger: Trigger) -> Step:
    """Return the step that sets a trigger; its undo removes it."""
    path = f"events/{event}/trigger"
    undo = Step(path, f"!{trigger.kind}", f"no more: {_WHY[trigger.kind]}, at {event}")
    when = f" where {trigger.condition}" if trigger.condition else ""
    return Step(path, trigger.to_line(), f"{_WHY[trigger.kind]} at {event}{when}", undo)


def times_left(files: Files, event: str, kind: Kind) -> int | None:
    """Return how many times a trigger with a count will still act; None if there is none."""
    for line in read_triggers(files, event):
        trigger = parse_trigger(line)
        if trigger is not None and trigger.kind == kind and trigger.count is not None:
            return trigger.count
    return None


def parse_trigger(line: str) -> Trigger | None:
    """Parse a line of the file; None if it is of another kind, such as a histogram."""
    match = _LINE.match(line)
    if match is None or match[1] not in _WHY:
        return None
    kind: Kind = match[1]  # type: ignore[assignment]  # it is one of them
    return Trigger(kind, match[3], None if match[2] is None else int(match[2]))


def has(files: Files, event: str, trigger: Trigger) -> bool:
    """Return whether the event has exactly this trigger."""
    return trigger in map(parse_trigger, read_triggers(files, event))


def check_free(files: Files, event: str, trigger: Trigger) -> None:
    """Raise Busy if the event has another trigger of that kind."""
    kinds = (trigger.kind, _SAME.get(trigger.kind))
    for line in read_triggers(files, event):
        there = parse_trigger(line)
        if there is not None and there.kind in kinds and there != trigger:
            raise _taken(files, event, line)


def explain(files: Files, event: str, trigger: Trigger, refused: Refused) -> Refused | Busy:
    """Return why the kernel refused a trigger."""
    if refused.errno == errno.EEXIST:
        names = (trigger.kind, _SAME.get(trigger.kind))
        there = [line for line in read_triggers(files, event) if line.split(":")[0].split(" ")[0] in names]
        what = there[0] if there else trigger.kind
        return _taken(files, event, what)
    if refused.errno == errno.EINVAL and refused.caret is None:
        return Refused(
            f"{event} does not accept '{trigger.to_line()}'",
            errno=refused.errno,
            hint=f"`ktrace show {event.partition('/')[2]}` lists the fields that a condition can name",
        )
    return refused


def _taken(files: Files, event: str, line: str) -> Busy:
    return Busy(
        f"{event} already has a trigger of this kind: {line}",
        hint=f"an event can have one trigger of each kind; see {files.root}/events/{event}/trigger",
    )
