"""A child process of ktrace that waits at a gate, and becomes a program when the gate is opened.

So it can be traced from its first instruction on: its id is the same before and after execve(2).
"""

import errno
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from ktrace.host.host import Host

_CANNOT_RUN = 126
_NO_SUCH_PROGRAM = 127
_WRITTEN = b"w"


class LocalChild:
    """One child of this process: see `Child`.

    Args:
        host: the machine, for signals and for /proc.
        words: the program and its arguments.
        to_stderr: send its standard output to standard error.
    """

    def __init__(self, host: Host, words: Sequence[str], *, to_stderr: bool) -> None:
        self._host = host
        self._words = words
        self._to_stderr = to_stderr
        self._status: int | None = None
        gate, self._gate = os.pipe2(os.O_CLOEXEC)
        self._report, report = os.pipe2(os.O_CLOEXEC)
        self.pid = os.fork()
        if self.pid == 0:
            self._wait_and_exec(gate, report)
        os.close(gate)
        os.close(report)
        self.fd = os.pidfd_open(self.pid)

    def start(self) -> None:
        """Open the gate. Raises OSError if the program cannot be started."""
        try:
            os.write(self._gate, b"g")
        except BrokenPipeError:  # somebody has killed it
            self.wait()
            raise
        failure = os.read(self._report, 16)  # ends with nothing when exec closes the other end
        if failure:
            self.wait()
            raise OSError(int(failure), os.strerror(int(failure)), self._words[0])

    def write_first(self, path: str, text: str) -> None:
        """Have it append a line to a file before its program is started. Raises OSError."""
        os.write(self._gate, b"w" + os.fsencode(path) + b"\0" + text.encode() + b"\n")
        failure = os.read(self._report, 16)
        if failure != _WRITTEN:
            number = int(failure or errno.ESRCH)
            raise OSError(number, os.strerror(number), path)

    def poll(self) -> int | None:
        """Return the exit status, negative for a signal; None while it runs."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
        return None if self._status is None else os.waitstatus_to_exitcode(self._status)

    def wait(self) -> int:
        """Wait for its end, and return the exit status."""
        if self._status is None:
            self._status = os.waitpid(self.pid, 0)[1]
        return os.waitstatus_to_exitcode(self._status)

    def end(self, patience_s: float) -> None:
        """Send SIGTERM, and SIGKILL if that does not help, to it and to what it has started."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.poll() is not None:
                return
            for pid in (self.pid, *_descendants(self.pid)):
                with suppress(ProcessLookupError, PermissionError):
                    self._host.kill(pid, number)
            deadline = time.monotonic() + patience_s
            while self.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)

    def close_gate(self) -> None:
        """Close the gate: a child that still waits at it ends by itself."""
        os.close(self._gate)

    def close(self) -> None:
        """Close the descriptors."""
        for fd in (self.fd, self._report):
            if fd >= 0:
                os.close(fd)

    def _wait_and_exec(self, gate: int, report: int) -> NoReturn:
        """Run the child's side."""
        try:
            os.close(self._gate)
            while (word := os.read(gate, 1)) != b"g":
                if not word:
                    os._exit(_CANNOT_RUN)  # ktrace ended before it opened the gate
                os.write(report, self._write_line(gate))
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
                if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGPIPE:
                    signal.signal(number, signal.SIG_DFL)
            if self._to_stderr:
                os.dup2(2, 1)
            os.execvpe(self._words[0], list(self._words), os.environ)  # not what `putenv` added to it
        except OSError as error:
            os.write(report, str(error.errno).encode())
        finally:
            os._exit(_NO_SUCH_PROGRAM)

    def _write_line(self, gate: int) -> bytes:
        """Append what comes through the gate to the file that it names; return what to report."""
        line = b""
        while not line.endswith(b"\n"):
            line += os.read(gate, 1)
        path, _, text = line.partition(b"\0")
        try:
            self._host.append(os.fsdecode(path), text)
        except OSError as error:
            return str(error.errno).encode()
        return _WRITTEN


def _descendants(pid: int) -> list[int]:
    """Return all descendants of a process. A daemon is no longer one of them."""
    try:
        import psutil  # noqa: PLC0415 -- only for a command that does not end by itself
    except (ImportError, OSError):  # at a limit of open files: end at least the process itself
        return []
    with suppress(psutil.Error, OSError):  # it has ended, or /proc is not of this namespace
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    return []
