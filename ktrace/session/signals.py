"""Being told to stop, without being torn apart.

A handler only notes the signal and wakes whoever polls; the loops ask between two steps. So no
exception can come between a write to the kernel and the note of how to undo it.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

from ktrace.errors import Interrupted

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_GRACE_S = 1.0
# What comes sooner is the same signal again: timeout(1) sends it to a process and to its group.
_APART_S = 0.2


class StopSignals:
    """Notes SIGINT, SIGTERM and SIGHUP while it is entered; those that were ignored stay ignored.

    Attributes:
        received: the first signal's number, or None.
        fd: a descriptor that becomes readable when a signal has come.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self.fd = -1
        self._write_fd = -1
        self._in_block = False
        self._noted_at = 0.0
        self._insisted = False
        self._old: dict[int, Any] = {}
        self._old_wakeup = -1

    def __enter__(self) -> "StopSignals":
        self.fd, self._write_fd = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._old_wakeup = signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        for number in STOPPING:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup must keep working
                self._old[number] = signal.signal(number, self._note)
        self._old[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._out_of_time)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self.fd)
        os.close(self._write_fd)

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self.received is not None:
            raise Interrupted(self.received)

    @contextmanager
    def may_interrupt(self) -> Iterator[None]:
        """The block may be stuck writing to somebody who reads no more, and does not go away either.

        A first signal leaves it a second to end in good order; then, or at a second signal, it is
        left by Interrupted. So is every block after a second signal.
        """
        if self._insisted:
            self.check()
        self._in_block = True
        if self.received is not None:
            signal.setitimer(signal.ITIMER_REAL, _GRACE_S)
        try:
            yield
        finally:
            self._in_block = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received, self._noted_at = signum, time.monotonic()
        elif time.monotonic() - self._noted_at >= _APART_S:
            self._insisted = True
            if self._in_block:
                raise Interrupted(self.received)
            return
        if self._in_block:
            signal.setitimer(signal.ITIMER_REAL, _GRACE_S)

    def _out_of_time(self, _signum: int, _frame: FrameType | None) -> None:
        if self._in_block and self.received is not None:
            raise Interrupted(self.received)
