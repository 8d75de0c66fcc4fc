"""`Host`: everything that ktrace asks of the machine that is traced.

Nothing outside of this package opens a file below /proc, /sys or /boot, or asks for uname(2). So another way
to reach a machine is one more module here. Paths are absolute, as the traced machine has them. /proc/self is
the process that acts there: ktrace itself, or its agent on another machine.

Files of the user who runs ktrace, such as outputs, scripts and caches, do not belong to the traced machine
and are not accessed through a Host.
"""

import errno
import os
import stat
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mmap import mmap


class Held(Protocol):
    """A file that is kept open on the traced machine, and can be locked: flock(2)."""

    def lock(self, *, exclusive: bool) -> bool:
        """Lock the file without waiting; return whether that succeeded. Raises OSError where it cannot."""

    def close(self) -> None:
        """Close the file, which also releases the lock."""


class Program(Protocol):
    """A program that was started on the traced machine.

    Attributes:
        pid: its process id there.
    """

    pid: int

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""

    def wait(self) -> int:
        """Wait for its end, and return the exit status."""


class Child(Program, Protocol):
    """A process that waits at a gate, and becomes a program when the gate is opened.

    Attributes:
        fd: a descriptor of this process that becomes readable when the program has ended.
    """

    fd: int

    def start(self) -> None:
        """Open the gate. Raises OSError if the program cannot be started."""

    def write_first(self, path: str, text: str) -> None:
        """Have it append a line to a file before its program is started. Raises OSError."""

    def end(self, patience_s: float) -> None:
        """End it and what it has started: SIGTERM, and SIGKILL after `patience_s` seconds."""

    def close_gate(self) -> None:
        """Close the gate: a child that still waits at it ends by itself."""

    def close(self) -> None:
        """Close the descriptors."""


class Host(Protocol):
    """The machine that is traced.

    A subclass implements the methods without a body. All methods raise OSError with the error number that the
    machine reported.
    """

    def __hash__(self) -> int:
        """Hosts are compared by identity."""
        return id(self)

    def uname(self) -> os.uname_result:
        """Return the machine's uname(2)."""

    def euid(self) -> int:
        """Return the effective user id of /proc/self."""

    def pid(self) -> int:
        """Return the process id of /proc/self, in its own pid namespace."""

    def sysconf(self, name: str) -> int:
        """Return a value of sysconf(3), such as that of `SC_PAGE_SIZE`."""

    def monotonic_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds."""

    def boottime_ns(self) -> int:
        """Return CLOCK_BOOTTIME in nanoseconds."""

    def time_ns(self) -> int:
        """Return CLOCK_REALTIME in nanoseconds since 1970."""

    def read_bytes(self, path: str, limit: int | None = None) -> bytes:
        """Read a whole file, or only its first `limit` bytes."""

    def content(self, path: str) -> "bytes | mmap":
        """Return the content of a large file, mapped into memory where that is possible."""

    def append(self, path: str, data: bytes) -> None:
        """Append to a file that exists, in one write(2). Never truncate."""

    def clear(self, path: str) -> None:
        """Truncate a file that exists."""

    def list(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""

    def stat(self, path: str) -> os.stat_result:
        """Return the stat(2) of a file; links are followed."""

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link."""

    def mkdir(self, path: str) -> None:
        """Make a directory."""

    def rmdir(self, path: str) -> None:
        """Remove a directory."""

    def check_append(self, path: str) -> None:
        """Open a file as `append` does, but write nothing. The mode alone does not tell whether it works."""

    def may(self, path: str, mode: int) -> bool:
        """Return whether /proc/self has this access to a file: `os.R_OK`, `os.X_OK`."""

    def stream(self, path: str) -> int:
        """Open a file for reading without waiting.

        Returns:
            A descriptor of this process, for poll(2), non-blocking read(2) and splice(2). One read(2) returns
            no more than one read(2) of the file does on its machine, so that pages stay whole. The caller
            closes it.
        """

    def hold(self, path: str) -> Held:
        """Open a file or directory for reading and keep it open."""

    def kill(self, pid: int, signum: int) -> None:
        """Send a signal to a process; with 0, only check that it exists."""

    def start(self, argv: Sequence[str]) -> Program:
        """Start a program with the user's environment, without standard input, and do not wait for it."""

    def fork(self, words: Sequence[str], *, to_stderr: bool = False) -> Child:
        """Start a process that waits before it runs a program, with the standard streams of ktrace.

        Args:
            to_stderr: send its standard output to standard error.
        """

    def read(self, path: str) -> str:
        """Read a whole file as text; bytes that are not UTF-8 become lone surrogates."""
        return self.read_bytes(path).decode("utf-8", "surrogateescape")

    def exists(self, path: str) -> bool:
        """Return whether a file exists; one in a directory that cannot be entered raises PermissionError."""
        try:
            self.stat(path)
        except (OSError, ValueError) as error:
            return _absent(error)
        return True

    def is_dir(self, path: str) -> bool:
        """Return whether there is a directory of that name."""
        try:
            return stat.S_ISDIR(self.stat(path).st_mode)
        except (OSError, ValueError) as error:
            return _absent(error)

    def is_running(self, pid: int) -> bool:
        """Return whether there is a process of that id, whatever /proc shows."""
        try:
            self.kill(pid, 0)
        except PermissionError:
            return True  # another user's
        except (ProcessLookupError, OverflowError):
            return False
        return True


def _absent(error: OSError | ValueError) -> bool:
    """Return False for an error that means that there is no such file; raise any other."""
    # ValueError: no file has a name with a null character.
    if isinstance(error, OSError) and error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
        raise error
    return False
