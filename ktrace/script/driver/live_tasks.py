"""Look up the names and processes of tasks while a script runs."""

from collections.abc import Iterable, Mapping
from functools import cached_property

from ktrace.session.session import Session
from ktrace.stream.saved_names import LiveNames
from ktrace.stream.thread_groups import ThreadGroups
from ktrace.tracefs.pid_namespace import names_proc


class LiveTasks:
    """Answers what records do not carry of tasks. /proc is looked for when the first question comes."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def names(self, pids: Iterable[int]) -> Mapping[int, str]:
        """Return the names of tasks, of those that are known."""
        return self._names(pids)

    def groups(self, tids: Iterable[int]) -> Mapping[int, int]:
        """Return the processes of threads."""
        return self._groups(tids)

    @cached_property
    def _names(self) -> LiveNames:
        return LiveNames(self._session.saved_names, names_proc(self._session.host))

    @cached_property
    def _groups(self) -> ThreadGroups:
        return ThreadGroups(self._saved_processes, names_proc(self._session.host))

    def _saved_processes(self) -> str:
        try:
            return self._session.tracing.read("saved_tgids")
        except OSError:
            return ""
