"""Wait for events, ticks and keys in one loop, until the run is over."""

import os
import select
import stat
import time
from collections.abc import Callable, Iterable

from ktrace.session.command import Command
from ktrace.session.signals import StopSignals

TICK_S = 0.5
SETTLE_S = 0.02
"""Seconds between the first event and the read of a stream.

Larger reads cost less, nobody sees 20 ms, and the kernel has saved the names of new tasks by then.
"""


class Waiting:
    """Waits until there is something to do, or the run is over.

    Each call waits and returns True, or returns False when the run is over: at a signal, at the end of the
    command or of the time, when nobody reads the output any more, or when `ended` was set.

    Args:
        stop: signals; None if the calling program handles its own.
        readers: descriptors of the buffer's readers; a call returns when one of them is readable.
        command: started by `begin`; the run ends with it.
        duration_s: the run's time in seconds, from `begin`; None for no limit.
        output_fd: a pipe or socket; the run ends when its other end is closed, even if no event comes.
        keys_fd: a terminal; a call returns when it is readable.
        every_s: the longest wait of a call, in seconds.
        settle_s: seconds to wait after a reader became readable.
        pending: returns whether data that was read waits for the next read, which must come soon.
        clock: monotonic, in seconds.

    Attributes:
        ready: the readers that were readable after the last wait.
        pressed: whether `keys_fd` was.
        output_closed: whether nobody reads the output any more.
        ended: set by a caller that wants the run to end.
        every_s: as above; may be changed between two calls.
    """

    # many parameters: what ends or wakes a run; most runs need two or three of it
    def __init__(
        self,
        stop: StopSignals | None,
        readers: Iterable[int] = (),
        *,
        command: Command | None = None,
        duration_s: float | None = None,
        output_fd: int | None = None,
        keys_fd: int | None = None,
        every_s: float = TICK_S,
        settle_s: float = 0.0,
        pending: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stop = stop
        self._readers = frozenset(readers)
        self._command = command
        self._duration_s = duration_s
        self._output_fd = output_fd
        self._keys_fd = keys_fd
        self.every_s = every_s
        self._settle_s = settle_s
        self._pending = pending
        self._clock = clock
        self._began = clock()
        self._deadline: float | None = None
        self.ready: list[int] = []
        self.pressed = False
        self.output_closed = False
        self.ended = False
        self._poll = select.poll()
        for fd in self._readers:
            self._poll.register(fd, select.POLLIN)
        if stop is not None:
            self._poll.register(stop.fd, select.POLLIN)
        if command is not None:
            self._poll.register(command.fd, select.POLLIN)
        if keys_fd is not None:
            self._poll.register(keys_fd, select.POLLIN)
        if output_fd is not None:
            self._poll.register(output_fd, 0)  # no events asked for: only errors are reported

    def begin(self) -> None:
        """Begin the time of the run, and start its command.

        Raises:
            NotFound: the command cannot be started.
        """
        self._began = self._clock()
        if self._duration_s is not None:
            self._deadline = self._began + self._duration_s
            if self._stop is not None:
                self._stop.ends_in(self._duration_s)
        if self._command is not None:
            if self._stop is not None:
                self._stop.watch(self._command.fd)
            self._command.start()

    @property
    def seconds(self) -> float:
        """Return the seconds since `begin`."""
        return self._clock() - self._began

    def __call__(self, at_most_s: float | None = None) -> bool:
        """Wait until there is something to do; return False if the run is over.

        Args:
            at_most_s: the longest wait of this call, in seconds, if shorter than `every_s`.
        """
        self.ready, self.pressed = [], False
        if self.ended:
            return False
        tick = SETTLE_S if self._pending() else self.every_s
        if at_most_s is not None:
            tick = min(tick, at_most_s)
        for fd, events in self._poll.poll(max(0.0, min(self._seconds_left(), tick)) * 1000):
            if fd in self._readers:
                self.ready.append(fd)
            elif fd == self._keys_fd:
                self.pressed = True
            elif fd == self._output_fd and events & (select.POLLERR | select.POLLHUP):
                self.output_closed = True
        if self.output_closed or (self._stop is not None and self._stop.ended):
            return False
        if self._command is not None and self._command.ended:
            return False
        if self.ready and self._settle_s:
            time.sleep(max(0.0, min(self._settle_s, self._seconds_left())))
        return self._seconds_left() > 0

    def _seconds_left(self) -> float:
        return float("inf") if self._deadline is None else self._deadline - self._clock()


def watchable_output(fd: int) -> int | None:
    """Return `fd` if it is a pipe or socket, whose other end can be closed; else None."""
    mode = os.fstat(fd).st_mode
    return fd if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None
