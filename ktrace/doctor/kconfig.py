"""Find the kernel's configuration in a file, or infer it from the kernel's files.

A configuration is a text of lines `CONFIG_NAME=y` and `# CONFIG_NAME is not set`: see
Documentation/kbuild/kconfig-language.rst.
"""

import gzip
import re
import zlib
from dataclasses import dataclass

from ktrace.doctor.fact import OR_VM, Fact, Status
from ktrace.doctor.machine import Machine
from ktrace.model.features import Features
from ktrace.tracefs.features import read_features

# Without CONFIG_KALLSYMS_ALL, a few dozen data symbols of the text sections remain.
_MANY_DATA_SYMBOLS = 1000
_DATA_SYMBOL = re.compile(r"^[0-9a-f]+ [dDbB] [^\t\n]+$", re.MULTILINE)
_LINE = re.compile(r"^(?:CONFIG_(\w+)=(.*)|# CONFIG_(\w+) is not set)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Option:
    """An option that ktrace uses, with the status and the loss without it."""

    name: str
    without: Status
    loss: str


OPTIONS = (
    Option("KPROBES", "bad", "no kprobes at all"),
    Option("KPROBE_EVENTS", "bad", "no kprobe_events: kprobes for kernel modules alone"),
    Option("FPROBE_EVENTS", "warn", "no fprobe and no tracepoint probes (f:, t:)"),
    Option("HIST_TRIGGERS", "warn", "no histograms in the kernel"),
    Option("SYNTH_EVENTS", "warn", "no synthetic events, so no latencies in the kernel"),
    Option("DEBUG_INFO_BTF", "warn", "no argument names and struct members from the kernel itself"),
    Option("KALLSYMS_ALL", "warn", "@SYMBOL and :symbol find no data symbols"),
)


@dataclass(frozen=True, slots=True)
class Kconfig:
    """A configuration and its source: a file, or a note that there is none.

    Attributes:
        values: the values by option, without `CONFIG_`; `n` for an option that is not set.
        inferred: whether the values are inferred from the kernel's files.
    """

    source: str
    values: dict[str, str]
    inferred: bool = False

    def get(self, name: str) -> str | None:
        """Return `y`, `m`, `n` or a value, or None if it is not known."""
        # A configuration file omits an option if the options it depends on are not set.
        return self.values.get(name, None if self.inferred else "n")


def parse_config(text: str) -> dict[str, str]:
    """Return options and their values; `n` for those that are not set."""
    return {m[1] or m[3]: m[2] if m[1] else "n" for m in _LINE.finditer(text)}


def places(release: str) -> tuple[str, ...]:
    """Return the paths where configurations are, the best first.

    /proc/config.gz is that of the running kernel; the others are files for its version.
    """
    return ("/proc/config.gz", f"/boot/config-{release}", f"/lib/modules/{release}/config")


def find_config(machine: Machine) -> Kconfig:
    """Return the first configuration that can be read, or else infer it from the kernel's files."""
    return read_config(machine) or infer_config(machine)


def read_config(machine: Machine) -> Kconfig | None:
    """Return the first configuration that can be read."""
    for place in places(machine.release):
        data = machine.read_bytes(place)
        if isinstance(data, int):
            continue
        if place.endswith(".gz"):
            try:
                data = gzip.decompress(data)
            except (OSError, EOFError, zlib.error):
                continue
        values = parse_config(data.decode("utf-8", "replace"))
        if values:
            return Kconfig(place, values)
    return None


def infer_config(machine: Machine) -> Kconfig:
    """Infer options from files that exist only with an option, or are missing only without it."""
    seen: dict[str, bool | None] = {
        "KPROBES": _kprobes(machine),
        "DEBUG_INFO_BTF": _btf(machine),
        "KALLSYMS_ALL": _kallsyms_all(machine),
    }
    features = find_features(machine)
    if features:
        seen |= {
            "KPROBE_EVENTS": features.kprobes,
            "FPROBE_EVENTS": features.fprobe,
            "HIST_TRIGGERS": features.hist_triggers,
            "SYNTH_EVENTS": features.synthetic_events,
        }
        if features.kprobes:
            seen["KPROBES"] = True
    values = {name: "y" if value else "n" for name, value in seen.items() if value is not None}
    return Kconfig("no configuration file: inferred from the kernel's files", values, inferred=True)


def find_features(machine: Machine) -> Features | None:
    """Return the features that tracefs shows, or None if it cannot be read or is empty (lockdown)."""
    tracing = machine.tracing()
    if tracing is None or machine.read(f"{tracing}/README").text is None:
        return None
    try:
        return read_features(machine.files(tracing))
    except OSError:
        return None


def config_facts(config: Kconfig) -> list[Fact]:
    """Return the source of the configuration, and one fact for each option."""
    found = Fact("config", "unknown" if config.inferred and not config.values else "ok", config.source)
    return [found, *(_option_fact(config, option) for option in OPTIONS)]


def _option_fact(config: Kconfig, option: Option) -> Fact:
    name = f"CONFIG_{option.name}"
    value = config.get(option.name)
    note = " (inferred)" if config.inferred else ""
    if value is None:
        return Fact(name, "unknown", "no configuration file, and tracefs cannot be read")
    if value != "n":
        return Fact(name, "ok", value + note)
    advice = f"a kernel built with {name}=y has it"
    if option.without == "bad":
        advice += f"; {OR_VM}"
    return Fact(name, option.without, f"n{note}: {option.loss}", advice)


def _kprobes(machine: Machine) -> bool | None:
    if machine.exists("/proc/sys/debug/kprobes-optimization"):
        return True
    debug = machine.debug()
    names = machine.names(debug) if debug else None
    return "kprobes" in names if isinstance(names, list) else None


def _btf(machine: Machine) -> bool | None:
    return machine.exists("/sys/kernel/btf/vmlinux") if machine.exists("/sys/kernel") else None


def _kallsyms_all(machine: Machine) -> bool | None:
    text = machine.read("/proc/kallsyms").text
    if not text:
        return None
    return sum(1 for _ in _DATA_SYMBOL.finditer(text)) > _MANY_DATA_SYMBOLS
