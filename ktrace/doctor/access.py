"""Find out who runs ktrace, and which of the kernel's tracing files that user can access.

Only the modes of the files decide, and CAP_DAC_OVERRIDE, which bypasses them. No other capability helps. See
Documentation/trace/ftrace.rst, "The File System".
"""

import errno as codes
import os

from ktrace.doctor.fact import OR_VM, Fact
from ktrace.doctor.machine import Machine
from ktrace.model.own_command import as_root
from ktrace.tracefs.mount import DEBUG, TRACING
from ktrace.tracefs.pid_namespace import FIRST

_CAP_DAC_OVERRIDE = 1
CAP_SYSLOG = 34
_WHOLE_RANGE = ["0", "0", "4294967295"]
_CONTAINER_FILES = {"/.dockerenv": "docker", "/run/.containerenv": "podman"}


def _sudo() -> str:
    return f"run it as root ({as_root()}), or with CAP_DAC_OVERRIDE alone: see docs/permissions.md"


def user_fact(machine: Machine) -> Fact:
    """Check for root, or the capabilities that replace it."""
    where = container(machine)
    within = f", in a container ({where}): the process ids of events are the host's" if where else ""
    if machine.euid == 0:
        ids = (machine.read("/proc/self/uid_map").text or "").split()
        if ids and ids != _WHOLE_RANGE:
            advice = "the files of tracefs belong to the root of the host: run ktrace there"
            return Fact("user", "warn", f"root of a user namespace{within}", advice)
        return Fact("user", "ok", f"root{within}")
    held = capabilities(machine)
    names = {_CAP_DAC_OVERRIDE: "CAP_DAC_OVERRIDE", CAP_SYSLOG: "CAP_SYSLOG"}
    has = [name for bit, name in names.items() if held >> bit & 1]
    value = f"user id {machine.euid}, with {' and '.join(has) or 'none of the capabilities that help'}"
    if tracefs_fact(machine).status == "ok":
        return Fact("user", "ok", value + within)  # a group, or the files' owner
    return Fact("user", "warn", value + within, f"{as_root('doctor')} sees more")


def capabilities(machine: Machine) -> int:
    """Return the effective capabilities of this process as a bit set: see capabilities(7)."""
    for line in (machine.read("/proc/self/status").text or "").splitlines():
        key, _, value = line.partition(":")
        if key == "CapEff":
            return int(value, 16)
    return 0


def container(machine: Machine) -> str | None:
    """Return the kind of container, as far as it identifies itself, or None if this is not one.

    The marker files alone prove nothing, since virtual machines are also made from container images.
    """
    if machine.link("/proc/self/ns/pid") in (None, FIRST):
        return None
    for name, kind in _CONTAINER_FILES.items():
        if machine.exists(name):
            return kind
    told = machine.read("/run/systemd/container").text
    return (told or "").strip() or "its own process ids"


def tracefs_fact(machine: Machine) -> Fact:
    """Check whether probes can be defined.

    For that, tracefs must be mounted, accessible and not empty, and kprobe_events must open.
    """
    root = machine.tracing()
    if root is None:
        return _not_mounted(machine)
    if machine.stat_errno(f"{root}/kprobe_events") == codes.EACCES:
        return Fact("tracefs", "bad", f"{root}: no right to enter", _rights_advice(machine))
    if not machine.exists(f"{root}/kprobe_events"):
        if not machine.exists(f"{root}/README"):
            advice = f"lockdown and a kernel without tracing look like this; {OR_VM}"
            return Fact("tracefs", "bad", f"{root}: mounted, but empty", advice)
        advice = f"a kernel built with CONFIG_KPROBE_EVENTS=y has it; {OR_VM}"
        return Fact("tracefs", "bad", f"{root}: has no kprobe_events", advice)
    error = machine.append_errno(f"{root}/kprobe_events")
    if error:
        value = f"{root}: kprobe_events cannot be written: {os.strerror(error)}"
        return Fact("tracefs", "bad", value, _write_advice(machine, root, error))
    return Fact("tracefs", "ok", f"{root}, kprobe_events can be written")


def debugfs_fact(machine: Machine) -> Fact:
    """Check for debugfs, which has the list of all kprobes, the blacklist and the switch."""
    loss = "no list of other programs' kprobes, no blacklist, no switch"
    root = machine.debug()
    if root is None:
        if machine.knows_filesystem("debugfs") is False:
            advice = "a kernel built with CONFIG_DEBUG_FS=y has it"
            return Fact("debugfs", "warn", f"not in this kernel: {loss}", advice)
        return Fact("debugfs", "warn", f"not mounted: {loss}", machine.mount_command("debugfs", DEBUG))
    names = machine.names(root)
    if isinstance(names, int):
        advice = "root can see it" if names == codes.EACCES and machine.euid else "see `dmesg`"
        return Fact("debugfs", "warn", f"{root}: {os.strerror(names)}: {loss}", advice)
    return Fact("debugfs", "ok", root)


def _not_mounted(machine: Machine) -> Fact:
    if machine.knows_filesystem("tracefs") is False:
        advice = f"a kernel built with CONFIG_TRACING=y has it; {OR_VM}"
        return Fact("tracefs", "bad", "not in this kernel (CONFIG_TRACING)", advice)
    if container(machine):
        advice = f"start the container with the host's {TRACING} in it, with writing allowed"
        return Fact("tracefs", "bad", "not mounted in this container", advice)
    return Fact("tracefs", "bad", "not mounted", machine.mount_command("tracefs", TRACING))


def _rights_advice(machine: Machine) -> str:
    if machine.euid == 0:
        return "even root may not: a container, or a security module (AppArmor, SELinux)?"
    return _sudo()


def _write_advice(machine: Machine, root: str, error: int) -> str:
    if error == codes.EROFS or any(m.path == root and "ro" in m.options for m in machine.mounts()):
        return f"it is mounted read-only: mount -o remount,rw {root}"
    if error == codes.EPERM and machine.euid == 0:
        return f"lockdown does that (see kernel_lockdown(7)); {OR_VM}"
    return _rights_advice(machine)
