"""Restrict a run to tasks, list the threads of processes, and parse lists of CPUs."""

import re
from collections.abc import Sequence

from ktrace.errors import NotFound, Unavailable, UsageError
from ktrace.host.host import Host
from ktrace.records import dataclass
from ktrace.tracefs import processes
from ktrace.tracefs.files import Files
from ktrace.tracefs.pid_namespace import in_namespace, machine_id, names_proc, own_proc, threads
from ktrace.tracefs.processes import descendants, status_words

_CPUS_MAX = 8192  # CONFIG_NR_CPUS goes no higher


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """The tasks whose hits are recorded: all tasks if `pids` is empty.

    Attributes:
        pids: process ids in ktrace's own pid namespace.
        children: whether to include the children of these processes, present and future ones.
    """

    pids: Sequence[int] = ()
    children: bool = False

    def threads(self, host: Host) -> list[int]:
        """Return the ids of all their threads; see `threads_of`."""
        return threads_of(host, self.pids, children=self.children)


def threads_of(host: Host, pids: Sequence[int], *, children: bool) -> list[int]:
    """Return all thread ids of these processes, and with `children`, of their descendants.

    Returns:
        The machine's ids, which the kernel traces by, whatever namespace ktrace runs in.

    Raises:
        NotFound: the process does not exist, or has ended.
        UsageError: the id of the process on the machine is ambiguous.
        Unavailable: the id on the machine cannot be found out, or /proc hides the process.
    """
    proc = own_proc(host)
    if in_namespace(proc):
        machines = [machine_id(proc, pid, f"-p {pid}") for pid in pids]
        return sorted({tid for pid in machines for tid in threads(names_proc(host), pid, children=children)})
    return sorted({tid for pid in pids for tid in _threads_here(proc, pid, children=children)})


def _threads_here(proc: Files, pid: int, *, children: bool) -> set[int]:
    """Return the thread ids of one process. Raises as `threads_of`."""
    state = status_words(proc, pid, "State")
    if not state:
        raise _hidden(pid) if proc.host.is_running(pid) else NotFound(f"there is no process {pid}")
    if state[0] == "Z":
        raise NotFound(f"process {pid} has ended: it only waits for its parent to take note")
    found: set[int] = set()
    for member in (pid, *(descendants(proc, pid) if children else ())):
        try:
            found.update(processes.threads_of(proc, member))
        except PermissionError:
            raise _hidden(member) from None
        except OSError:
            if member == pid:
                raise NotFound(f"process {pid} has just ended") from None
    return found


def parse_cpus(text: str) -> list[int]:
    """Parse a list of CPUs such as `0,2-4`. Raises UsageError."""
    cpus: set[int] = set()
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part.strip())
        if not match:
            raise UsageError(
                f"'{text}' is not a list of CPUs", excerpt=text, caret=text.find(part), hint="0,2-4"
            )
        first, last = int(match[1]), int(match[2] or match[1])
        if max(first, last) >= _CPUS_MAX or last < first:
            raise UsageError(
                f"'{part.strip()}' is not a range of CPUs" if last < first else f"there is no CPU {last}",
                excerpt=text,
                caret=text.find(part),
            )
        cpus.update(range(first, last + 1))
    return sorted(cpus)


def _hidden(pid: int) -> Unavailable:
    return Unavailable(
        f"process {pid} exists, but /proc does not show its threads (hidepid)",
        hint="run ktrace as root, or mount -o remount,hidepid=0 /proc",
    )
