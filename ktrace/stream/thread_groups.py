"""Find the processes of threads: records only have the id of the thread."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from ktrace.tracefs.files import Files
from ktrace.tracefs.processes import status_numbers


class ThreadGroups:
    """The process of each thread; each thread is looked up once.

    Args:
        saved: returns the text of the kernel's saved_tgids, `TID TGID` a line; empty if there is none.
        proc: used for threads that the kernel has not saved.
    """

    def __init__(self, saved: Callable[[], str], proc: Files) -> None:
        self._saved = saved
        self._proc = proc
        self._known: dict[int, int] = {0: 0}

    def __call__(self, tids: Iterable[int]) -> Mapping[int, int]:
        """Return the process of these threads and of others; that of an unknown thread is the thread."""
        missing = [tid for tid in tids if tid not in self._known]
        if missing:
            self._known.update(self._look_up(missing))
        return self._known

    def _look_up(self, tids: Sequence[int]) -> Mapping[int, int]:
        saved = re.findall(r"^(\d{1,10}) (\d{1,10})$", self._saved(), re.MULTILINE)
        found = {int(tid): int(tgid) for tid, tgid in saved}
        return {
            tid: found.get(tid) or next(iter(status_numbers(self._proc, tid, "Tgid")), tid) for tid in tids
        }
