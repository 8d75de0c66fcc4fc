"""Names of tasks as the kernel saved them: `saved_cmdlines`, `PID NAME` a line."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

_UNKNOWN = "<...>"
_SHARE = 20  # of the time at most one part in so many goes into asking

_PID = re.compile(r"[0-9]{1,10}")


def saved_name(text: str, pid: int) -> str | None:
    """One task's name in the text of saved_cmdlines."""
    # A name may hold a newline: what does not begin like a line of its own belongs to it.
    match = re.search(rf"^{pid} (.*(?:\n(?!\d+ |\Z).*)*)$", text, re.MULTILINE)
    return match[1] if match and match[1] != _UNKNOWN else None


def comm_of(pid: int, proc: str = "/proc") -> str | None:
    """The name that a task has now; None where there is no such task."""
    try:
        raw = Path(f"{proc}/{pid}/comm").read_bytes()
    except OSError:
        return None
    return raw.removesuffix(b"\n").decode("utf-8", "surrogateescape")


class SavedNames:
    """The names in one text, that of a file for instance."""

    def __init__(self, text: str) -> None:
        found: dict[int, list[str]] = {}
        lines: list[str] | None = None  # of the name that was read last: a name may hold a line's end
        for line in text.split("\n"):
            number, blank, name = line.partition(" ")
            if blank and _PID.fullmatch(number):
                lines = found[int(number)] = [name]
            elif lines is not None and line:
                lines.append(line)
        self._names = {pid: "\n".join(lines) for pid, lines in found.items()}

    def __call__(self, pids: Iterable[int]) -> Mapping[int, str]:
        """Those that are known."""
        return {pid: self._names[pid] for pid in pids if pid in self._names}


class LiveNames:
    """The names that the kernel has saved by now; of tasks of which it has none, /proc's.

    The kernel saves a name when the task is switched out for the first time after an event, and again
    each time after that. A task that has ended keeps the name that it had last. Where it takes the kernel
    long to tell, it is asked less often.

    Args:
        saved: gives the text of the kernel's saved_cmdlines.
    """

    def __init__(
        self, saved: Callable[[], str], proc: str = "/proc", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._saved = saved
        self._proc = proc
        self._clock = clock
        self._last: dict[int, str] = {}
        self._again = 0.0  # when it is time to ask again

    def __call__(self, pids: Iterable[int]) -> Mapping[int, str]:
        """Those that are known."""
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
            name = saved_name(text, pid) or comm_of(pid, self._proc) or self._last.get(pid)
            if name is not None:
                found[pid] = name
        # Thread ids are used again: what no chunk has asked for goes.
        self._last = found if len(self._last) > 1 << 16 else {**self._last, **found}
        return found
