"""What of a run depends on its events: when it begins to record, when it stops, when it takes a snapshot.

The kernel's triggers do it, in the session's own instance, at the hit itself: what came before is kept,
however slow the reader is.
"""

from collections.abc import Callable, Sequence

from ktrace.errors import Refused, Unavailable, UsageError
from ktrace.probes.trigger_conditions import Conditions, _name, find_events
from ktrace.session.session import Session
from ktrace.session.tasks import threads_of
from ktrace.tracefs.buffer import recording
from ktrace.tracefs.triggers import Kind, Trigger, explain, times_left, trigger_step


def set_start_and_stop(session: Session, conditions: Conditions, pids: Sequence[int]) -> None:
    """Before the events are armed. With `start_on` the buffer then waits for it.

    Raises:
        NotFound, UsageError: what is to start it is not an event.
        Refused: a condition that the kernel does not take.
    """
    if conditions.stop_on:
        _set(session, session.events, "traceoff", _restricted(session, conditions.stop_on, pids))
    if conditions.start_on:
        name, condition = _name(conditions.start_on), conditions.start_on.partition(" if ")[2]
        events = find_events(session.tracing, name, session.name)
        if conditions.stop_on and set(events) & set(session.events):
            raise UsageError(
                f"{name} cannot start the recording and stop it, too",
                hint="the kernel has one trigger of these two for each event",
            )
        _set(session, events, "traceon", condition.strip() or None, count=1)
        session.waits = True


def until_stopped(session: Session, conditions: Conditions, wait: Callable[[], bool]) -> Callable[[], bool]:
    """`wait`, which also ends when the recording has been stopped at a hit."""
    if not conditions.stop_on:
        return wait
    starters: list[str] = []
    if conditions.start_on:
        starters = find_events(session.tracing, _name(conditions.start_on), session.name)

    def going_on() -> bool:
        begun = not starters or any(times_left(session.files, e, "traceon") == 0 for e in starters)
        return (recording(session.files) or not begun) and wait()

    return going_on


def set_snapshot(session: Session, conditions: Conditions, pids: Sequence[int]) -> None:
    """When the events are armed: one snapshot for each event, at its first such hit.

    Raises:
        Unavailable: the kernel takes no snapshots.
        Refused: a condition that it does not take.
    """
    if not conditions.snapshot_on:
        return
    if not session.files.exists("snapshot"):
        raise Unavailable("this kernel takes no snapshots (CONFIG_TRACER_SNAPSHOT)", hint="--stop-on works")
    _set(session, session.events, "snapshot", _restricted(session, conditions.snapshot_on, pids), count=1)


def snapshot_taken(session: Session) -> list[str]:
    """Return the events that have taken their snapshot."""
    return [event for event in session.events if times_left(session.files, event, "snapshot") == 0]


def _restricted(session: Session, expression: str, pids: Sequence[int]) -> str:
    """Triggers do not look at the process list: the condition has to, as far as it can."""
    if not pids:
        return f"({expression}) && common_pid != {session.own_ids()[0]}"
    whose = " || ".join(f"common_pid == {pid}" for pid in threads_of(session.host, pids, children=False))
    return f"({expression}) && ({whose})"


def _set(
    session: Session, events: Sequence[str], kind: Kind, condition: str | None, count: int | None = None
) -> None:
    trigger = Trigger(kind, condition, count)
    for event in events:
        try:
            session.apply(trigger_step(event, trigger))
        except Refused as refused:
            raise explain(session.files, event, trigger, refused) from refused
