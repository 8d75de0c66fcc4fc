"""Machine: the only way in which the doctor looks at a kernel and at its own rights.

These methods do not raise an error when the kernel, a container or a missing right makes a file unreadable.
They return a `FileText` without text, or the error number.
"""

import errno as codes
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ktrace.tracefs.files import LocalFiles
from ktrace.tracefs.mount import DEBUG, TRACING, Mount, find_mount, parse_mounts

MOUNTS = "/proc/self/mounts"


@dataclass(frozen=True, slots=True)
class FileText:
    """The text of a file, or the error number if it cannot be read (`text` is None)."""

    text: str | None
    errno: int = 0

    @property
    def why_not(self) -> str:
        """Return the error message of the C library."""
        return os.strerror(self.errno)

    @property
    def absent(self) -> bool:
        """Return whether the file does not exist, as opposed to one that may not be read."""
        return self.errno in (codes.ENOENT, codes.ENOTDIR)


def open_to_append(path: str) -> int:
    """Open a file for writing, without writing; return 0 or the error number.

    The mode of a file is not enough: lockdown and read-only mounts make open(2) itself fail. Without
    O_TRUNC, opening deletes nothing.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
    except OSError as error:
        return error.errno or codes.EIO
    return 0


@dataclass(frozen=True, slots=True)
class Machine:
    """A running kernel, and this process on it.

    Attributes:
        root: the prefix of every absolute path; empty for the machine itself, a directory for a tree
            that looks like one.
        release, arch: as `uname -r` and `uname -m` print them.
        euid: the effective user id.
        may_append: tries to open a file for writing; returns 0 or an error number.
    """

    release: str
    arch: str
    euid: int
    root: str = ""
    may_append: Callable[[str], int] = open_to_append

    @classmethod
    def this(cls) -> "Machine":
        """Return the machine that ktrace runs on."""
        system = os.uname()
        return cls(system.release, system.machine, os.geteuid())

    def path(self, path: str) -> str:
        """Return the real path for an absolute path."""
        return self.root + path

    def read(self, path: str, limit: int | None = None) -> FileText:
        """Read a file's text, or only its first `limit` bytes."""
        data = self.read_bytes(path, limit)
        if isinstance(data, int):
            return FileText(None, data)
        return FileText(data.decode("utf-8", "surrogateescape"))

    def read_bytes(self, path: str, limit: int | None = None) -> bytes | int:
        """Read a file's bytes, or only the first `limit`; return an error number on failure."""
        try:
            with Path(self.path(path)).open("rb", buffering=0) as file:
                if limit is None:
                    return file.read()
                pieces = b""
                while len(pieces) < limit and (piece := file.read(limit - len(pieces))):
                    pieces += piece
                return pieces
        except OSError as error:
            return error.errno or codes.EIO

    def stat_errno(self, path: str) -> int:
        """Return 0 if a file of that name exists, or else the error number."""
        try:
            Path(self.path(path)).stat()
        except OSError as error:
            return error.errno or codes.EIO
        return 0

    def exists(self, path: str) -> bool:
        """Return whether a file of that name can be seen from here."""
        return self.stat_errno(path) == 0

    def link(self, path: str) -> str | None:
        """Return the target of a symbolic link, or None if it cannot be read."""
        try:
            return str(Path(self.path(path)).readlink())
        except OSError:
            return None

    def names(self, path: str) -> list[str] | int:
        """Return the sorted names in a directory, or the error number."""
        try:
            return sorted(entry.name for entry in os.scandir(self.path(path)))
        except OSError as error:
            return error.errno or codes.EIO

    def files(self, path: str) -> LocalFiles:
        """Return the files in a directory, as `ktrace.tracefs` accesses them."""
        return LocalFiles(self.path(path))

    def mounts(self) -> tuple[Mount, ...]:
        """Return the mounted file systems; none if /proc is not mounted."""
        return parse_mounts(self.read(MOUNTS).text or "")

    def mounted(self, fstype: str, preferred: str) -> str | None:
        """Return where a file system is mounted, `preferred` if that is one of the places."""
        try:
            return find_mount(fstype, preferred, self.path(MOUNTS))
        except OSError:
            return None

    def tracing(self) -> str | None:
        """Return the tracing directory: tracefs if it is mounted, otherwise the one within debugfs."""
        root = self.mounted("tracefs", TRACING)
        if root is None and self.exists(f"{DEBUG}/tracing/README"):
            return f"{DEBUG}/tracing"
        return root

    def debug(self) -> str | None:
        """Return the debugfs directory, or None if it is not mounted."""
        return self.mounted("debugfs", DEBUG)

    def mount_command(self, fstype: str, path: str) -> str:
        """Return the command that mounts a file system."""
        return f"{'sudo ' if self.euid else ''}mount -t {fstype} nodev {path}"

    def knows_filesystem(self, fstype: str) -> bool | None:
        """Return whether this kernel has that file system type; None if /proc does not say."""
        text = self.read("/proc/filesystems").text
        return None if text is None else fstype in text.split()
