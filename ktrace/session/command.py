"""The command of `-c`: forked before anything is traced, started when all probes are armed."""

import errno
import os
import shlex
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from ktrace.errors import NotFound, UsageError
from ktrace.session.ending import grace_s

_CANNOT_RUN = 126
_NO_SUCH_PROGRAM = 127
_TERM_SHARE = 0.3  # of the time that a run has after its end: then SIGKILL
_WRITTEN = b"w"


class Command:
    """One child process that waits at a gate.

    Args:
        text: the command, split into words as a shell does; no shell runs it.
        to_stderr: send its standard output to standard error, where standard output is for events.

    Example:
        with Command("ls -l /tmp") as command:
            ...  # arm probes for command.pid
            command.start()
            ...  # until command.ended

    Attributes:
        pid: its process id, the same before and after its program is started.
        fd: a descriptor that becomes readable when it has ended (pidfd_open(2)).

    Raises:
        UsageError: the words cannot be split.
        NotFound: the program does not exist.
    """

    def __init__(self, text: str, *, to_stderr: bool = False) -> None:
        self._to_stderr = to_stderr
        try:
            self.words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"-c: {error}", excerpt=text, caret=len(text)) from None
        if not self.words:
            raise UsageError("-c names no command")
        self._status: int | None = None
        gate, self._gate = os.pipe2(os.O_CLOEXEC)
        self._report, report = os.pipe2(os.O_CLOEXEC)
        self.pid = os.fork()
        if self.pid == 0:
            self._wait_and_exec(gate, report)
        os.close(gate)
        os.close(report)
        self.fd = os.pidfd_open(self.pid)

    def __enter__(self) -> "Command":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left running: a command that was not waited for is ended."""
        # First: one that still waits ends by itself; until it runs its program, it only notes signals.
        os.close(self._gate)
        if self._status is None:
            self._end()
        for fd in (self.fd, self._report):
            if fd >= 0:
                os.close(fd)

    def start(self) -> None:
        """Open the gate. Raises NotFound where the program could not be started."""
        os.write(self._gate, b"g")
        failure = os.read(self._report, 16)  # ends with nothing when exec closes the other end
        if failure:
            number = int(failure)
            self.wait()
            raise NotFound(f"-c: {self.words[0]}: {os.strerror(number)}")

    def write_first(self, path: str, text: str) -> None:
        """Have it write a line to a file before its program is started, and wait until it has.

        Raises:
            OSError: it could not.
        """
        os.write(self._gate, b"w" + os.fsencode(path) + b"\0" + text.encode() + b"\n")
        failure = os.read(self._report, 16)
        if failure != _WRITTEN:
            number = int(failure or errno.ESRCH)
            raise OSError(number, os.strerror(number), path)

    @property
    def ended(self) -> bool:
        """Return whether it has ended."""
        if self._status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = status
        return self._status is not None

    def wait(self) -> int:
        """Wait for its end; the exit code as a shell reports it: 128 + N for signal N."""
        if self._status is None:
            self._status = os.waitpid(self.pid, 0)[1]
        code = os.waitstatus_to_exitcode(self._status)
        return code if code >= 0 else 128 - code

    def finish(self) -> int:
        """End it if the run has ended before it did, and return its exit code, as `wait` does."""
        self._end()
        return self.wait()

    def _end(self) -> None:
        """SIGTERM, and SIGKILL if that does not help: to it and to what it has started.

        A shell's own end does not end the program that it waits for, and that program has our standard
        output: whoever reads it would wait for it. They have no process group of their own, since
        they could not read the terminal then.
        """
        patience = _TERM_SHARE * grace_s()
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.ended:
                return
            for pid in (self.pid, *_descendants(self.pid)):
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)
            deadline = time.monotonic() + patience
            while not self.ended and time.monotonic() < deadline:
                time.sleep(0.01)

    def _wait_and_exec(self, gate: int, report: int) -> None:
        """Run the child's side. Does not return."""
        try:
            os.close(self._gate)
            while (word := os.read(gate, 1)) != b"g":
                if not word:
                    os._exit(_CANNOT_RUN)  # ktrace ended before it opened the gate
                os.write(report, _write_line(gate))
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
                if signal.getsignal(number) is not signal.SIG_IGN or number == signal.SIGPIPE:
                    signal.signal(number, signal.SIG_DFL)
            if self._to_stderr:
                os.dup2(2, 1)
            os.execvpe(self.words[0], self.words, os.environ)  # not what `putenv` added to it
        except OSError as error:
            os.write(report, str(error.errno).encode())
        finally:
            os._exit(_NO_SUCH_PROGRAM)


def _write_line(gate: int) -> bytes:
    """Write what comes through the gate to the file that it names; returns what is to be reported."""
    line = b""
    while not line.endswith(b"\n"):
        line += os.read(gate, 1)
    path, _, text = line.partition(b"\0")
    try:
        fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        try:
            os.write(fd, text)
        finally:
            os.close(fd)
    except OSError as error:
        return str(error.errno).encode()
    return _WRITTEN


def _descendants(pid: int) -> list[int]:
    """Return all descendants of a process. A daemon is no longer one of them."""
    found: list[int] = []
    with suppress(OSError):  # it has ended, or the kernel has no lists of children
        for task in Path(f"/proc/{pid}/task").iterdir():
            children = [int(word) for word in (task / "children").read_text("ascii").split()]
            for child in children:
                found += [child, *_descendants(child)]
    return found
