"""The context of a run: its session, the causes that end it, and the receiver of its remarks."""

from dataclasses import field
from typing import TYPE_CHECKING, BinaryIO

from ktrace.records import dataclass
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.session.tasks import TaskFilter
from ktrace.session.waiting import TICK_S, Waiting, watchable_output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ktrace.diagnostic import Notify
    from ktrace.kernel.kernel import Kernel
    from ktrace.session.command import Command


@dataclass(slots=True)
class RunContext:
    """The context of one run of a command.

    Attributes:
        session: the session that traces. The creator of the context enters and leaves it.
        stop: signals, and the end of the run.
        notify: takes remarks for the user, such as that a function has been renamed.
        command: end with this command, and record only its hits and those of its children.
        everybody: record the hits of all tasks, although there is a command.
        tasks: record only these tasks.
        duration_s: end this many seconds after `Waiting.begin`; None for no limit.
        output: the stream that events go to, if the run is to end when nobody reads it any more.
        keys_fd: a terminal whose keys the run reads.
    """

    session: Session
    stop: StopSignals
    notify: "Notify"
    command: "Command | None" = None
    tasks: TaskFilter = field(default_factory=TaskFilter)
    duration_s: float | None = None
    output: BinaryIO | None = None
    keys_fd: int | None = None
    everybody: bool = False
    _waiting: Waiting | None = field(default=None, init=False)

    @property
    def kernel(self) -> "Kernel":
        """Return the kernel's features, symbols and types."""
        return self.session.kernel

    def waiting(
        self,
        readers: "Iterable[int]" = (),
        *,
        every_s: float = TICK_S,
        settle_s: float = 0.0,
        pending: "Callable[[], bool]" = lambda: False,
    ) -> Waiting:
        """Make the run's loop. Begin it when everything is enabled; for the arguments see `Waiting`."""
        self._waiting = Waiting(
            self.stop,
            readers,
            command=self.command,
            duration_s=self.duration_s,
            output_fd=None if self.output is None else watchable_output(self.output.fileno()),
            keys_fd=self.keys_fd,
            every_s=every_s,
            settle_s=settle_s,
            pending=pending,
        )
        return self._waiting

    @property
    def output_closed(self) -> bool:
        """Return whether the run ended because nobody reads its output any more."""
        return self._waiting is not None and self._waiting.output_closed

    def end(self) -> None:
        """Let the loop end at its next call."""
        if self._waiting is not None:
            self._waiting.ended = True

    @property
    def followed(self) -> "Command | None":
        """Return the command whose hits alone are recorded."""
        return None if self.everybody else self.command

    def restrict(self) -> None:
        """Record only hits of the run's command and tasks."""
        if self.followed is not None:
            self.session.only_command(self.followed)
        if self.tasks.pids:
            self.session.only_tasks(self.tasks.threads(self.session.host), children=self.tasks.children)
