"""Waiting for events, and for everything that ends a run."""

import os
import select
import time
from collections.abc import Callable

from ktrace.session.command import Command
from ktrace.session.signals import StopSignals

# Between the first event and the read: larger pieces cost less, nobody sees 20 ms, and the kernel has
# saved the names of tasks that only just began.
_PAUSE_S = 0.02
_TICK_S = 0.5


class Waiting:
    """Says when to read and when to end.

    Args:
        fd: the reader's, to poll.
        stop: signals; None where they are left alone.
        duration_s: end this many seconds after the first wait began; None: never.
        command: end when it has ended.
        output_fd: end when nobody reads this any more, even while no event comes; None: not watched.
        pending: whether something that was read waits for the next read, which is not to be long then.

    Attributes:
        output_closed: whether it was that which ended the run.
    """

    def __init__(
        self,
        fd: int,
        stop: StopSignals | None,
        *,
        duration_s: float | None = None,
        command: Command | None = None,
        output_fd: int | None = None,
        pending: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._fd = fd
        self._stop = stop
        self._command = command
        self._duration_s = duration_s
        self._deadline: float | None = None
        self._output_fd = output_fd
        self._pending = pending
        self.output_closed = False
        if stop is not None and command is not None:
            stop.watch(command.fd)
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)
        if stop is not None:
            self._poll.register(stop.fd, select.POLLIN)
        if command is not None:
            self._poll.register(command.fd, select.POLLIN)
        if output_fd is not None:
            self._poll.register(output_fd, 0)  # no events asked for: only errors are reported

    def __call__(self) -> bool:
        """Wait until something may be there to read; False when the run is over."""
        if self._deadline is None and self._duration_s is not None:
            self._deadline = self._clock() + self._duration_s
            if self._stop is not None:
                self._stop.ends_in(self._duration_s)
        ready = False
        tick = _PAUSE_S if self._pending() else _TICK_S
        for fd, events in self._poll.poll(max(0.0, min(self._seconds_left(), tick)) * 1000):
            ready = ready or fd == self._fd
            if fd == self._output_fd and events & (select.POLLERR | select.POLLHUP):
                self.output_closed = True
        if self.output_closed or (self._stop is not None and self._stop.received is not None):
            return False
        if self._command is not None and self._command.ended:
            return False
        if ready:
            time.sleep(max(0.0, min(_PAUSE_S, self._seconds_left())))
        return self._seconds_left() > 0

    def _seconds_left(self) -> float:
        return float("inf") if self._deadline is None else self._deadline - self._clock()


def watchable_output(fd: int) -> int | None:
    """`fd` if it is a pipe or socket, of which the other end can go away; else None."""
    import stat  # noqa: PLC0415 -- only here

    mode = os.fstat(fd).st_mode
    return fd if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None
