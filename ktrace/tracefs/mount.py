"""Find where tracefs and debugfs are mounted, and why they cannot be used."""

import errno
import os
import re

from ktrace.errors import Exhausted, Unavailable
from ktrace.host.host import Host
from ktrace.model.own_command import as_root
from ktrace.records import dataclass
from ktrace.tracefs.files import Files
from ktrace.tracefs.lockdown import SECURITY, present_mode

TRACING = "/sys/kernel/tracing"
DEBUG = "/sys/kernel/debug"
MOUNTS = "/proc/self/mounts"

VM_HINT = "`ktrace vm` boots a kernel that has kprobes, on this machine's own files"


def without_root() -> str:
    """Return what to do without the right to open the files."""
    return (
        f"run it as root: {as_root()}\n"
        "or with the one capability that is needed (docs/permissions.md):\n"
        "sudo setpriv --reuid=$(id -u) --regid=$(id -g) --init-groups \\\n"
        "    --inh-caps=+dac_override --ambient-caps=+dac_override \\\n"
        f"    {as_root().removeprefix('sudo ')}"
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


def find_mount(host: Host, fstype: str, preferred: str) -> str | None:
    """Return the directory where `fstype` is mounted: `preferred` if it is one of several. Raises OSError."""
    paths = [m.path for m in parse_mounts(host.read(MOUNTS)) if m.fstype == fstype]
    if preferred in paths:
        return preferred
    return min(paths, key=len, default=None)


def find_tracing(host: Host) -> Files:
    """Return the machine's tracing directory, ready for kprobes.

    Raises:
        Unavailable: it is not mounted, access is denied, it is empty or has no kprobe_events. The message
            says which, and the hint what to do.
    """
    root = find_mount(host, "tracefs", TRACING)
    if root is None and _exists(host, f"{DEBUG}/tracing/README"):
        root = f"{DEBUG}/tracing"  # through debugfs, which mounts it automatically
    if root is None:
        if host.euid() != 0:
            raise _not_root(host, TRACING)
        raise Unavailable(
            "tracefs is not mounted",
            hint=f"mount -t tracefs nodev {TRACING}",
        )
    files = Files(host, root)
    problem = why_unusable(files)
    if problem:
        raise problem
    return files


def why_unusable(files: Files) -> Unavailable | None:
    """Return why no kprobe can be defined in `files`, or None if one can.

    On success it costs one open(2): the reason is determined only after a failure.
    """
    host = files.host
    control = f"{files.root}/kprobe_events"
    refused = _why_no_append(host, control)
    if not refused:
        return None
    if full := Exhausted.of(OSError(refused, os.strerror(refused), control)):
        raise full
    if not host.may(files.root, os.X_OK):
        return _not_root(host, files.root)
    if present_mode(host) == "confidentiality":
        return locked()
    if refused == errno.EPERM:  # modes and capabilities give EACCES; a security module may give EPERM
        return (
            _not_root(host, control)
            if host.euid()
            else locked(" (inferred: it does not let root open its files)")
        )
    if not _exists(host, control):
        if not _exists(host, f"{files.root}/README"):
            return Unavailable(
                f"{files.root} is empty, as it is when the kernel was booted with lockdown=confidentiality",
                hint=f"mount -t securityfs nodev {SECURITY}; cat {SECURITY}/lockdown\n{VM_HINT}",
            )
        return Unavailable(
            "this kernel has no kprobe events (CONFIG_KPROBE_EVENTS)",
            hint=f"`ktrace doctor` shows what it has; {VM_HINT}",
        )
    return _not_root(host, control)


def find_debug(host: Host) -> Files | None:
    """Return the machine's debugfs directory, or None if it is not mounted."""
    root = find_mount(host, "debugfs", DEBUG)
    return Files(host, root) if root else None


def refuses_debugfs(host: Host) -> str | None:
    """Return the lockdown mode that prevents writing to debugfs; None if none is known."""
    mode = present_mode(host)
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


def _why_no_append(host: Host, path: str) -> int:
    """Open a file for writing, but write nothing; return 0 or the errno."""
    try:
        host.check_append(path)
    except OSError as error:
        return error.errno or errno.EIO
    return 0


def _exists(host: Host, path: str) -> bool:
    """Return whether a file exists; one in a directory without access counts as missing."""
    try:
        return host.exists(path)
    except OSError:
        return False


def no_right_to_trace(files: Files) -> Unavailable:
    """Return an error for a user who may define probes, but not trace."""
    return Unavailable(
        f"no right to trace: new instances and events below {files.root} belong to its owner, who alone may "
        "write to their files (mode 0640), whatever group may make them",
        hint=without_root(),
    )


def _not_root(host: Host, path: str) -> Unavailable:
    if host.euid() == 0:
        return Unavailable(
            f"{path} cannot be written even by root", hint="is it mounted read-only? see `ktrace doctor`"
        )
    return Unavailable(
        f"no permission to use {path}",
        hint=without_root(),
    )


def _unescape(path: str) -> str:
    """Decode `\\040` and the like; a backslash before anything else is kept."""
    if "\\" not in path:
        return path
    raw = path.encode("utf-8", "surrogateescape")
    return re.sub(rb"\\([0-3][0-7]{2})", lambda m: bytes([int(m[1], 8)]), raw).decode(
        "utf-8", "surrogateescape"
    )
