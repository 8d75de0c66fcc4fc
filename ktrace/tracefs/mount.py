"""Where tracefs and debugfs are mounted, and what is in the way when they cannot be used."""

import errno
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ktrace.errors import Exhausted, Unavailable
from ktrace.tracefs.files import Files, LocalFiles
from ktrace.tracefs.lockdown import SECURITY, present_mode

TRACING = "/sys/kernel/tracing"
DEBUG = "/sys/kernel/debug"
_MOUNTS = "/proc/self/mounts"
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")

VM_HINT = "`ktrace vm` boots a kernel that has kprobes, on this machine's own files"

WITHOUT_ROOT = (
    "run it as root: sudo ktrace ...\n"
    "or with the one capability that is needed (docs/permissions.md):\n"
    "sudo setpriv --reuid=$(id -u) --regid=$(id -g) --init-groups \\\n"
    "    --inh-caps=+dac_override --ambient-caps=+dac_override ktrace ..."
)


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

    Costs an open(2) where all is well: the rest is found out only for the explanation.
    """
    control = f"{files.root}/kprobe_events"
    refused = _may_append(control)
    if not refused:
        return None
    if full := Exhausted.of(OSError(refused, os.strerror(refused), control)):
        raise full
    if not os.access(files.root, os.X_OK, effective_ids=True):
        return _not_root(files.root)
    if present_mode() == "confidentiality":
        return locked()
    if refused == errno.EPERM:  # modes and capabilities give EACCES, a security module may
        return (
            locked(" (inferred: it does not let root open its files)") if _is_root() else _not_root(control)
        )
    if not _exists(control):
        if not _exists(f"{files.root}/README"):
            return Unavailable(
                f"{files.root} is empty: so it is where the kernel was booted with lockdown=confidentiality",
                hint=f"mount -t securityfs nodev {SECURITY}; cat {SECURITY}/lockdown\n{VM_HINT}",
            )
        return Unavailable(
            "this kernel has no kprobe events (CONFIG_KPROBE_EVENTS)",
            hint=f"`ktrace doctor` shows what it has; {VM_HINT}",
        )
    return _not_root(control)


def find_debug() -> LocalFiles | None:
    """The debugfs directory, or None where it is not mounted."""
    root = find_mount("debugfs", DEBUG)
    return LocalFiles(root) if root else None


def refuses_debugfs() -> str | None:
    """Return which lockdown mode keeps debugfs from being written; None where none is known to."""
    mode = present_mode()
    return mode if mode in ("integrity", "confidentiality") else None


def locked(how: str = "") -> Unavailable:
    """Return the error for a kernel that refuses all tracing.

    Args:
        how: how it is known, where the kernel does not say so itself.
    """
    return Unavailable(
        f"this kernel is locked down (confidentiality): it refuses all tracing{how}",
        hint="boot without lockdown=confidentiality (see kernel_lockdown(7))\n" + VM_HINT,
    )


def _may_append(path: str) -> int:
    """Try to open a file for writing, and write nothing; 0, or the error number.

    Lockdown that was switched on after boot refuses the open(2), though the file's mode allows it.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _is_root() -> bool:
    return os.geteuid() == 0


def _exists(path: str) -> bool:
    """Whether there is such a file; one in a directory that may not be entered is not there for us."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def no_right_to_trace(files: Files) -> Unavailable:
    """Return the error for who may define probes, but not trace."""
    return Unavailable(
        f"no right to trace: new instances and events below {files.root} belong to its owner, who alone may "
        "write to their files (mode 0640), whatever group may make them",
        hint=WITHOUT_ROOT,
    )


def _not_root(path: str) -> Unavailable:
    if os.geteuid() == 0:
        return Unavailable(
            f"{path} cannot be written even by root", hint="is it mounted read-only? see `ktrace doctor`"
        )
    return Unavailable(
        f"no right to use {path}",
        hint=WITHOUT_ROOT,
    )


def _unescape(path: str) -> str:
    """Undo `\\040` and its like; a backslash before anything else is kept."""
    if "\\" not in path:
        return path
    raw = path.encode("utf-8", "surrogateescape")
    return _OCTAL.sub(lambda m: bytes([int(m[1], 8)]), raw).decode("utf-8", "surrogateescape")
