"""Run the command of `-c`: fork it before anything is traced, and start it when all probes are enabled."""

import os
import shlex
from types import TracebackType

from ktrace.errors import NotFound, UsageError
from ktrace.host.host import Host
from ktrace.host.local import LocalHost
from ktrace.session.ending import grace_s

_TERM_SHARE = 0.3  # of the time that a run has after its end: then SIGKILL


class Command:
    """One child process that waits at a gate.

    Args:
        text: the command, split into words as a shell does; no shell runs it.
        to_stderr: send its standard output to standard error, where standard output is for events.
        host: the machine that is traced, which runs it; None is this one.

    Example:
        with Command("ls -l /tmp") as command:
            ...  # arm probes for command.pid
            command.start()
            ...  # until command.ended

    Attributes:
        pid: its process id, the same before and after its program is started.
        fd: a descriptor that becomes readable when it has ended.

    Raises:
        UsageError: the words cannot be split.
        NotFound: the program does not exist.
    """

    def __init__(self, text: str, *, to_stderr: bool = False, host: Host | None = None) -> None:
        try:
            self.words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"-c: {error}", excerpt=text, caret=len(text)) from None
        if not self.words:
            raise UsageError("-c names no command")
        self._child = (host or LocalHost()).fork(self.words, to_stderr=to_stderr)
        self.pid, self.fd = self._child.pid, self._child.fd
        self._ended = False

    def __enter__(self) -> "Command":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the command if it was not waited for, so that nothing is left running."""
        # First: one that still waits ends by itself; until it runs its program, it only notes signals.
        self._child.close_gate()
        if not self._ended:
            self._end()
        self._child.close()

    def start(self) -> None:
        """Open the gate. Raises NotFound if the program could not be started."""
        try:
            self._child.start()
        except OSError as error:
            self._ended = True
            assert error.errno is not None
            raise NotFound(f"-c: {self.words[0]}: {os.strerror(error.errno)}") from None

    def write_first(self, path: str, text: str) -> None:
        """Let the child write a line to a file before its program is started, and wait for that.

        Raises:
            OSError: the line could not be written.
        """
        self._child.write_first(path, text)

    @property
    def ended(self) -> bool:
        """Return whether it has ended."""
        self._ended = self._ended or self._child.poll() is not None
        return self._ended

    def wait(self) -> int:
        """Wait for its end. Return the exit code as a shell reports it: 128 + N for signal N."""
        code = self._child.wait()
        self._ended = True
        return code if code >= 0 else 128 - code

    def finish(self) -> int:
        """End it if it still runs, and return its exit code, as `wait` does."""
        self._end()
        return self.wait()

    def _end(self) -> None:
        """Send SIGTERM, and then SIGKILL if necessary, to it and to its descendants.

        The end of a shell does not end the program that it waits for. That program has our standard output,
        whose reader would wait for it. They are not in a separate process group, because then they could
        not read the terminal.
        """
        self._child.end(_TERM_SHARE * grace_s())
