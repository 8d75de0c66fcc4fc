"""Follow a guest from the start of QEMU to the command's exit status, or to any other end."""

import contextlib
import selectors
import signal
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from ktrace.errors import VmError
from ktrace.vm import console_tail as last_words
from ktrace.vm import terminal
from ktrace.vm.host_side import HostSide
from ktrace.vm.streams import Input, Output, Tail


@dataclass(frozen=True, slots=True)
class Wires:
    """Our ends of the guest's ports.

    On a terminal, `stdin` and `stdout` are the same socket. `stderr` is None if it comes with standard
    output. `end` marks the end of an output.
    """

    control: socket.socket
    console: socket.socket
    stdin: socket.socket
    stdout: socket.socket
    stderr: socket.socket | None
    end: bytes
    on_tty: bool


@dataclass(frozen=True, slots=True)
class Deadlines:
    """The deadlines for the start and the end of the command, in seconds from the start of QEMU."""

    boot_s: float
    total_s: float | None


class Guest:
    """A running guest, created once QEMU has been started; `follow` is called once."""

    def __init__(self, host: HostSide, wires: Wires, caught: socket.socket) -> None:
        self._host = host
        self._wires = wires
        self._caught = caught
        self._console = Tail(wires.console.fileno())
        self._messages = Tail(host.messages)
        self._stack = ExitStack()  # closed when the command has ended: input, raw terminal
        self._ready = False
        self._interrupted = False
        self._status: int | None = None
        self._killed_by: int | None = None
        self._lines = b""
        self._escape = terminal.EscapeWatch()
        self._events, self._wake = socket.socketpair()
        self._stack.enter_context(self._events)
        self._stack.enter_context(self._wake)
        self._outputs = [self._output(wires.stdout, 1, "out")]
        if wires.stderr is not None:
            self._outputs.append(self._output(wires.stderr, 2, "err"))

    def follow(self, deadlines: Deadlines) -> int:
        """Wait for the command's exit status; the command has the terminal until then.

        Returns:
            The status, or 128 plus the number of the signal that ended the guest.

        Raises:
            VmError: the guest ended without a status, or took too long; the message has its last output.
        """
        try:
            self._wait(deadlines)
        finally:
            self._close()
        if self._killed_by is not None:
            return 128 + self._killed_by
        for output in self._outputs:
            if output.error is not None:
                raise VmError(f"the command's output cannot be written: {output.error.strerror}")
        if self._status is None:
            raise self._failed("ended before its command did")
        return self._status

    def _close(self) -> None:
        """End the guest, then the threads that waited for it."""
        self._host.kill()
        self._stack.close()
        self._console.join()
        self._messages.join()
        for output in self._outputs:
            output.join()

    def _output(self, source: socket.socket, target: int, name: str) -> Output:
        return Output(
            source,
            target,
            self._wires.end,
            on_closed=lambda: self._tell(f"pipe {name}"),
            on_done=self._notify,
        )

    def _notify(self) -> None:
        """Wake up the loop in `_wait`; called from other threads."""
        with contextlib.suppress(OSError):  # the loop has ended
            self._wake.send(b".")

    def _wait(self, deadlines: Deadlines) -> None:
        started = time.monotonic()
        with selectors.DefaultSelector() as selector:
            selector.register(self._wires.control, selectors.EVENT_READ, self._on_control)
            selector.register(self._caught, selectors.EVENT_READ, self._on_signals)
            selector.register(self._events, selectors.EVENT_READ, self._on_event)
            while not self._finished():
                limit = self._limit(deadlines)
                left = None if limit is None else started + limit - time.monotonic()
                if left is not None and left <= 0:
                    self._host.kill()
                    what = "did not finish" if self._ready else "did not start its command"
                    raise self._failed(f"{what} within {limit:g} s")
                for key, _ in selector.select(left):
                    handle: Callable[[], bool] = key.data
                    if not handle():
                        return

    def _limit(self, deadlines: Deadlines) -> float | None:
        limits = [deadlines.total_s] + ([] if self._ready else [deadlines.boot_s])
        return min((limit for limit in limits if limit is not None), default=None)

    def _finished(self) -> bool:
        """Return whether there is a status, and all output of the command has been passed on."""
        return self._status is not None and all(output.done for output in self._outputs)

    def _on_event(self) -> bool:
        """Handle news from another thread; return False if the guest has to end."""
        self._events.recv(64)
        return self._killed_by is None

    def _on_control(self) -> bool:
        """Handle the guest's messages (see `init.sh`); return False if the guest is gone."""
        try:
            data = self._wires.control.recv(4096)
        except OSError:
            data = b""
        *lines, self._lines = (self._lines + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode(errors="replace").partition(" ")
            if word == "ready":
                self._on_ready()
            elif word == "exit":
                self._status = int(rest)
            elif word == "fail":
                self._host.kill()
                raise self._failed(f"could not be set up: {rest}")
        return bool(data)

    def _on_ready(self) -> None:
        self._ready = True
        filtered = None
        if self._wires.on_tty:
            self._stack.enter_context(terminal.raw(0))
            filtered = self._escaped
        keyboard = Input(0, self._wires.stdin, filtered=filtered)
        self._stack.callback(keyboard.stop)

    def _escaped(self, data: bytes) -> bool:
        """Return whether the user wants to leave a guest that may no longer respond."""
        if not self._escape.feed(data):
            return False
        self._killed_by = signal.SIGINT
        self._notify()
        return True

    def _on_signals(self) -> bool:
        """Handle signals; return False if the guest has to end."""
        for number in self._caught.recv(64):
            if number == signal.SIGWINCH:
                if self._wires.on_tty and self._ready:
                    rows, columns = terminal.size(0)
                    self._tell(f"size {rows} {columns}")
            elif number == signal.SIGINT and self._ready and not self._interrupted:
                self._interrupted = True
                self._tell("signal INT")
            else:
                self._killed_by = number
                return False
        return True

    def _tell(self, line: str) -> None:
        with contextlib.suppress(OSError):  # the guest is ending, as `_wait` will see
            self._wires.control.send(line.encode() + b"\n")

    def _failed(self, what: str) -> VmError:
        """End the guest, and return the error to raise, with the last output of the guest and QEMU."""
        self._close()
        return VmError(last_words.message(what, self._messages.lines(), self._console.lines()))
