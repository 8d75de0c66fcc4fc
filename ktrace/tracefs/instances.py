"""Tracing instances: a ring buffer and switches of one's own.

See Documentation/trace/ftrace.rst, "Instances". Sessions enable and filter only in an instance that
they made, never in the shared top buffer.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ktrace.model.plan import Step
from ktrace.tracefs.files import Files

INITIAL_PID_NAMESPACE = 0xEFFFFFFC  # PROC_PID_INIT_INO in the kernel's include/linux/proc_ns.h

# Numbers of namespaces are inode numbers from 0xEFFFFFFC on; versions before had no such part.
_OWNED = re.compile(r"ktrace_(\d{1,10})_(\d{1,20})(?:_(4\d{9}))?(?:_\w*)?\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that made something: its id, its start in clock ticks after boot, its pid namespace.

    Together they name one process for as long as the machine runs: ids alone are used again, and by
    processes of other namespaces (containers) at the same time.

    Attributes:
        namespace: its inode number, as `lsns -t pid` shows it; None in names that older versions made.
    """

    pid: int
    starttime: int
    namespace: int | None = None

    @property
    def name(self) -> str:
        """The name of everything this process makes: `ktrace_PID_STARTTIME_NAMESPACE`."""
        known = "" if self.namespace is None else f"_{self.namespace}"
        return f"ktrace_{self.pid}_{self.starttime}{known}"

    @classmethod
    def of_name(cls, name: str) -> "Owner | None":
        """Who made the instance or group of that name; None where it was no ktrace session."""
        match = _OWNED.match(name)
        return cls(int(match[1]), int(match[2]), int(match[3]) if match[3] else None) if match else None

    @classmethod
    def of_process(cls, pid: int) -> "Owner | None":
        """The process that has this id now; None where there is none, or none to be seen."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        return cls(pid, cls.parse_stat(stat)[1], own_pid_namespace())

    @classmethod
    def of_this_process(cls) -> "Owner":
        """This process."""
        try:
            stat = Path("/proc/self/stat").read_bytes()  # not by its id, which this /proc may not know
        except OSError:
            raise FileNotFoundError("/proc/self/stat: /proc is not mounted") from None
        return cls(os.getpid(), cls.parse_stat(stat)[1], own_pid_namespace())

    @staticmethod
    def parse_stat(stat: bytes) -> tuple[str, int]:
        """State and start of a process, by its /proc/PID/stat: see proc(5)."""
        # The command's name is in parentheses and may hold any character, parentheses included.
        after_comm = stat.rpartition(b")")[2].split()
        return after_comm[0].decode("ascii", "replace"), int(after_comm[19])


def own_pid_namespace() -> int | None:
    """The number of this process's pid namespace; None where the kernel does not say."""
    try:
        return Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return None


def list_instances(files: Files) -> list[str]:
    """Names of all instances."""
    try:
        return files.list("instances")
    except OSError:
        return []


def all_buffers(files: Files) -> Iterator[tuple[str, Files]]:
    """The top buffer as an empty name, then every instance, each with its files."""
    yield "", files
    for name in list_instances(files):
        yield name, files.below(f"instances/{name}")


def make_step(name: str, why: str) -> Step:
    """Make an instance; undone by removing it."""
    path = f"instances/{name}"
    return Step(path, "", why, Step(path, "", f"remove instance {name}", action="rmdir"), action="mkdir")


def holders(files: Files, event: str) -> list[str]:
    """Buffers in which `GROUP/NAME` is switched on or has triggers; the top buffer is `top`."""
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
    """Events whose triggers name `GROUP/NAME`, such as a histogram's `onmatch(GROUP.NAME)`.

    Reads every trigger of every buffer: for explaining only.
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
    """Names in a directory; none where it is none, or has just gone."""
    try:
        return files.list(path)
    except OSError:
        return []
