"""Process ids of the machine for a ktrace that runs in a pid namespace, as in a container.

The kernel's tracing only uses the machine's ids: in `set_event_pid`, in `common_pid`, in an event's fields.
See pid_namespaces(7), and NSpid in proc_pid_status(5).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

from ktrace.errors import NotFound, Unavailable, UsageError
from ktrace.host.host import Host
from ktrace.tracefs import buffer
from ktrace.tracefs.files import Files
from ktrace.tracefs.mount import MOUNTS, parse_mounts
from ktrace.tracefs.processes import descendants, parent_of, processes, status_numbers, threads_of
from ktrace.tracefs.stats import cpus_of

# The machine's pid namespace has this number: PROC_PID_INIT_INO in the kernel.
FIRST = "pid:[4026531836]"
NOWHERE = "/dev/null"
"""A folder in which no process is found, in place of a /proc with other ids than the machine's."""

_HINT = (
    "run ktrace outside of the container, with the id that the process has there\n"
    "or let ktrace start it: -c CMD\n"
    "or give the container the machine's /proc (docker run --pid=host, or -v /proc:/host/proc:ro)"
)


def own_proc(host: Host) -> Files:
    """Return /proc, with the ids of the namespace of /proc/self."""
    return Files(host, "/proc")


def in_namespace(proc: Files) -> bool:
    """Return whether /proc/self is in a pid namespace other than the machine's."""
    return proc.link("self/ns/pid") not in (None, FIRST)


@cache
def machine_proc(host: Host) -> Files | None:
    """Return the files of a /proc with the machine's ids; None if none is mounted."""
    if not in_namespace(own_proc(host)):
        return own_proc(host)
    try:
        text = host.read(MOUNTS)
    except OSError:
        return None
    found = (Files(host, mount.path) for mount in parse_mounts(text) if mount.fstype == "proc")
    return next((proc for proc in found if proc.link("1/ns/pid") == FIRST), None)


def names_proc(host: Host) -> Files:
    """Return the /proc in which to look up the ids of events."""
    return machine_proc(host) or Files(host, NOWHERE)


def machine_id(proc: Files, pid: int, what: str) -> int:
    """Return the machine's id of a process that is `pid` here.

    Args:
        proc: a /proc with the ids of this namespace.
        what: the option that gave the id, such as `-p 7`.

    Raises:
        NotFound: there is no such process.
        UsageError: the id is ambiguous: it means two processes.
        Unavailable: the machine's ids are not visible from here.
    """
    if not in_namespace(proc):
        return pid
    machine = machine_proc(proc.host)
    if machine is None:
        raise Unavailable(
            f"{what}: ktrace runs in a pid namespace, as a container has one: the kernel traces by the "
            "machine's process ids, which cannot be seen from here",
            hint=_HINT,
        )
    here = _inside(machine, pid)
    if not _same_proc(machine, proc):
        if here is None:
            raise NotFound(f"there is no process {pid}")
        return here
    # /proc shows the host's ids, but a shell's $! is an id of the namespace.
    shown = pid if machine.exists(str(pid)) else None
    if here is not None and shown is not None and here != shown:
        raise UsageError(
            f"{what}: process {pid} of this pid namespace is {here} on the machine, and /proc, which has the "
            f"machine's ids, shows another process {pid}",
            hint=f"use {here} for the process in this namespace, or leave the namespace: nsenter -t 1 -p",
        )
    found = here if shown is None else shown
    if found is None:
        raise NotFound(f"there is no process {pid}")
    return found


def threads(proc: Files, pid: int, *, children: bool) -> list[int]:
    """Return the ids of a process's threads, with `children` also its descendants'.

    Args:
        proc: a /proc with the ids of `pid`, such as the machine's.

    Raises:
        NotFound: the process has ended.
    """
    family = [pid, *(descendants(proc, pid) if children else ())]
    found: list[int] = []
    for member in family:
        with suppress(OSError):
            found += threads_of(proc, member)
    if not found:
        raise NotFound(f"process {pid} has just ended")
    return sorted(found)


def own_threads(files: Files) -> list[int]:
    """Return the machine's ids of the threads of /proc/self.

    Args:
        files: the files of an instance of this session that does not record; its contents are cleared.

    Raises:
        Unavailable: they cannot be determined.
    """
    if not in_namespace(own_proc(files.host)):
        return buffer.own_threads(files.host)
    proc = machine_proc(files.host)
    if proc is not None:
        return threads_of(proc, "self")
    return [writer_of_marker(files, files.write)]


def writer_of_marker(files: Files, write: Callable[[str, str], None]) -> int:
    """Return the machine's id of the thread in which `write` writes a marker: the kernel records it.

    Args:
        files: as in `own_threads`.
        write: writes a text to a file of the instance.

    Raises:
        Unavailable: the kernel did not accept the marker.
    """
    mark = "ktrace: who am I"
    buffer.switch_recording(files, True)
    try:
        with _on_all_cpus(files):
            write("trace_marker", mark)
        text = files.read_bytes("trace")
    except OSError as error:
        raise Unavailable(
            f"ktrace's own process id on this machine is not known: {error.strerror}"
        ) from error
    finally:
        buffer.switch_recording(files, False)
        files.clear("trace")
    # TASK-PID [TGID] [CPU] FLAGS TIME: a task's name may contain anything.
    found = re.search(rb"^.*-(\d+) +(?:\([ \d-]+\) +)?\[\d+\].*: " + mark.encode() + b"$", text, re.MULTILINE)
    if found is None:
        raise Unavailable("ktrace's own process id on this machine is not known: the kernel took no marker")
    return int(found[1])


@contextmanager
def _on_all_cpus(files: Files) -> Iterator[None]:
    """Record on all CPUs for a while: on a CPU not selected, a marker is refused (EBADF)."""
    chosen = files.read("tracing_cpumask").strip()
    buffer.only_cpus(files, cpus_of(files))
    try:
        yield
    finally:
        files.write("tracing_cpumask", chosen)


def _same_proc(one: Files, other: Files) -> bool:
    """Return whether two mounts of /proc show the same ids."""
    return one.root == other.root or one.link("self") == other.link("self")


def _inside(proc: Files, pid: int) -> int | None:
    """Return the machine's id of the process that is `pid` in the namespace of /proc/self."""
    own = _ids(proc, "self")
    space = proc.link("self/ns/pid")
    for entry in processes(proc):
        ids = _ids(proc, entry)
        # Processes of nested namespaces are visible here too, under ids of this namespace.
        if len(ids) >= len(own) > 0 and ids[len(own) - 1] == pid and _within(proc, entry, space, len(own)):
            return entry
    return None


def _within(proc: Files, pid: int, space: str | None, depth: int) -> bool:
    """Return whether a process is in a namespace, or in a nested one with an ancestor in it."""
    while pid > 0:
        if proc.link(f"{pid}/ns/pid") == space:
            return True
        if len(_ids(proc, pid)) <= depth:
            return False
        pid = parent_of(proc, pid)
    return False


def _ids(proc: Files, pid: int | str) -> list[int]:
    """Return a process's ids, the machine's first, then those in its namespaces."""
    return status_numbers(proc, pid, "NSpid")
