"""The whole examination, in the order in which it is shown."""

from collections.abc import Iterable
from dataclasses import dataclass

from ktrace.doctor import access, lockdown, switches
from ktrace.doctor import other_tracers as others
from ktrace.doctor.abilities import find_abilities
from ktrace.doctor.fact import Fact, usable
from ktrace.doctor.kconfig import config_facts, find_config
from ktrace.doctor.machine import Machine
from ktrace.model.registers import CONVENTIONS


@dataclass(frozen=True, slots=True)
class Report:
    """What was found.

    Attributes:
        facts: one a thing looked at.
        abilities: features of ktrace by name; None where it cannot be known.
    """

    facts: tuple[Fact, ...]
    abilities: dict[str, bool | None]

    @property
    def usable(self) -> bool:
        """Whether kprobes can be used."""
        return usable(self.facts)

    def to_json(self) -> dict[str, object]:
        """The object of `ktrace doctor --json`."""
        return {
            "schema": 1,
            "type": "doctor",
            "usable": self.usable,
            "facts": [
                {"name": f.name, "status": f.status, "value": f.value, "advice": f.advice} for f in self.facts
            ],
            "features": self.abilities,
        }


def examine(machine: Machine, more: Iterable[Fact] = ()) -> Report:
    """Look at everything; `more` facts come last. Never raises for what it finds."""
    config = find_config(machine)
    facts = [
        Fact("kernel", "ok", machine.release),
        arch_fact(machine),
        access.user_fact(machine),
        access.tracefs_fact(machine),
        access.debugfs_fact(machine),
        lockdown.lockdown_fact(machine, config),
        *config_facts(config),
        switches.switch_fact(machine),
        switches.list_fact(machine),
        switches.blacklist_fact(machine),
        switches.ftrace_fact(machine),
        switches.optimization_fact(machine),
        switches.kptr_fact(machine),
        switches.paranoid_fact(machine),
        switches.kallsyms_fact(machine),
        *others.other_facts(machine),
        *more,
    ]
    return Report(tuple(facts), find_abilities(machine))


def arch_fact(machine: Machine) -> Fact:
    """The architecture: where its registers are not known, `--regs` does not work."""
    if machine.arch in CONVENTIONS:
        return Fact("arch", "ok", machine.arch)
    known = ", ".join(CONVENTIONS)
    return Fact("arch", "warn", f"{machine.arch}: its registers are not known", f"--regs works on {known}")
