"""Lockdown: find out whether the kernel refuses tracing to everyone, even root.

See kernel_lockdown(7). `integrity` does not affect tracefs, but protects what root could change through
debugfs. `confidentiality` refuses all tracing. The mode can only become stricter. So the mode that the
configuration or the command line sets is a lower bound.
"""

from ktrace.doctor.fact import OR_VM, Fact
from ktrace.doctor.kconfig import Kconfig
from ktrace.doctor.machine import Machine
from ktrace.tracefs.lockdown import MODES, SECURITY, lockdown_mode, mode_asked_for

_MEANING = {
    "none": "",
    "integrity": ": tracing works; debugfs takes no writing (ktrace switch)",
    "confidentiality": ": the kernel refuses all tracing",
}


def lockdown_fact(machine: Machine, config: Kconfig) -> Fact:
    """Return the mode, or a lower bound if securityfs is not mounted."""
    security = machine.mounted("securityfs", SECURITY) or SECURITY
    mode = lockdown_mode(machine.host, security)
    if mode in MODES:
        return _fact(mode, _MEANING[mode])
    if machine.mounted("securityfs", SECURITY) is not None:
        return Fact("lockdown", "ok", "this kernel has none")
    asked, source = _asked_for(machine, config)
    if asked == "none" and _is_without(config):
        return Fact("lockdown", "ok", "this kernel has none")
    if asked == "confidentiality":
        return _fact(asked, f" (inferred from {source}){_MEANING[asked]}")
    if not _may_define(machine):
        # The mode may be stricter than the one that was set; nothing rules that out.
        value = f"{asked} at least (inferred from {source})" if asked != "none" else "cannot be seen"
        return Fact("lockdown", "unknown", value, f"{machine.mount_command('securityfs', SECURITY)} shows it")
    return Fact("lockdown", "ok", "not confidentiality (inferred: kprobe_events opens for writing)")


def _fact(mode: str, meaning: str) -> Fact:
    if mode == "confidentiality":
        advice = f"boot without lockdown=confidentiality (see kernel_lockdown(7)); {OR_VM}"
        return Fact("lockdown", "bad", mode + meaning, advice)
    return Fact("lockdown", "ok", mode + meaning)


def _asked_for(machine: Machine, config: Kconfig) -> tuple[str, str]:
    """Return the strictest mode that the configuration or the command line sets, and which of them does."""
    asked = ("none", "")
    for mode in MODES[1:]:
        if config.get(f"LOCK_DOWN_KERNEL_FORCE_{mode.upper()}") == "y":
            asked = (mode, f"CONFIG_LOCK_DOWN_KERNEL_FORCE_{mode.upper()}")
    word = mode_asked_for(machine.read("/proc/cmdline").text or "")
    if not _is_without(config) and MODES.index(word) > MODES.index(asked[0]):
        asked = (word, f"lockdown={word} on the kernel's command line")
    return asked


def _is_without(config: Kconfig) -> bool:
    return config.get("SECURITY_LOCKDOWN_LSM") == "n"


def _may_define(machine: Machine) -> bool:
    tracing = machine.tracing()
    return tracing is not None and machine.append_errno(f"{tracing}/kprobe_events") == 0
