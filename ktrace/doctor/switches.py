"""System-wide switches that mute probes, hide addresses or cost time.

See Documentation/trace/kprobes.rst ("The kprobes debugfs interface", "The kprobes sysctl interface") and
Documentation/admin-guide/sysctl/kernel.rst.
"""

import errno as codes
import re

from ktrace.doctor.access import CAP_SYSLOG, capabilities
from ktrace.doctor.fact import Fact
from ktrace.doctor.machine import FileText, Machine
from ktrace.symbols.probeable import BLACKLIST
from ktrace.tracefs import kprobe_list
from ktrace.tracefs.switches import ARM, FTRACE_ENABLED, FTRACE_ON

# Symbols at 0 (per-CPU data) come first: read enough lines to reach code.
_KALLSYMS_HEAD = 1 << 18
_TEXT = re.compile(r"^([0-9a-f]+) [tT] ", re.MULTILINE)


def switch_fact(machine: Machine) -> Fact:
    """Check debugfs kprobes/enabled: if it is off, no kprobe fires, whoever made it."""
    reading = _in_debug(machine, kprobe_list.ENABLED)
    if reading.text is None:
        return Fact("kprobes/enabled", "unknown", _debug_reason(machine, reading))
    if reading.text.strip() == "0":
        return Fact("kprobes/enabled", "bad", "0: all kprobes are disarmed", ARM)
    return Fact("kprobes/enabled", "ok", reading.text.strip())


def list_fact(machine: Machine) -> Fact:
    """Check debugfs kprobes/list, which lists every kprobe, whoever made it."""
    reading = _in_debug(machine, kprobe_list.LIST)
    if reading.text is None:
        return Fact("kprobes/list", "unknown", _debug_reason(machine, reading))
    count = len(reading.text.splitlines())
    return Fact("kprobes/list", "ok", f"{count} registered by anybody")


def blacklist_fact(machine: Machine) -> Fact:
    """Check debugfs kprobes/blacklist, which lists functions that must not be probed."""
    reading = _in_debug(machine, BLACKLIST)
    if reading.text is None:
        return Fact("kprobes/blacklist", "unknown", _debug_reason(machine, reading))
    return Fact("kprobes/blacklist", "ok", f"{len(reading.text.splitlines())} functions")


def ftrace_fact(machine: Machine) -> Fact:
    """Check kernel.ftrace_enabled: 0 silently mutes every probe at a function's entry or return."""
    name = "kernel.ftrace_enabled"
    reading = machine.read(FTRACE_ENABLED)
    if reading.text is None:
        return _no_sysctl(name, reading)
    if reading.text.strip() == "0":
        value = "0: probes at a function's entry or return are silent, though they can be enabled"
        return Fact(name, "bad", value, FTRACE_ON)
    return Fact(name, "ok", reading.text.strip())


def optimization_fact(machine: Machine) -> Fact:
    """Check debug.kprobes-optimization, which replaces breakpoints by jumps where possible."""
    name = "debug.kprobes-optimization"
    reading = machine.read("/proc/sys/debug/kprobes-optimization")
    if reading.text is None:
        return _no_sysctl(name, reading)
    if reading.text.strip() == "0":
        value = "0: probes after a function's entry cost a breakpoint a hit"
        return Fact(name, "warn", value, f"sysctl {name}=1")
    return Fact(name, "ok", reading.text.strip())


def kptr_fact(machine: Machine) -> Fact:
    """Check kernel.kptr_restrict, which decides who sees addresses.

    Names always work.
    """
    name = "kernel.kptr_restrict"
    reading = machine.read("/proc/sys/kernel/kptr_restrict")
    if reading.text is None:
        return _no_sysctl(name, reading)
    value = reading.text.strip()
    if value == "2":
        said = "2: addresses are zeros even for root; names work"
        return Fact(name, "warn", said, f"sysctl {name}=1 where addresses are needed")
    return Fact(name, "ok", value)


def paranoid_fact(machine: Machine) -> Fact:
    """Check kernel.perf_event_paranoid.

    It controls perf; for ktrace, it only decides whether users see addresses.
    """
    name = "kernel.perf_event_paranoid"
    reading = machine.read("/proc/sys/kernel/perf_event_paranoid")
    if reading.text is None:
        return _no_sysctl(name, reading)
    return Fact(name, "ok", f"{reading.text.strip()} (rules perf, not tracefs)")


def kallsyms_fact(machine: Machine) -> Fact:
    """Check /proc/kallsyms: the names of all functions, and whether their addresses are visible."""
    reading = machine.read("/proc/kallsyms", _KALLSYMS_HEAD)
    if not reading.text:
        why = "empty" if reading.text == "" else reading.why_not
        return Fact("kallsyms", "warn", f"{why}: functions cannot be looked up", "see CONFIG_KALLSYMS")
    code = _TEXT.search(reading.text)
    if code and int(code[1], 16):
        return Fact("kallsyms", "ok", "names and addresses")
    syslog = machine.euid == 0 or capabilities(machine) >> CAP_SYSLOG & 1
    advice = "" if syslog else "root, or CAP_SYSLOG, sees them; names are enough for most"
    return Fact("kallsyms", "ok" if syslog else "warn", "names; addresses are hidden from you", advice)


def _in_debug(machine: Machine, path: str) -> FileText:
    root = machine.debug()
    return machine.read(f"{root}/{path}") if root else FileText(None, codes.ENODEV)


def _debug_reason(machine: Machine, reading: FileText) -> str:
    if machine.debug() is None:
        return "debugfs is not mounted"
    if reading.errno == codes.EPERM:
        return "the kernel is locked down"
    return "not in this kernel" if reading.absent else reading.why_not


def _no_sysctl(name: str, reading: FileText) -> Fact:
    if reading.absent:
        return Fact(name, "ok", "not in this kernel")
    return Fact(name, "unknown", reading.why_not)
