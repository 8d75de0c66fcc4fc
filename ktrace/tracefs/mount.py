"""Where tracefs and debugfs are mounted, and what is in the way when they cannot be used."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from ktrace.errors import Unavailable
from ktrace.tracefs.files import LocalFiles

TRACING = "/sys/kernel/tracing"
DEBUG = "/sys/kernel/debug"
_MOUNTS = "/proc/self/mounts"
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")
_LOCKDOWN = "/sys/kernel/security/lockdown"

VM_HINT = "`ktrace vm` boots a kernel that has kprobes, on this machine's own files"


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of /proc/self/mounts."""

    device: str
    path: str
    fstype: str
    options: tuple[str, ...]


def parse_mounts(text: str) -> tuple[Mount, ...]:
    """Read /proc/self/mounts; octal escapes in paths (a blank is `\\040`) are undone."""
    mounts = []
    for line in text.split("\n"):  # not splitlines: a path may hold what else Unicode takes for a line's end
        words = line.split(" ")
        if len(words) >= 4:
            device, path, fstype, options = words[:4]
            mounts.append(Mount(device, _unescape(path), fstype, tuple(options.split(","))))
    return tuple(mounts)


def find_mount(fstype: str, preferred: str, mounts_file: str = _MOUNTS) -> str | None:
    """The directory where `fstype` is mounted, `preferred` if that is one of them."""
    text = Path(mounts_file).read_text("utf-8", "surrogateescape")  # anybody may mount under any name
    paths = [m.path for m in parse_mounts(text) if m.fstype == fstype]
    if preferred in paths:
        return preferred
    return min(paths, key=len, default=None)


def find_tracing() -> LocalFiles:
    """The tracing directory, ready for kprobes.

    Raises:
        Unavailable: it is not mounted, may not be entered, is empty or has no kprobe_events;
            the message says which, the hint what to do.
    """
    root = find_mount("tracefs", TRACING)
    if root is None and _exists(f"{DEBUG}/tracing/README"):
        root = f"{DEBUG}/tracing"  # reached through debugfs, where it mounts itself
    if root is None:
        if os.geteuid() != 0:
            raise _not_root(TRACING)
        raise Unavailable(
            "tracefs is not mounted",
            hint=f"mount -t tracefs nodev {TRACING}",
        )
    files = LocalFiles(root)
    problem = why_unusable(files)
    if problem:
        raise problem
    return files


def why_unusable(files: LocalFiles) -> Unavailable | None:
    """Why no kprobe can be defined below `files`, or None where one can.

    Costs one system call where all is well: the rest is found out only for the explanation.
    """
    control = f"{files.root}/kprobe_events"
    if os.access(control, os.W_OK, effective_ids=True):  # capabilities count, too
        # Lockdown switched on after boot refuses the open(2) though the file's mode allows it.
        return None if not _locked_for_confidentiality() else _locked()
    if not os.access(files.root, os.X_OK, effective_ids=True):
        return _not_root(files.root)
    if _locked_for_confidentiality():
        return _locked()
    if not _exists(control):
        if not _exists(f"{files.root}/README"):
            return Unavailable(f"{files.root} holds no tracing files", hint=VM_HINT)
        return Unavailable(
            "this kernel has no kprobe events (CONFIG_KPROBE_EVENTS)",
            hint=f"`ktrace doctor` shows what it has; {VM_HINT}",
        )
    return _not_root(control)


def find_debug() -> LocalFiles | None:
    """The debugfs directory, or None where it is not mounted."""
    root = find_mount("debugfs", DEBUG)
    return LocalFiles(root) if root else None


def lockdown_mode(path: str = _LOCKDOWN) -> str | None:
    """`none`, `integrity` or `confidentiality`; None where the kernel has no lockdown.

    See kernel_lockdown(7): the file lists all modes with brackets around the present one.
    """
    try:
        text = Path(path).read_text()
    except OSError:
        return None
    return text.partition("[")[2].partition("]")[0] or None


def _exists(path: str) -> bool:
    """Whether there is such a file; one in a directory that may not be entered is not there for us."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def _locked_for_confidentiality() -> bool:
    return lockdown_mode() == "confidentiality"


def _locked() -> Unavailable:
    return Unavailable(
        "this kernel is locked down (confidentiality): it refuses all tracing",
        hint="boot without lockdown=confidentiality (see kernel_lockdown(7))\n" + VM_HINT,
    )


def _not_root(path: str) -> Unavailable:
    if os.geteuid() == 0:
        return Unavailable(
            f"{path} cannot be written even by root", hint="is it mounted read-only? see `ktrace doctor`"
        )
    return Unavailable(
        f"no right to use {path}",
        hint="run it as root: sudo ktrace ...\n"
        f"or let a group in: mount -o remount,gid=GROUP,mode=750 {TRACING}, and chmod the files it writes",
    )


def _unescape(path: str) -> str:
    """Undo `\\040` and its like; a backslash before anything else is kept."""
    if "\\" not in path:
        return path
    raw = path.encode("utf-8", "surrogateescape")
    return _OCTAL.sub(lambda m: bytes([int(m[1], 8)]), raw).decode("utf-8", "surrogateescape")
