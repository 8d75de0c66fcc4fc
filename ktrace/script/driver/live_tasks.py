"""Look up the names and processes of tasks while a script runs."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from ktrace.script.runtime.task_events import PresentNames
from ktrace.script.runtime.tasks import Tasks
from ktrace.session.session import Session
from ktrace.stream.saved_names import LiveNames
from ktrace.stream.thread_groups import ThreadGroups
from ktrace.tracefs.pid_namespace import names_proc


class LiveTasks:
    """Answers what records do not carry of tasks. /proc is looked for when the first question comes.

    Args:
        tasks: what the run has seen of tasks.

    Attributes:
        follows: whether the run follows the names of tasks.
    """

    def __init__(self, session: Session, tasks: Tasks) -> None:
        self._session = session
        self._tasks = tasks
        self.follows = False

    def names(self, pids: Iterable[int]) -> Mapping[int, str]:
        """Return the names of tasks, of those that are known."""
        return self._names(pids)

    def name_at(self, tid: int, ts: int) -> str | None:
        """Return the name that a task had at a time, if the run has seen that it changed."""
        return self._tasks.name(tid, ts)

    def groups(self, tids: Iterable[int]) -> Mapping[int, int]:
        """Return the processes of threads."""
        return self._groups(tids)

    @cached_property
    def _names(self) -> LiveNames | PresentNames:
        names = PresentNames if self.follows else LiveNames
        return names(self._session.saved_names, names_proc(self._session.host))

    @cached_property
    def _groups(self) -> ThreadGroups:
        return ThreadGroups(self._saved_processes, names_proc(self._session.host))

    def _saved_processes(self) -> str:
        try:
            return self._session.tracing.read("saved_tgids")
        except OSError:
            return ""
