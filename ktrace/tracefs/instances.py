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

_OWNED = re.compile(r"ktrace_(\d+)_(\d+)(?:_\w*)?\Z")


@dataclass(frozen=True, slots=True)
class Owner:
    """The process that made something: its id, and its start in clock ticks after boot.

    Both together name one process for as long as the machine runs: ids alone are used again.
    """

    pid: int
    starttime: int

    @property
    def name(self) -> str:
        """The name of everything this process makes: `ktrace_PID_STARTTIME`."""
        return f"ktrace_{self.pid}_{self.starttime}"

    @classmethod
    def of_name(cls, name: str) -> "Owner | None":
        """Who made the instance or group of that name; None where it was no ktrace session."""
        match = _OWNED.match(name)
        return cls(int(match[1]), int(match[2])) if match else None

    @classmethod
    def of_process(cls, pid: int) -> "Owner | None":
        """The process that has this id now; None where there is none."""
        try:
            stat = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        # The command's name is in parentheses and may hold any character, parentheses included.
        after_comm = stat.rpartition(b")")[2].split()
        return cls(pid, int(after_comm[19]))

    @classmethod
    def of_this_process(cls) -> "Owner":
        """This process."""
        owner = cls.of_process(os.getpid())
        if owner is None:
            raise FileNotFoundError("/proc/self/stat: /proc is not mounted")
        return owner

    @property
    def is_alive(self) -> bool:
        """Whether that very process still runs."""
        return Owner.of_process(self.pid) == self


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
