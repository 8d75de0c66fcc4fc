"""Find out which of ktrace's features this kernel supports, by asking the kernel, not its version."""

from dataclasses import asdict, fields

from ktrace.doctor.kconfig import find_features
from ktrace.doctor.machine import Machine
from ktrace.tracefs.features import Features

# The kernel's feature, and the name that a user knows for what ktrace does with it.
_WORDS = {
    "kprobes": "probes at functions, offsets and returns",
    "uprobes": "probes in programs",
    "fprobe": "fprobes",
    "tracepoint_probe": "tracepoint probes",
    "eprobe": "event probes",
    "btf_args": "the kernel's $args",
    "btf_members": "the kernel's ->members",
    "hist_triggers": "histograms",
    "synthetic_events": "latencies",
    "snapshot": "snapshots",
    "dentry_names": "%pd names",
    "symstr": "symstr",
    "all_kprobes": "everybody's kprobes in list",
    "btf": "BTF",
}


def find_abilities(machine: Machine) -> dict[str, bool | None]:
    """Return each feature by its field's name in `Features`, and two more; None if it is not known.

    `all_kprobes`: debugfs kprobes/list can be read. `btf`: /sys/kernel/btf/vmlinux can be read.
    """
    features = find_features(machine)
    known: dict[str, bool | None] = dict.fromkeys(field.name for field in fields(Features))
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
    works = [words for name, words in _WORDS.items() if abilities.get(name)]
    lacks = [words for name, words in _WORDS.items() if abilities.get(name) is False]
    return works, lacks
