"""Processes, as a /proc shows them: see proc(5). Ids are those of that /proc."""

from collections.abc import Iterator
from contextlib import suppress

from ktrace.errors import Exhausted
from ktrace.records import dataclass
from ktrace.tracefs.files import Files


@dataclass(frozen=True, slots=True)
class OpenFiles:
    """A process, its name, and the targets of its open files, such as `anon_inode:bpf_link`."""

    pid: int
    comm: str
    targets: tuple[str, ...]


def processes(proc: Files) -> list[int]:
    """Return the ids of all processes that are visible, in ascending order. Raises OSError."""
    return sorted(int(name) for name in proc.list("") if name.isdigit())


def descendants(proc: Files, pid: int) -> list[int]:
    """Return the ids of all descendants of a process, parents first. Raises OSError."""
    children: dict[int, list[int]] = {}
    for entry in processes(proc):
        children.setdefault(parent_of(proc, entry), []).append(entry)
    found = [pid]
    for one in found:
        found += children.get(one, ())
    return found[1:]


def parent_of(proc: Files, pid: int) -> int:
    """Return the id of a process's parent; 0 if it has none or cannot be seen."""
    return next(iter(status_numbers(proc, pid, "PPid")), 0)


def threads_of(proc: Files, pid: int | str) -> list[int]:
    """Return the ids of a process's threads. Raises OSError."""
    return sorted(map(int, proc.list(f"{pid}/task")))


def status_numbers(proc: Files, pid: int | str, name: str) -> list[int]:
    """Return the numbers of a line of `status`; none if the process cannot be seen."""
    return [int(word) for word in status_words(proc, pid, name)]


def status_words(proc: Files, pid: int | str, name: str) -> list[str]:
    """Return the words of a line of `status`; none if the process cannot be seen."""
    with suppress(OSError):
        # Not splitlines(): a process's name may hold characters that Unicode treats as line ends.
        for line in proc.read(f"{pid}/status").split("\n"):
            key, _, value = line.partition(":")
            if key == name:
                return value.split()
    return []


def comm_of(proc: Files, pid: int) -> str | None:
    """Return the current name of a task; None if it cannot be seen."""
    try:
        raw = proc.read_bytes(f"{pid}/comm")
    except (OSError, Exhausted):  # a missing name must not end a run
        return None
    return raw.removesuffix(b"\n").decode("utf-8", "surrogateescape")


def open_files(proc: Files) -> Iterator[OpenFiles]:
    """Yield all processes whose open files are visible."""
    for pid in processes(proc):
        try:
            numbers = proc.list(f"{pid}/fd")
            comm = proc.read(f"{pid}/comm").rstrip("\n")
        except OSError:
            continue
        targets = (proc.link(f"{pid}/fd/{number}") for number in numbers)  # None: it has just been closed
        yield OpenFiles(pid, comm, tuple(target for target in targets if target is not None))
