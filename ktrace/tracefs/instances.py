"""Tracing instances: separate ring buffers with their own switches.

See Documentation/trace/ftrace.rst, "Instances". Sessions enable and filter events only in an instance that
they made, never in the shared top buffer.
"""

import re
from collections.abc import Iterator

from ktrace.host.host import Host
from ktrace.model.plan import Step
from ktrace.records import dataclass
from ktrace.tracefs.files import Files

INITIAL_PID_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h

# Namespace numbers are inode numbers from 0xEFFFFFFC on; names of older versions do not have this part.
_OWNED = re.compile(r"ktrace_(\d{1,10})_(\d{1,20})(?:_(4\d{9}))?(?:_\w*)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that made something: its id, its start in clock ticks after boot, its pid namespace.

    Together these identify one process for as long as the machine runs. Ids alone are reused, and other
    namespaces (containers) use the same ids at the same time.

    Attributes:
        namespace: its inode number, as `lsns -t pid` shows it; None in names from older versions.
    """

    pid: int
    starttime: int
    namespace: int | None = None

    @property
    def name(self) -> str:
        """Return the name of everything that this process makes: `ktrace_PID_STARTTIME_NAMESPACE`."""
        known = "" if self.namespace is None else f"_{self.namespace}"
        return f"ktrace_{self.pid}_{self.starttime}{known}"

    @classmethod
    def of_name(cls, name: str) -> "Owner | None":
        """Return the owner of the instance or group of that name; None if it is not a ktrace session's."""
        match = _OWNED.match(name)
        return cls(int(match[1]), int(match[2]), int(match[3]) if match[3] else None) if match else None

    @classmethod
    def of_process(cls, host: Host, pid: int) -> "Owner | None":
        """Return the process that has this id now; None if there is none or it is hidden."""
        try:
            stat = host.read_bytes(f"/proc/{pid}/stat")
        except OSError:
            return None
        return cls(pid, cls.parse_stat(stat)[1], own_pid_namespace(host))

    @classmethod
    def of_this_process(cls, host: Host) -> "Owner":
        """Return the process that acts on the machine: this one, if that is here."""
        try:
            stat = host.read_bytes("/proc/self/stat")  # not by its id, which this /proc may not know
        except OSError:
            raise FileNotFoundError("/proc/self/stat: /proc is not mounted") from None
        return cls(host.pid(), cls.parse_stat(stat)[1], own_pid_namespace(host))

    @staticmethod
    def parse_stat(stat: bytes) -> tuple[str, int]:
        """Return state and start time of a process from its /proc/PID/stat: see proc(5)."""
        # The command name is in parentheses and may contain any character, including parentheses.
        after_comm = stat.rpartition(b")")[2].split()
        return after_comm[0].decode("ascii", "replace"), int(after_comm[19])


def own_pid_namespace(host: Host) -> int | None:
    """Return the number of the pid namespace of /proc/self; None if the kernel does not show it."""
    try:
        return host.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None


def list_instances(files: Files) -> list[str]:
    """Return the names of all instances."""
    try:
        return files.list("instances")
    except OSError:
        return []


def all_buffers(files: Files) -> Iterator[tuple[str, Files]]:
    """Yield the top buffer with an empty name, then every instance, each with its files."""
    yield "", files
    for name in list_instances(files):
        yield name, files.below(f"instances/{name}")


def make_step(name: str, why: str) -> Step:
    """Return the step that makes an instance; its undo removes it."""
    path = f"instances/{name}"
    return Step(path, "", why, Step(path, "", f"remove instance {name}", action="rmdir"), action="mkdir")


def holders(files: Files, event: str) -> list[str]:
    """Return the buffers in which `GROUP/NAME` is enabled or has triggers; the top buffer is `top`."""
    found = []
    for name, buffer in all_buffers(files):
        try:
            state = buffer.read(f"events/{event}/enable").strip()
            triggers = buffer.read(f"events/{event}/trigger")
        except OSError:
            continue
        set_triggers = any(line and not line.startswith("#") for line in triggers.splitlines())
        if state.rstrip("*") not in ("", "0") or set_triggers:
            found.append(name or "top")
    return found


def trigger_mentions(files: Files, event: str) -> list[str]:
    """Return the events whose triggers name `GROUP/NAME`, such as a histogram's `onmatch(GROUP.NAME)`.

    Reads every trigger of every buffer, so use it only to explain a failure.
    """
    group, _, name = event.partition("/")
    spelling = re.compile(rf"(?<![\w-]){re.escape(group)}[.:]{re.escape(name)}(?!\w)")
    found = []
    for buffer_name, buffer in all_buffers(files):
        for system in _names(buffer, "events"):
            for other in _names(buffer, f"events/{system}"):
                try:
                    text = buffer.read(f"events/{system}/{other}/trigger")
                except OSError:
                    continue
                if any(spelling.search(line) for line in text.splitlines() if line[:1] != "#"):
                    found.append(f"{system}/{other}" + (f" in instance {buffer_name}" if buffer_name else ""))
    return found


def _names(files: Files, path: str) -> list[str]:
    """Return the names in a directory; empty if it is not a directory or has just been removed."""
    try:
        return files.list(path)
    except OSError:
        return []
