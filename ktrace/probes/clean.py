"""Find and remove what dead sessions left: instances and probes that are named after their owner."""

import errno
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from ktrace.aggregate.hist import off, removal_order
from ktrace.model.plan import Plan, Step
from ktrace.model.probe import Probe
from ktrace.probes.holders import let_go_steps
from ktrace.tracefs import graph
from ktrace.tracefs.apply import write_patiently
from ktrace.tracefs.dynevents import control_file, list_probes
from ktrace.tracefs.events import all_events, read_triggers
from ktrace.tracefs.files import Files
from ktrace.tracefs.holding import DEAD, Judge, Life, Verdict
from ktrace.tracefs.instances import Owner


@dataclass(frozen=True, slots=True)
class Leftover:
    """Everything that a session made which has ended, or may have ended.

    Attributes:
        triggers: histograms of its instances, as (file, text that removes it), in the order of removal. The
            kernel keeps an instance whose variables another one uses.
        synthetic: names of synthetic events.
        followed: the steps that undo `ktrace graph`: its functions, and the instance that records them.
        held: the steps that disable its events in other buffers.
        verdict: whether the session runs.
    """

    owner: Owner
    instances: tuple[str, ...]
    probes: tuple[Probe, ...]
    triggers: tuple[tuple[str, str], ...] = ()
    synthetic: tuple[str, ...] = ()
    followed: tuple[Step, ...] = ()
    held: tuple[Step, ...] = ()
    verdict: Verdict = DEAD

    @property
    def is_dead(self) -> bool:
        """Return whether it is certain that the session has ended."""
        return self.verdict.life is Life.DEAD

    def to_plan(self) -> Plan:
        """Return the steps that remove it.

        The instance goes first: it may have the probes enabled, and the kernel refuses its removal while the
        session lives.
        """
        why = _why(self.owner)
        steps = [Step(path, text, why) for path, text in self.triggers]
        buffers = [name for name in self.instances if not (self.followed and graph.is_note(name))]
        steps += [Step(f"instances/{name}", "", why, action="rmdir") for name in buffers]
        steps += self.followed
        steps += self.held
        steps += [Step("dynamic_events", f"-:synthetic/{name}", why) for name in self.synthetic]
        events = {probe.event: probe for probe in self.probes}
        steps += [Step(control_file(p), p.to_delete_line(), why) for p in events.values()]
        return Plan(tuple(steps))


@dataclass(slots=True)
class _Made:
    """Everything that has the name of one session."""

    instances: list[str] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    synthetic: list[str] = field(default_factory=list)


def find_leftovers(tracing: Files) -> list[Leftover]:
    """Return what sessions left that have certainly ended, oldest first."""
    return [one for one in find_sessions(tracing) if one.is_dead]


def find_sessions(tracing: Files) -> list[Leftover]:
    """Return what sessions made, oldest first, except sessions that certainly run.

    Raises:
        OSError: the instances or the probes cannot be listed.
    """
    made: dict[Owner, _Made] = {}
    with Judge(tracing) as judge:
        # Not `list_instances`: if the instances cannot be read, a session would seem to have none.
        for name in tracing.list("instances") if tracing.exists("instances") else []:
            if owner := Owner.of_name(name):
                made.setdefault(owner, _Made()).instances.append(name)
        listed, synthetic = list_probes(tracing)
        for probe in listed:
            if owner := Owner.of_name(probe.group):
                made.setdefault(owner, _Made()).probes.append(probe)
        for event in synthetic:
            if owner := Owner.of_name(event.name):
                made.setdefault(owner, _Made()).synthetic.append(event.name)
        verdicts = {owner: judge.of(owner, one.instances) for owner, one in made.items()}
    return [
        _leftover(tracing, owner, made[owner], verdicts[owner])
        for owner in sorted(made, key=lambda o: (o.starttime, o.pid, o.namespace or 0))
        if verdicts[owner] != Verdict(Life.ALIVE)
    ]


def _leftover(tracing: Files, owner: Owner, made: _Made, verdict: Verdict) -> Leftover:
    events = [*(f"synthetic/{name}" for name in made.synthetic), *dict.fromkeys(p.event for p in made.probes)]
    why = _why(owner)
    held = [step for event in events for step in let_go_steps(tracing, event, why, made.instances)]
    return Leftover(
        owner,
        tuple(made.instances),
        tuple(made.probes),
        # Only sessions with synthetic events have histograms that use each other.
        tuple(_triggers(tracing, made.instances)) if made.synthetic else (),
        tuple(made.synthetic),
        _followed(tracing, made.instances),
        tuple(held),
        verdict,
    )


def _why(owner: Owner) -> str:
    return f"left by process {owner.pid}, which has ended"


def _triggers(tracing: Files, instances: Iterable[str]) -> list[tuple[str, str]]:
    """List the histograms of these instances: file and the text that removes it, in the order of removal."""
    found = []
    for name in instances:
        events = tracing.below(f"instances/{name}")
        with suppress(OSError):  # it may be removed meanwhile
            for event in all_events(events):
                path = f"events/{event}/trigger"
                if events.exists(path):  # the kernel's internal events have none
                    found += [
                        (f"instances/{name}/{path}", text)
                        for text in read_triggers(events, event)
                        if text.startswith("hist:")
                    ]
    return [(path, off(text)) for path, text in removal_order(found)]


def _followed(tracing: Files, instances: Iterable[str]) -> tuple[Step, ...]:
    """Return the steps that undo `ktrace graph`, if one of these instances recorded what it did."""
    notes = [name for name in instances if graph.is_note(name)]
    return tuple(step for name in notes for step in graph.release(tracing, name).steps)


def clean(tracing: Files, leftover: Leftover) -> list[tuple[Step, OSError]]:
    """Remove one session's leftovers. Return what could not be removed, with the reason.

    An instance with open files is left alone, and so are its probes.
    """
    failures: list[tuple[Step, OSError]] = []
    for step in leftover.to_plan().steps:
        try:
            write_patiently(tracing, step)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENODEV):
                continue
            failures.append((step, error))
            if step.action == "rmdir":
                break
    return failures
