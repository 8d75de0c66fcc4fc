"""Handle signals that end a run, without interrupting its steps.

A handler only notes the signal and wakes the loop that polls; loops check for signals between two steps. So
no exception can come between a write to the kernel and the note of how to undo it.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType, TracebackType
from typing import Any, Literal, TypeAlias

from ktrace.errors import Interrupted, OutOfTime
from ktrace.session.ending import HANDLERS, LAST_WORDS, OUTPUTS, Ending

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A second signal within this time counts as the first: timeout(1) signals a process and its group.
_APART_S = 0.2
_AT_ONCE_S = 1e-4  # 0 would switch the timer off
_LATEST_S = 86400.0  # then it is set again: the kernel's own counter of nanoseconds allows no more

What: TypeAlias = Literal["output", "handler"]
"""The kinds of blocks that may wait."""


class StopSignals:
    """Notes SIGINT, SIGTERM and SIGHUP while it is entered; ignored signals stay ignored.

    The run ends at a signal, after a time (`ends_in`), with a command (`watch`), or when `end` is called.
    After that, blocks of `may_interrupt` have a bounded time.

    Args:
        stays: the block's work stays, so ignore these signals from the end of the block to the end of the
            process.

    Attributes:
        received: the first signal's number, or None.
        fd: a descriptor that becomes readable when a signal has arrived.
        on_overdue: called once when nothing more should be read or handled. It is called between any two
            steps, so it may only note that.
    """

    def __init__(self, *, stays: bool = False) -> None:
        self._stays = stays
        self.received: int | None = None
        self.fd = -1
        self.on_overdue: Callable[[], None] = lambda: None
        self._ending = Ending()
        self._patience_s = {  # seconds that blocks may still take after the end
            "output": OUTPUTS * self._ending.grace_s,
            "handler": HANDLERS * self._ending.grace_s,
        }
        self._what: What = "output"
        self._deadline: float | None = None
        self._told_overdue = False
        self._child_fd = -1
        self._write_fd = -1
        self._depth = 0  # of blocks
        self._entered_at = 0.0
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
        self._old[signal.SIGALRM] = signal.signal(signal.SIGALRM, self._alarm)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._old.items():
            # A signal now must not change the exit status of work that is done and stays.
            done = self._stays and kind is None and number in STOPPING
            signal.signal(number, signal.SIG_IGN if done else handler)
        signal.set_wakeup_fd(self._old_wakeup)
        os.close(self.fd)
        os.close(self._write_fd)

    def check(self) -> None:
        """Raise Interrupted if a signal has arrived."""
        if self.received is not None:
            raise Interrupted(self.received)

    def ends_in(self, seconds: float | None) -> None:
        """End the run this many seconds from now, even if it waits in a block; None for no time limit."""
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._set_timer()

    def watch(self, fd: int) -> None:
        """End the run with the process of a pidfd, even if it waits in a block."""
        self._child_fd = fd
        if signal.SIGCHLD not in self._old:
            self._old[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._child)
        self._end_with_child()  # it may have ended before

    def end(self) -> None:
        """Start the end of the run, unless it has started."""
        self._ending.end()
        self._set_timer()

    @property
    def ended(self) -> bool:
        """Return whether the run has ended."""
        return self._ending.at is not None

    @property
    def overdue(self) -> bool:
        """Return whether the run ended so long ago that nothing more should be read."""
        return self._insisted or self._ending.overdue

    @property
    def insisted(self) -> bool:
        """Return whether a second signal has arrived."""
        return self._insisted

    @property
    def grace_s(self) -> float:
        """Return the seconds that everything after the end may take."""
        return self._ending.grace_s

    def last_words(self) -> None:
        """Give blocks a new, shorter time, for the messages at the very end."""
        self.end()
        self._patience_s = dict.fromkeys(self._patience_s, LAST_WORDS * self._ending.grace_s)

    @contextmanager
    def may_interrupt(self, what: What = "output") -> Iterator[None]:
        """Allow the block to be interrupted where it is stuck: in a write that nobody reads, or in a loop.

        After the end of the run, all blocks of one kind together may take a part of its time. Then
        OutOfTime is raised in the block, and no other block of this kind begins. A second signal raises
        Interrupted.

        Args:
            what: the kind of block. Within another block, the kind of the outer one counts.
        """
        if self._insisted:
            self.check()
        self._enter(what)
        try:
            yield
        finally:
            self._leave()

    def _enter(self, what: What) -> None:
        self._depth += 1
        if self._depth > 1:
            return
        self._what = what
        self._entered_at = time.monotonic()
        if self.ended:
            if self._patience_s[what] <= 0:
                self._depth = 0
                raise self._reason()
            self._set_timer()

    def _leave(self) -> None:
        self._depth -= 1
        if self._depth == 0 and self._ending.at is not None:
            self._patience_s[self._what] -= time.monotonic() - max(self._entered_at, self._ending.at)
            self._set_timer()

    def _block_until(self, ended_at: float) -> float:
        return max(self._entered_at, ended_at) + self._patience_s[self._what]

    def _reason(self) -> Interrupted:
        return OutOfTime(self.received or 0)

    def _set_timer(self) -> None:
        """Set a timer that sends SIGALRM when something is due next."""
        ending = self._ending
        due = []
        if ending.at is None:
            due = [] if self._deadline is None else [self._deadline]
        else:
            assert ending.reading_until is not None
            if not self._told_overdue:
                due.append(ending.reading_until)
            if self._depth:
                due.append(self._block_until(ending.at))
        seconds = min(max(min(due) - time.monotonic(), _AT_ONCE_S), _LATEST_S) if due else 0
        signal.setitimer(signal.ITIMER_REAL, seconds)

    def _alarm(self, _signum: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self._calm()
        ending = self._ending
        now = time.monotonic()
        if self._deadline is not None and now >= self._deadline:
            ending.end()
        if ending.at is not None:
            if ending.overdue and not self._told_overdue:
                self._told_overdue = True
                self.on_overdue()
            if self._depth and now >= self._block_until(ending.at):
                raise self._reason()
        self._set_timer()

    def _child(self, _signum: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self._calm()
        self._end_with_child()

    def _end_with_child(self) -> None:
        with suppress(OSError, ValueError):  # it is closed
            poll = select.poll()
            poll.register(self._child_fd, select.POLLIN)
            if poll.poll(0):
                self.end()

    def _calm(self) -> None:
        """Make `fd` unreadable again: the signal was not one that stops."""
        with suppress(BlockingIOError):
            os.read(self.fd, 512)

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        if self.received is None:
            self.received, self._noted_at = signum, time.monotonic()
            self.end()
        elif time.monotonic() - self._noted_at >= _APART_S:
            self._insisted = True
            if self._depth:
                raise Interrupted(self.received)
