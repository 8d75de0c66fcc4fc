"""Host process ids for a ktrace that runs in a pid namespace, as in a container.

The kernel's tracing only uses the host's ids: in `set_event_pid`, in `common_pid`, in an event's fields. See
pid_namespaces(7), and NSpid in proc_pid_status(5).
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

from ktrace.errors import NotFound, Unavailable, UsageError
from ktrace.tracefs import buffer
from ktrace.tracefs.files import Files
from ktrace.tracefs.mount import parse_mounts
from ktrace.tracefs.stats import cpus_of

# The host's pid namespace has this number: PROC_PID_INIT_INO in the kernel.
FIRST = "pid:[4026531836]"
NOWHERE = "/dev/null"
"""A folder in which no process is found, in place of a /proc with other ids than the machine's."""

_HINT = (
    "run ktrace outside of the container, with the id that the process has there\n"
    "or let ktrace start it: -c CMD\n"
    "or give the container the machine's /proc (docker run --pid=host, or -v /proc:/host/proc:ro)"
)


def in_namespace(proc: str = "/proc") -> bool:
    """Return whether this process is in a pid namespace other than the host's."""
    return _link(f"{proc}/self/ns/pid") not in (None, FIRST)


@cache
def machine_proc(mounts: str = "/proc/self/mounts") -> str | None:
    """Return where a /proc with the host's ids is mounted; None if none is visible."""
    if not in_namespace():
        return "/proc"
    try:
        text = Path(mounts).read_text("utf-8", "surrogateescape")
    except OSError:
        return None
    paths = [mount.path for mount in parse_mounts(text) if mount.fstype == "proc"]
    return next((path for path in paths if _link(f"{path}/1/ns/pid") == FIRST), None)


def names_proc() -> str:
    """Return the /proc in which to look up the ids of events."""
    return machine_proc() or NOWHERE


def machine_id(pid: int, what: str, proc: str = "/proc") -> int:
    """Return the host's id of a process that is `pid` here.

    Args:
        what: the option that gave the id, such as `-p 7`.
        proc: a /proc with the ids of this namespace.

    Raises:
        NotFound: there is no such process.
        UsageError: the id is ambiguous: it means two processes.
        Unavailable: the host's ids are not visible from here.
    """
    if not in_namespace(proc):
        return pid
    host = machine_proc()
    if host is None:
        raise Unavailable(
            f"{what}: ktrace runs in a pid namespace, as a container has one: the kernel traces by the "
            "machine's process ids, which cannot be seen from here",
            hint=_HINT,
        )
    here = _inside(host, pid)
    if not _same_proc(host, proc):
        if here is None:
            raise NotFound(f"there is no process {pid}")
        return here
    # /proc shows the host's ids, but a shell's $! is an id of the namespace.
    shown = pid if Path(f"{host}/{pid}").exists() else None
    if here is not None and shown is not None and here != shown:
        raise UsageError(
            f"{what}: process {pid} of this pid namespace is {here} on the machine, and /proc, which has the "
            f"machine's ids, shows another process {pid}",
            hint=f"say {here} for the one, or leave the namespace: nsenter -t 1 -p",
        )
    found = here if shown is None else shown
    if found is None:
        raise NotFound(f"there is no process {pid}")
    return found


def threads(pid: int, *, children: bool) -> list[int]:
    """Return the host's ids of a process's threads, with `children` also its descendants'.

    Args:
        pid: the host's id.

    Raises:
        NotFound: the process has ended.
    """
    host = names_proc()
    family = [pid, *(_descendants(host, pid) if children else ())]
    found: list[int] = []
    for member in family:
        with suppress(OSError):
            found += [int(task.name) for task in Path(f"{host}/{member}/task").iterdir()]
    if not found:
        raise NotFound(f"process {pid} has just ended")
    return sorted(found)


def own_threads(files: Files) -> list[int]:
    """Return the host's ids of this process's threads.

    Args:
        files: of our own instance that does not record: its contents are cleared.

    Raises:
        Unavailable: they cannot be determined.
    """
    if not in_namespace():
        return buffer.own_threads()
    host = machine_proc()
    if host is not None:
        return sorted(int(entry.name) for entry in Path(f"{host}/self/task").iterdir())
    return [writer_of_marker(files, files.write)]


def writer_of_marker(files: Files, write: Callable[[str, str], None]) -> int:
    """Return the host's id of the thread in which `write` writes a marker: the kernel records it.

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


def _same_proc(host: str, proc: str) -> bool:
    """Return whether two mounts of /proc show the same ids."""
    return proc == host or _link(f"{host}/self") == _link(f"{proc}/self")


def _inside(host: str, pid: int) -> int | None:
    """Return the host's id of the process that is `pid` in this process's namespace."""
    own = _ids(f"{host}/self/status")
    space = _link(f"{host}/self/ns/pid")
    for entry in _processes(host):
        ids = _ids(f"{host}/{entry}/status")
        # Processes of nested namespaces are visible here too, under ids of this namespace.
        if len(ids) >= len(own) > 0 and ids[len(own) - 1] == pid and _within(host, entry, space, len(own)):
            return entry
    return None


def _within(host: str, pid: int, space: str | None, depth: int) -> bool:
    """Return whether a process is in a namespace, or in a nested one with an ancestor in it."""
    while pid > 0:
        link = _link(f"{host}/{pid}/ns/pid")
        if link == space:
            return True
        if len(_ids(f"{host}/{pid}/status")) <= depth:
            return False
        pid = _parent(host, pid)
    return False


def _processes(host: str) -> Iterator[int]:
    for path in Path(host).iterdir():
        if path.name.isdigit():
            yield int(path.name)


def _descendants(host: str, pid: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for entry in _processes(host):
        children.setdefault(_parent(host, entry), []).append(entry)
    found = [pid]
    for one in found:
        found += children.get(one, ())
    return found[1:]


def _parent(host: str, pid: int) -> int:
    return next(iter(_numbers(f"{host}/{pid}/status", "PPid")), 0)


def _ids(path: str) -> list[int]:
    """Return a process's ids, the host's first, then those in its namespaces."""
    return _numbers(path, "NSpid")


def _numbers(path: str, name: str) -> list[int]:
    with suppress(OSError):
        for line in Path(path).read_text("utf-8", "surrogateescape").splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return [int(word) for word in value.split()]
    return []


def _link(path: str) -> str | None:
    try:
        return str(Path(path).readlink())
    except OSError:
        return None
