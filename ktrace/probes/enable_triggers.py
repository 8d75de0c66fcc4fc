"""Set and remove triggers in the top buffer, for `enable` and `disable`.

Everybody shares that buffer. An existing trigger is left alone: an equal one is used, and is not removed if
something else fails; another one of the same kind belongs to somebody else, and is an error.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ktrace.errors import Refused
from ktrace.model.plan import Step
from ktrace.model.probe import Probe
from ktrace.probes.trigger_conditions import Conditions, find_events
from ktrace.tracefs import buffer
from ktrace.tracefs.apply import Applied
from ktrace.tracefs.events import read_triggers
from ktrace.tracefs.files import Files
from ktrace.tracefs.triggers import Trigger, check_free, explain, has, parse_trigger, trigger_step


def wanted_triggers(stack: bool, conditions: Conditions) -> list[Trigger]:
    """Return the triggers to set on each event."""
    wanted = [Trigger("stacktrace")] if stack else []
    if conditions.snapshot_on:
        wanted.append(Trigger("snapshot", conditions.snapshot_on))
    if conditions.stop_on:
        wanted.append(Trigger("traceoff", conditions.stop_on))
    return wanted


def set_triggers(
    tracing: Files,
    probes: Sequence[Probe],
    stack: bool,
    conditions: Conditions,
    *,
    between: Callable[[], None],
    spell: Callable[[str, str], str] = lambda _event, expression: expression,
) -> Applied:
    """Set all of them, or none.

    Args:
        between: called before each trigger. What it raises ends the work; every trigger is removed.
        spell: returns a condition of an event, `GROUP/NAME`, in the kernel's syntax.

    Returns:
        What undoes it, until `keep` is called.

    Raises:
        Busy: an event has another trigger of the same kind.
        Refused: the kernel does not accept a condition.
    """
    pairs = [
        (p.event, replace(t, condition=spell(p.event, t.condition)) if t.condition else t)
        for p in probes
        for t in wanted_triggers(stack, conditions)
    ]
    if conditions.start_on:
        name, _, condition = conditions.start_on.partition(" if ")
        pairs += [
            (event, Trigger("traceon", spell(event, condition.strip()) or None))
            for event in find_events(tracing, name.strip(), "")
        ]
    applied = Applied(tracing)
    if conditions.snapshot_on and buffer.snapshot_is_freed(tracing):
        # The kernel allocates the snapshot with the trigger, and keeps it after the trigger.
        applied.will_undo(Step("snapshot", "0", "free the snapshot's memory", action="write"))
    try:
        for event, trigger in pairs:
            between()
            check_free(tracing, event, trigger)
            if has(tracing, event, trigger):
                continue
            try:
                applied.apply(trigger_step(event, trigger))
            except Refused as refused:
                raise explain(tracing, event, trigger, refused) from refused
        if conditions.start_on and buffer.recording(tracing):
            on = Step("tracing_on", "1", "record again", action="write")
            applied.apply(Step("tracing_on", "0", "wait for the event", on, action="write"))
    except BaseException:
        applied.undo_all()
        raise
    return applied


def clear_triggers(tracing: Files, probes: Sequence[Probe], *, between: Callable[[], None]) -> Applied:
    """Remove the triggers that `enable` sets, whoever set them. Histograms stay.

    Args:
        between: called before each trigger. What it raises ends the work; every trigger is put back.

    Returns:
        What sets them again.
    """
    applied = Applied(tracing)
    try:
        for probe in probes:
            path = f"events/{probe.event}/trigger"
            # The newest is listed first: setting them in reverse restores the order.
            for line in read_triggers(tracing, probe.event):
                trigger = parse_trigger(line)
                if trigger is not None:
                    between()
                    again = Step(path, trigger.to_line(), f"set again: {trigger.kind}")
                    applied.apply(Step(path, f"!{trigger.kind}", f"no more {trigger.kind}", again))
    except BaseException:
        applied.undo_all()
        raise
    return applied
