"""Find out which of ktrace's features this kernel supports, by asking the kernel, not its version."""

from dataclasses import asdict

from ktrace.doctor.kconfig import find_features
from ktrace.doctor.machine import Machine
from ktrace.model.features import ELSEWHERE, FEATURES


def find_abilities(machine: Machine) -> dict[str, bool | None]:
    """Return each feature of `model.features` by its name; None if it is not known."""
    features = find_features(machine)
    known: dict[str, bool | None] = dict.fromkeys(one.name for one in (*FEATURES, *ELSEWHERE))
    if features is not None:
        known |= asdict(features)
    debug = machine.debug()
    known["all_kprobes"] = debug is not None and isinstance(
        machine.read_bytes(f"{debug}/kprobes/list", 1), bytes
    )
    known["btf"] = isinstance(machine.read_bytes("/sys/kernel/btf/vmlinux", 1), bytes)
    return known


def in_words(abilities: dict[str, bool | None]) -> tuple[list[str], list[str]]:
    """Return what works and what does not, for a person; features that are not known are in neither list."""
    works = [one.gives for one in (*FEATURES, *ELSEWHERE) if one.gives and abilities.get(one.name)]
    lacks = [one.gives for one in (*FEATURES, *ELSEWHERE) if one.gives and abilities.get(one.name) is False]
    return works, lacks
