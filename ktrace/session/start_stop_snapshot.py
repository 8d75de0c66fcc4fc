"""Let events of a run start or stop the recording, or take a snapshot.

The kernel's triggers do it at the hit itself, in the session's own instance. So the events before the hit
are kept, however slow the reader is.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from ktrace.errors import Refused, Unavailable, UsageError
from ktrace.probes.trigger_conditions import Conditions, _name, find_events
from ktrace.session.session import Session
from ktrace.session.tasks import threads_of
from ktrace.tracefs.buffer import recording
from ktrace.tracefs.triggers import Kind, Trigger, explain, times_left, trigger_step

Spell: TypeAlias = Callable[[str, str], str]
"""Returns a filter of an event, `GROUP/NAME`, in the kernel's syntax."""


def _as_it_is(_event: str, expression: str) -> str:
    return expression


def set_start_and_stop(
    session: Session, conditions: Conditions, pids: Sequence[int], spell: Spell = _as_it_is
) -> None:
    """Set the triggers that start and stop the recording. Call this before the events are enabled.

    With `start_on`, the buffer then waits for that event.

    Args:
        spell: translates the conditions.

    Raises:
        NotFound, UsageError: `start_on` does not name an event.
        Refused: the kernel does not accept a condition.
    """
    if conditions.stop_on:
        for event in session.events:
            condition = _restricted(session, spell(event, conditions.stop_on), pids)
            _set(session, event, "traceoff", condition)
    if conditions.start_on:
        name, condition = _name(conditions.start_on), conditions.start_on.partition(" if ")[2]
        events = find_events(session.tracing, name, session.name)
        if conditions.stop_on and set(events) & set(session.events):
            raise UsageError(
                f"{name} cannot both start and stop the recording",
                hint="the kernel has one trigger of these two for each event",
            )
        for event in events:
            _set(session, event, "traceon", spell(event, condition.strip()) or None, count=1)
        session.waits = True


def until_stopped(session: Session, conditions: Conditions, wait: Callable[[], bool]) -> Callable[[], bool]:
    """Return a version of `wait` that also ends the run when a hit has stopped the recording."""
    if not conditions.stop_on:
        return wait
    starters: list[str] = []
    if conditions.start_on:
        starters = find_events(session.tracing, _name(conditions.start_on), session.name)

    def going_on() -> bool:
        begun = not starters or any(times_left(session.files, e, "traceon") == 0 for e in starters)
        return (recording(session.files) or not begun) and wait()

    return going_on


def set_snapshot(
    session: Session, conditions: Conditions, pids: Sequence[int], spell: Spell = _as_it_is
) -> None:
    """Set triggers that take a snapshot at each event's first such hit. The events must be enabled.

    Args:
        spell: translates the condition.

    Raises:
        Unavailable: the kernel cannot take snapshots.
        Refused: the kernel does not accept a condition.
    """
    if not conditions.snapshot_on:
        return
    if not session.files.exists("snapshot"):
        raise Unavailable(
            "this kernel cannot take snapshots (CONFIG_TRACER_SNAPSHOT)", hint="--stop-on works"
        )
    for event in session.events:
        condition = _restricted(session, spell(event, conditions.snapshot_on), pids)
        _set(session, event, "snapshot", condition, count=1)


def snapshot_taken(session: Session) -> list[str]:
    """Return the events that have taken their snapshot."""
    return [event for event in session.events if times_left(session.files, event, "snapshot") == 0]


def _restricted(session: Session, expression: str, pids: Sequence[int]) -> str:
    """Restrict a condition to the run's tasks, as far as possible: triggers ignore the process list."""
    if not pids:
        return f"({expression}) && common_pid != {session.own_ids()[0]}"
    whose = " || ".join(f"common_pid == {pid}" for pid in threads_of(session.host, pids, children=False))
    return f"({expression}) && ({whose})"


def _set(session: Session, event: str, kind: Kind, condition: str | None, count: int | None = None) -> None:
    trigger = Trigger(kind, condition, count)
    try:
        session.apply(trigger_step(event, trigger))
    except Refused as refused:
        raise explain(session.files, event, trigger, refused) from refused
