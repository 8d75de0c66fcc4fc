"""Machine: the one seam through which the doctor looks at a kernel and at its own rights.

Nothing here raises for what a kernel, a container or a missing right does to a file: a file that
cannot be read is a `Reading` without text, with the error number.
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
class Reading:
    """What a file said, or the error number where it said nothing (`text` is None)."""

    text: str | None
    errno: int = 0

    @property
    def why_not(self) -> str:
        """The reason, as the C library words it."""
        return os.strerror(self.errno)

    @property
    def absent(self) -> bool:
        """Whether there is no such file, as against one that may not be read."""
        return self.errno in (codes.ENOENT, codes.ENOTDIR)


def open_to_append(path: str) -> int:
    """Try to open a file for writing, and write nothing; 0, or the error number.

    The mode of a file tells only half: lockdown and read-only mounts refuse the open(2) itself.
    Without O_TRUNC nothing is deleted by it.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))
    except OSError as error:
        return error.errno or codes.EIO
    return 0


@dataclass(frozen=True, slots=True)
class Machine:
    """A running kernel and this process on it.

    Attributes:
        root: put before every absolute path; empty for the machine itself, a directory for a tree
            that looks like one.
        release, arch: as `uname -r` and `uname -m` print them.
        euid: the effective user id.
        may_append: whether a file can be opened for writing: 0 or an error number.
    """

    release: str
    arch: str
    euid: int
    root: str = ""
    may_append: Callable[[str], int] = open_to_append

    @classmethod
    def this(cls) -> "Machine":
        """The machine that ktrace runs on."""
        system = os.uname()
        return cls(system.release, system.machine, os.geteuid())

    def path(self, path: str) -> str:
        """Where an absolute path really is."""
        return self.root + path

    def read(self, path: str, limit: int | None = None) -> Reading:
        """A file's text, or its first `limit` bytes."""
        data = self.read_bytes(path, limit)
        if isinstance(data, int):
            return Reading(None, data)
        return Reading(data.decode("utf-8", "surrogateescape"))

    def read_bytes(self, path: str, limit: int | None = None) -> bytes | int:
        """A file's bytes, or its first `limit`, or the error number."""
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
        """0 where there is something of that name, else the error number."""
        try:
            Path(self.path(path)).stat()
        except OSError as error:
            return error.errno or codes.EIO
        return 0

    def exists(self, path: str) -> bool:
        """Whether there is something of that name that can be seen from here."""
        return self.stat_errno(path) == 0

    def link(self, path: str) -> str | None:
        """What a symbolic link says; None where there is none to be read."""
        try:
            return str(Path(self.path(path)).readlink())
        except OSError:
            return None

    def names(self, path: str) -> list[str] | int:
        """The names in a directory, sorted, or the error number."""
        try:
            return sorted(entry.name for entry in os.scandir(self.path(path)))
        except OSError as error:
            return error.errno or codes.EIO

    def files(self, path: str) -> LocalFiles:
        """The files below a directory, as other rooms want them."""
        return LocalFiles(self.path(path))

    def mounts(self) -> tuple[Mount, ...]:
        """What is mounted; nothing where /proc is not."""
        return parse_mounts(self.read(MOUNTS).text or "")

    def mounted(self, fstype: str, preferred: str) -> str | None:
        """Where a file system is mounted, `preferred` if that is one of the places."""
        try:
            return find_mount(fstype, preferred, self.path(MOUNTS))
        except OSError:
            return None

    def tracing(self) -> str | None:
        """The tracing directory: tracefs where it is mounted, else the one within debugfs."""
        root = self.mounted("tracefs", TRACING)
        if root is None and self.exists(f"{DEBUG}/tracing/README"):
            return f"{DEBUG}/tracing"
        return root

    def debug(self) -> str | None:
        """The debugfs directory."""
        return self.mounted("debugfs", DEBUG)

    def mount_command(self, fstype: str, path: str) -> str:
        """What to type to mount a file system."""
        return f"{'sudo ' if self.euid else ''}mount -t {fstype} nodev {path}"

    def knows_filesystem(self, fstype: str) -> bool | None:
        """Whether this kernel has a file system of that type; None where /proc does not say."""
        text = self.read("/proc/filesystems").text
        return None if text is None else fstype in text.split()
