"""Names of tasks that the kernel saved: `saved_cmdlines`, `PID NAME` a line."""

import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping

from ktrace.tracefs.files import Files
from ktrace.tracefs.processes import comm_of

_IDLE, _UNKNOWN, _NEGATIVE = "<idle>", "<...>", "<XXX>"
_SHARE = 20  # asking takes at most 1/20 of the time

_PID = re.compile(r"[0-9]{1,10}")


Names = Callable[[Iterable[int]], Mapping[int, str]]
"""Gives the names of the tasks with these thread ids, of those that it knows."""


def shown_names(names: Names, pids: Collection[int]) -> dict[int, str]:
    """Return a name for each thread id, as the kernel prints it: also for unknown ones and the idle task."""
    known = dict(names([pid for pid in pids if pid > 0]))
    return {pid: known.get(pid, _UNKNOWN) if pid > 0 else _NEGATIVE if pid else _IDLE for pid in pids}


def saved_name(text: str, pid: int) -> str | None:
    """Return one task's name from the text of saved_cmdlines."""
    # A name may hold a newline: a line without a pid continues the name.
    match = re.search(rf"^{pid} (.*(?:\n(?!\d+ |\Z).*)*)$", text, re.MULTILINE)
    return match[1] if match and match[1] != _UNKNOWN else None


class SavedNames:
    """The names in one text, for example that of a file."""

    def __init__(self, text: str) -> None:
        found: dict[int, list[str]] = {}
        lines: list[str] | None = None  # lines of the last name: it may contain newlines
        for line in text.split("\n"):
            number, blank, name = line.partition(" ")
            if blank and _PID.fullmatch(number):
                lines = found[int(number)] = [name]
            elif lines is not None and line:
                lines.append(line)
        self._names = {pid: "\n".join(lines) for pid, lines in found.items() if lines != [_UNKNOWN]}

    def __call__(self, pids: Iterable[int]) -> Mapping[int, str]:
        """Return the names that are known."""
        return {pid: self._names[pid] for pid in pids if pid in self._names}


class LiveNames:
    """The names that the kernel has saved so far; for other tasks, those in /proc.

    The kernel saves a name when the task is switched out for the first time after an event, and each time
    after that. A task that has ended keeps its last name. If the kernel is slow to answer, it is asked less
    often.

    Args:
        saved: returns the text of the kernel's saved_cmdlines.
        proc: a /proc with the ids of events.
    """

    def __init__(
        self, saved: Callable[[], str], proc: Files, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._saved = saved
        self._proc = proc
        self._clock = clock
        self._last: dict[int, str] = {}
        self._again = 0.0  # time to ask again

    def __call__(self, pids: Iterable[int]) -> Mapping[int, str]:
        """Return the names that are known."""
        wanted = list(pids)
        started = self._clock()
        if started < self._again and all(pid in self._last for pid in wanted):
            return self._last
        if not wanted:
            return {}
        text = self._saved()
        self._again = started + _SHARE * (self._clock() - started)
        found: dict[int, str] = {}
        for pid in wanted:
            name = saved_name(text, pid) or comm_of(self._proc, pid) or self._last.get(pid)
            if name is not None:
                found[pid] = name
        # Thread ids are reused: forget those that this chunk did not ask for.
        self._last = found if len(self._last) > 1 << 16 else {**self._last, **found}
        return found
