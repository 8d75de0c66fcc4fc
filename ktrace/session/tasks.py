"""Tasks that a run is restricted to, the threads of processes, and lists of CPUs."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ktrace.errors import NotFound, Unavailable, UsageError
from ktrace.tracefs.pid_namespace import in_namespace, machine_id, threads

_CPUS_MAX = 8192  # CONFIG_NR_CPUS goes no higher


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """The tasks whose hits are recorded; without `pids`, all.

    Attributes:
        pids: process ids in ktrace's own pid namespace.
        children: also the children of these processes, now and later.
    """

    pids: Sequence[int] = ()
    children: bool = False

    def threads(self) -> list[int]:
        """Return the ids of all their threads; see `threads_of`."""
        return threads_of(self.pids, children=self.children)


def threads_of(pids: Sequence[int], *, children: bool) -> list[int]:
    """All thread ids of these processes, and with `children` of their descendants.

    Returns:
        The machine's ids, which the kernel's tracing knows, whatever namespace ktrace runs in.

    Raises:
        NotFound: the process does not exist, or has ended.
        UsageError: which process it is on the machine cannot be said.
        Unavailable: nor that, or /proc hides it.
    """
    if in_namespace():
        machines = [machine_id(pid, f"-p {pid}") for pid in pids]
        return sorted({thread for pid in machines for thread in threads(pid, children=children)})
    import psutil  # noqa: PLC0415 -- most runs name no process

    found: set[int] = set()
    for pid in pids:
        try:
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                raise NotFound(f"process {pid} has ended: it only waits for its parent to take note")
            family = [process, *(process.children(recursive=True) if children else [])]
        except (psutil.AccessDenied, PermissionError):
            raise _hidden(pid) from None
        except psutil.NoSuchProcess:
            raise (_hidden(pid) if _is_there(pid) else NotFound(f"there is no process {pid}")) from None
        for member in family:
            try:
                found.update(thread.id for thread in member.threads())
            except (psutil.AccessDenied, PermissionError):
                raise _hidden(member.pid) from None
            except psutil.NoSuchProcess:
                if member is process:
                    raise NotFound(f"process {pid} has just ended") from None
    return sorted(found)


def parse_cpus(text: str) -> list[int]:
    """`0,2-4` as a list. Raises UsageError."""
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
                f"'{part.strip()}' is no range of CPUs" if last < first else f"there is no CPU {last}",
                excerpt=text,
                caret=text.find(part),
            )
        cpus.update(range(first, last + 1))
    return sorted(cpus)


def _is_there(pid: int) -> bool:
    """Return whether there is such a process, whatever /proc shows."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True  # somebody else's
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _hidden(pid: int) -> Unavailable:
    return Unavailable(
        f"process {pid} is there, but /proc does not show its threads (hidepid)",
        hint="run ktrace as root, or mount -o remount,hidepid=0 /proc",
    )
