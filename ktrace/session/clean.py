"""Finding and removing what dead sessions left: instances and probes named after their owner."""

import errno
from dataclasses import dataclass

from ktrace.model.plan import Plan, Step
from ktrace.model.probe import Probe
from ktrace.tracefs.apply import write_step
from ktrace.tracefs.dynevents import control_file, list_probes
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import Owner, list_instances


@dataclass(frozen=True, slots=True)
class Leftover:
    """What one dead session left."""

    owner: Owner
    instances: tuple[str, ...]
    probes: tuple[Probe, ...]

    def to_plan(self) -> Plan:
        """How it is removed. The instance goes first: it may hold the probes switched on."""
        why = f"left by process {self.owner.pid}, which has ended"
        steps = [Step(f"instances/{name}", "", why, action="rmdir") for name in self.instances]
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
    for probe in list_probes(tracing)[0]:
        owner = Owner.of_name(probe.group)
        if owner:
            probes.setdefault(owner, []).append(probe)
    return [
        Leftover(owner, tuple(instances.get(owner, ())), tuple(probes.get(owner, ())))
        for owner in sorted({*instances, *probes}, key=lambda o: (o.starttime, o.pid))
        if not owner.is_alive
    ]


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
