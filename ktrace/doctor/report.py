"""Run all checks, in the order in which they are shown."""

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
    """The results of all checks.

    Attributes:
        facts: one fact for each check.
        abilities: the features of ktrace by name; None if it is not known.
    """

    facts: tuple[Fact, ...]
    abilities: dict[str, bool | None]

    @property
    def usable(self) -> bool:
        """Return whether kprobes can be used."""
        return usable(self.facts)

    def to_json(self) -> dict[str, object]:
        """Return the object of `ktrace doctor --json`."""
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
    """Run all checks, and append the facts `more`.

    Never raises an error for what it finds.
    """
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
    """Check the architecture: `--regs` works only if its registers are known."""
    if machine.arch in CONVENTIONS:
        return Fact("arch", "ok", machine.arch)
    known = ", ".join(CONVENTIONS)
    return Fact("arch", "warn", f"{machine.arch}: its registers are not known", f"--regs works on {known}")
