"""Finding and removing what dead sessions left: instances and probes named after their owner."""

import errno
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from ktrace.aggregate.hist import off, removal_order
from ktrace.model.plan import Plan, Step
from ktrace.model.probe import Probe
from ktrace.tracefs import graph
from ktrace.tracefs.apply import write_step
from ktrace.tracefs.dynevents import control_file, list_probes
from ktrace.tracefs.events import all_events, read_triggers
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import Owner, list_instances


@dataclass(frozen=True, slots=True)
class Leftover:
    """What one dead session left.

    Attributes:
        triggers: histograms of its instances, as (file, what takes it off), in the order in which they go:
            the kernel keeps an instance as long as one uses the variables of another.
        synthetic: names of synthetic events.
        followed: how the functions of which it had the calls followed are taken back, and the instance
            that notes them with them.
    """

    owner: Owner
    instances: tuple[str, ...]
    probes: tuple[Probe, ...]
    triggers: tuple[tuple[str, str], ...] = ()
    synthetic: tuple[str, ...] = ()
    followed: tuple[Step, ...] = ()

    def to_plan(self) -> Plan:
        """How it is removed. The instance goes first: it may hold the probes switched on."""
        why = f"left by process {self.owner.pid}, which has ended"
        steps = [Step(path, text, why) for path, text in self.triggers]
        buffers = [name for name in self.instances if not (self.followed and graph.is_note(name))]
        steps += [Step(f"instances/{name}", "", why, action="rmdir") for name in buffers]
        steps += self.followed
        steps += [Step("dynamic_events", f"-:synthetic/{name}", why) for name in self.synthetic]
        events = {probe.event: probe for probe in self.probes}
        steps += [Step(control_file(p), p.to_delete_line(), why) for p in events.values()]
        return Plan(tuple(steps))


def find_leftovers(tracing: Files) -> list[Leftover]:
    """Everything whose name says that a process made it which is no more."""
    instances: dict[Owner, list[str]] = {}
    probes: dict[Owner, list[Probe]] = {}
    for name in list_instances(tracing):
        owner = Owner.of_name(name)
        if owner:
            instances.setdefault(owner, []).append(name)
    synthetic: dict[Owner, list[str]] = {}
    listed, made = list_probes(tracing)
    for probe in listed:
        owner = Owner.of_name(probe.group)
        if owner:
            probes.setdefault(owner, []).append(probe)
    for event in made:
        owner = Owner.of_name(event.name)
        if owner:
            synthetic.setdefault(owner, []).append(event.name)
    return [
        Leftover(
            owner,
            tuple(instances.get(owner, ())),
            tuple(probes.get(owner, ())),
            # Only who has synthetic events has histograms that use each other.
            tuple(_triggers(tracing, instances.get(owner, ()))) if owner in synthetic else (),
            tuple(synthetic.get(owner, ())),
            _followed(tracing, instances.get(owner, ())),
        )
        for owner in sorted({*instances, *probes, *synthetic}, key=lambda o: (o.starttime, o.pid))
        if not owner.is_alive
    ]


def _triggers(tracing: Files, instances: Iterable[str]) -> list[tuple[str, str]]:
    """The histograms of these instances: file and what takes it off, in the kernel's order of removal."""
    found = []
    for name in instances:
        events = tracing.below(f"instances/{name}")
        with suppress(OSError):  # it may go while we look
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
    """What undoes `ktrace graph`, where one of these instances notes what it did."""
    notes = [name for name in instances if graph.is_note(name)]
    return tuple(step for name in notes for step in graph.release(tracing, name).steps)


def clean(tracing: Files, leftover: Leftover) -> list[tuple[Step, OSError]]:
    """Remove one session's leftovers; what could not be removed is returned with the reason.

    An instance that somebody reads is left alone, and with it the probes: its owner may run in
    another process namespace, where it cannot be seen from here.
    """
    failures: list[tuple[Step, OSError]] = []
    for step in leftover.to_plan().steps:
        try:
            write_step(tracing, step)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENODEV):
                continue
            failures.append((step, error))
            if step.action == "rmdir":
                break
    return failures
