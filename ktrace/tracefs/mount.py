"""Find where tracefs and debugfs are mounted, and why they cannot be used."""

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
    """Parse /proc/self/mounts and decode octal escapes in paths (a blank is `\\040`)."""
    mounts = []
    for line in text.split("\n"):  # not splitlines(): a path may hold other Unicode line ends
        words = line.split(" ")
        if len(words) >= 4:
            device, path, fstype, options = words[:4]
            mounts.append(Mount(device, _unescape(path), fstype, tuple(options.split(","))))
    return tuple(mounts)


def find_mount(fstype: str, preferred: str, mounts_file: str = _MOUNTS) -> str | None:
    """Return the directory where `fstype` is mounted: `preferred` if it is one of several."""
    text = Path(mounts_file).read_text("utf-8", "surrogateescape")  # any user may mount under any name
    paths = [m.path for m in parse_mounts(text) if m.fstype == fstype]
    if preferred in paths:
        return preferred
    return min(paths, key=len, default=None)


def find_tracing() -> LocalFiles:
    """Return the tracing directory, ready for kprobes.

    Raises:
        Unavailable: it is not mounted, access is denied, it is empty or has no kprobe_events. The message
            says which, and the hint what to do.
    """
    root = find_mount("tracefs", TRACING)
    if root is None and _exists(f"{DEBUG}/tracing/README"):
        root = f"{DEBUG}/tracing"  # through debugfs, which mounts it automatically
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
    """Return why no kprobe can be defined in `files`, or None if one can.

    On success it costs one open(2): the reason is determined only after a failure.
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
    if refused == errno.EPERM:  # modes and capabilities give EACCES; a security module may give EPERM
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
    """Return the debugfs directory, or None if it is not mounted."""
    root = find_mount("debugfs", DEBUG)
    return LocalFiles(root) if root else None


def refuses_debugfs() -> str | None:
    """Return the lockdown mode that prevents writing to debugfs; None if none is known."""
    mode = present_mode()
    return mode if mode in ("integrity", "confidentiality") else None


def locked(how: str = "") -> Unavailable:
    """Return an error for a kernel that refuses all tracing.

    Args:
        how: how this is known, if the kernel does not say so itself.
    """
    return Unavailable(
        f"this kernel is locked down (confidentiality): it refuses all tracing{how}",
        hint="boot without lockdown=confidentiality (see kernel_lockdown(7))\n" + VM_HINT,
    )


def _may_append(path: str) -> int:
    """Open a file for writing, but write nothing; return 0 or the errno.

    Lockdown that was enabled after boot refuses the open(2), even if the file's mode allows it.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _is_root() -> bool:
    return os.geteuid() == 0


def _exists(path: str) -> bool:
    """Return whether a file exists; one in a directory without access counts as missing."""
    try:
        return Path(path).exists()
    except OSError:
        return False


def no_right_to_trace(files: Files) -> Unavailable:
    """Return an error for a user who may define probes, but not trace."""
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
    """Decode `\\040` and the like; a backslash before anything else is kept."""
    if "\\" not in path:
        return path
    raw = path.encode("utf-8", "surrogateescape")
    return _OCTAL.sub(lambda m: bytes([int(m[1], 8)]), raw).decode("utf-8", "surrogateescape")
