"""Waiting while the kernel counts: for the next look, and for everything that ends a run."""

import select
import time
from collections.abc import Callable

from ktrace.session.command import Command
from ktrace.session.signals import StopSignals

LOOK_S = 0.25  # between two looks at what was counted: often enough for eyes


class Ticking:
    """Says when to look and when to end.

    Args:
        stop: signals.
        duration_s: end after this many seconds; None: never.
        command: end when it has ended.
        output_fd: end when nobody reads this any more; None: not watched.
        keys_fd: return as soon as this can be read, too.

    Attributes:
        every_s: seconds between two looks.
        output_closed: whether it was that which ended the run.
        pressed: whether a key is to be read.
        ended: set by whoever wants the run to end.
    """

    def __init__(
        self,
        stop: StopSignals,
        *,
        duration_s: float | None = None,
        command: Command | None = None,
        output_fd: int | None = None,
        keys_fd: int | None = None,
        every_s: float = LOOK_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._stop = stop
        self._command = command
        self._started = clock()
        self._deadline = None if duration_s is None else self._started + duration_s
        if duration_s is not None:
            stop.ends_in(duration_s)
        if command is not None:
            stop.watch(command.fd)
        self.every_s = every_s
        self._output_fd = output_fd
        self.output_closed = False
        self._keys_fd = keys_fd
        self.pressed = False
        self.ended = False
        self._poll = select.poll()
        self._poll.register(stop.fd, select.POLLIN)
        if command is not None:
            self._poll.register(command.fd, select.POLLIN)
        if output_fd is not None:
            self._poll.register(output_fd, 0)  # no events asked for: only errors are reported
        if keys_fd is not None:
            self._poll.register(keys_fd, select.POLLIN)

    def end(self) -> None:
        """Begin the end of the run, if nothing else has."""
        self._stop.end()

    @property
    def overdue(self) -> bool:
        """Return whether the run has ended so long ago that nothing more is to be read."""
        return self._stop.overdue

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return self._clock() - self._started

    def __call__(self) -> bool:
        """Wait until it is time to look; False when the run is over."""
        self.pressed = False
        if self.ended:
            return False
        left = float("inf") if self._deadline is None else self._deadline - self._clock()
        for fd, events in self._poll.poll(max(0.0, min(left, self.every_s)) * 1000):
            if fd == self._output_fd and events & (select.POLLERR | select.POLLHUP):
                self.output_closed = True
            self.pressed = self.pressed or fd == self._keys_fd
        if self.output_closed or self._stop.received is not None:
            return False
        if self._command is not None and self._command.ended:
            return False
        return self._deadline is None or self._clock() < self._deadline
