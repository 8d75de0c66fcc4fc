"""`LocalHost`: the machine that ktrace runs on."""

import errno
import fcntl
import os
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ktrace.host.host import Host

if TYPE_CHECKING:
    import mmap

    from ktrace.host.host import Child, Held, Program

_READ_SIZE = 1 << 16


class LocalHost(Host):
    """The machine that ktrace runs on."""

    def uname(self) -> os.uname_result:
        """Return the machine's uname(2)."""
        return os.uname()

    def euid(self) -> int:
        """Return the effective user id of this process."""
        return os.geteuid()

    def pid(self) -> int:
        """Return the id of this process."""
        return os.getpid()

    def sysconf(self, name: str) -> int:
        """Return a value of sysconf(3)."""
        return os.sysconf(name)

    def monotonic_ns(self) -> int:
        """Return CLOCK_MONOTONIC in nanoseconds."""
        return time.monotonic_ns()

    def boottime_ns(self) -> int:
        """Return CLOCK_BOOTTIME in nanoseconds."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def time_ns(self) -> int:
        """Return CLOCK_REALTIME in nanoseconds since 1970."""
        return time.time_ns()

    def read_bytes(self, path: str, limit: int | None = None) -> bytes:
        """Read a file in large pieces: files of the kernel have no size."""
        fd = os.open(self.at(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            pieces, left = [], limit
            while piece := os.read(fd, _READ_SIZE if left is None else min(left, _READ_SIZE)):
                pieces.append(piece)
                left = None if left is None else left - len(piece)
            return b"".join(pieces)
        finally:
            os.close(fd)

    def content(self, path: str) -> "bytes | mmap.mmap":
        """Return the content of a file, mapped if the kernel allows it, which copies nothing.

        sysfs returns 4096 bytes for each read(2), and BTF has thousands of such pieces. Kernels since 6.16
        allow mapping it.
        """
        import mmap  # noqa: PLC0415 -- only BTF and debug info are as large

        fd = os.open(self.at(path), os.O_RDONLY | os.O_CLOEXEC)
        try:
            size = os.fstat(fd).st_size
            if size:
                try:
                    return mmap.mmap(fd, size, prot=mmap.PROT_READ, flags=mmap.MAP_PRIVATE)
                except (OSError, ValueError):
                    pass
        finally:
            os.close(fd)
        return self.read_bytes(path)

    def append(self, path: str, data: bytes) -> None:
        """Append in one write(2), with O_APPEND and without O_TRUNC.

        Truncating a definition file would delete other users' probes, and truncating `trigger` or `set_event`
        would delete their entries.
        """
        fd = os.open(self.at(path), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            written = os.write(fd, data)
        finally:
            os.close(fd)
        if written < len(data.rstrip(b"\n")):
            raise OSError(errno.EIO, f"only {written} of {len(data)} bytes taken", path)

    def clear(self, path: str) -> None:
        """Truncate a file that exists."""
        os.close(os.open(self.at(path), os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC))

    def list(self, path: str) -> list[str]:
        """Return the names in a directory, sorted."""
        return sorted(os.listdir(self.at(path)))  # noqa: PTH208 -- names, not paths

    def stat(self, path: str) -> os.stat_result:
        """Return the stat(2) of a file."""
        return os.stat(self.at(path))  # noqa: PTH116 -- the path may end in a slash or dot that means something

    def readlink(self, path: str) -> str:
        """Return the target of a symbolic link."""
        return os.readlink(self.at(path))  # noqa: PTH115 -- the text as it is

    def mkdir(self, path: str) -> None:
        """Make a directory."""
        os.mkdir(self.at(path))  # noqa: PTH102 -- as above

    def rmdir(self, path: str) -> None:
        """Remove a directory."""
        os.rmdir(self.at(path))  # noqa: PTH106 -- as above

    def check_append(self, path: str) -> None:
        """Open a file to append, and write nothing.

        Lockdown that was enabled after boot and read-only mounts refuse the open(2), even if the mode allows
        it.
        """
        os.close(os.open(self.at(path), os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC))

    def may(self, path: str, mode: int) -> bool:
        """Return whether this process has that access to a file."""
        return os.access(self.at(path), mode, effective_ids=True)

    def stream(self, path: str) -> int:
        """Open a file for non-blocking reading and return its descriptor."""
        return os.open(self.at(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def hold(self, path: str) -> "Held":
        """Open a file or directory and keep it open."""
        return _Held(self.stream(path))

    def kill(self, pid: int, signum: int) -> None:
        """Send a signal to a process."""
        os.kill(pid, signum)

    def start(self, argv: Sequence[str]) -> "Program":
        """Start a program with the user's environment, without what ktrace has set for its own libraries."""
        import subprocess  # noqa: PLC0415 -- loading it takes long, and few runs start programs

        return subprocess.Popen(argv, stdin=subprocess.DEVNULL, env=os.environ)

    def fork(self, words: Sequence[str], *, to_stderr: bool = False) -> "Child":
        """Fork a child that waits before it runs a program."""
        from ktrace.host.child import LocalChild  # noqa: PLC0415 -- few runs start a command

        return LocalChild(self, words, to_stderr=to_stderr)

    def at(self, path: str) -> str:
        """Return where a file of the traced machine is on this machine."""
        return path


class _Held:
    def __init__(self, fd: int) -> None:
        self._fd = fd

    def lock(self, *, exclusive: bool) -> bool:
        """Lock the file without waiting."""
        try:
            fcntl.flock(self._fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)
