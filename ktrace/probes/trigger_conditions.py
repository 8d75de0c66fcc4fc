"""Parse the conditions that start, stop or snapshot a run, into events and filters of kernel triggers."""

from dataclasses import dataclass

from ktrace.errors import NotFound
from ktrace.probes.listing import select
from ktrace.tracefs.dynevents import list_probes
from ktrace.tracefs.events import find_static
from ktrace.tracefs.files import Files


@dataclass(frozen=True, slots=True)
class Conditions:
    """When to record.

    Attributes:
        start_on: an event, optionally followed by ` if EXPR`; None records from the beginning.
        stop_on: stop at the first hit of a traced event for which this filter holds.
        snapshot_on: show only what the buffer holds at such a hit.
    """

    start_on: str | None = None
    stop_on: str | None = None
    snapshot_on: str | None = None

    def __bool__(self) -> bool:
        return any((self.start_on, self.stop_on, self.snapshot_on))


def find_events(tracing: Files, name: str, group: str) -> list[str]:
    """Return the events of that name, `GROUP/NAME`, with wildcards, including those of this run."""
    own = f"{group}/{name}"
    if tracing.exists(f"events/{own}/enable") and "/" not in name and ".." not in name:
        return [own]
    found = find_static(tracing, name)
    if found:
        return found
    try:
        return [probe.event for probe in select(list_probes(tracing)[0], [name])]
    except NotFound:
        raise NotFound(
            f"there is no event '{name}' to begin at",
            hint="SYSTEM:EVENT, such as sched:sched_process_exec, or a probe's name: `ktrace list`",
        ) from None


def _name(start_on: str) -> str:
    return start_on.partition(" if ")[0].strip()
