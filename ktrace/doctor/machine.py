"""Machine: how the doctor asks a `Host` about its kernel and about its own rights.

These methods do not raise an error when the kernel, a container or a missing right makes a file unreadable.
They return a `FileText` without text, or the error number.
"""

import errno as codes
import os
from dataclasses import dataclass

from ktrace.host.host import Host
from ktrace.tracefs.files import Files
from ktrace.tracefs.mount import DEBUG, MOUNTS, TRACING, Mount, find_mount, parse_mounts


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


@dataclass(frozen=True, slots=True)
class Machine:
    """A host, and what /proc/self may do there."""

    host: Host

    @property
    def release(self) -> str:
        """Return what `uname -r` prints."""
        return self.host.uname().release

    @property
    def arch(self) -> str:
        """Return what `uname -m` prints."""
        return self.host.uname().machine

    @property
    def euid(self) -> int:
        """Return the effective user id."""
        return self.host.euid()

    def read(self, path: str, limit: int | None = None) -> FileText:
        """Read a file's text, or only its first `limit` bytes."""
        data = self.read_bytes(path, limit)
        if isinstance(data, int):
            return FileText(None, data)
        return FileText(data.decode("utf-8", "surrogateescape"))

    def read_bytes(self, path: str, limit: int | None = None) -> bytes | int:
        """Read a file's bytes, or only the first `limit`; return an error number on failure."""
        try:
            return self.host.read_bytes(path, limit)
        except OSError as error:
            return error.errno or codes.EIO

    def append_errno(self, path: str) -> int:
        """Open a file to append, without writing; return 0 or the error number."""
        try:
            self.host.check_append(path)
        except OSError as error:
            return error.errno or codes.EIO
        return 0

    def stat_errno(self, path: str) -> int:
        """Return 0 if a file of that name exists, or else the error number."""
        try:
            self.host.stat(path)
        except OSError as error:
            return error.errno or codes.EIO
        return 0

    def exists(self, path: str) -> bool:
        """Return whether a file of that name can be seen from here."""
        return self.stat_errno(path) == 0

    def link(self, path: str) -> str | None:
        """Return the target of a symbolic link, or None if it cannot be read."""
        try:
            return self.host.readlink(path)
        except OSError:
            return None

    def names(self, path: str) -> list[str] | int:
        """Return the sorted names in a directory, or the error number."""
        try:
            return self.host.list(path)
        except OSError as error:
            return error.errno or codes.EIO

    def files(self, path: str) -> Files:
        """Return the files in a directory, as `ktrace.tracefs` accesses them."""
        return Files(self.host, path)

    def mounts(self) -> tuple[Mount, ...]:
        """Return the mounted file systems; none if /proc is not mounted."""
        return parse_mounts(self.read(MOUNTS).text or "")

    def mounted(self, fstype: str, preferred: str) -> str | None:
        """Return where a file system is mounted, `preferred` if that is one of the places."""
        try:
            return find_mount(self.host, fstype, preferred)
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
