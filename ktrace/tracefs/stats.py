"""`per_cpu/cpuN/stats`: the counters of the ring buffer.

See Documentation/trace/ftrace.rst, "per_cpu".
"""

import re

from ktrace.records import dataclass
from ktrace.tracefs.files import Files


@dataclass(frozen=True, slots=True)
class CpuStats:
    """Counts of one CPU's buffer.

    Attributes:
        entries: events now in the buffer.
        overrun: events overwritten before they were read.
        commit_overrun: events that could not be committed.
        dropped: events refused because the buffer was full and may not be overwritten.
        read: events read.
    """

    cpu: int
    entries: int
    overrun: int
    commit_overrun: int
    dropped: int
    read: int

    @property
    def lost(self) -> int:
        """Return the number of events that were lost."""
        return self.overrun + self.commit_overrun + self.dropped


def cpus_of(files: Files) -> list[int]:
    """Return the CPUs that have a buffer, in order."""
    return sorted(int(name[3:]) for name in files.list("per_cpu") if re.fullmatch(r"cpu\d{1,5}", name))


def read_stats(files: Files) -> list[CpuStats]:
    """Return the counts of every CPU that has a buffer."""
    return [parse_stats(cpu, files.read(f"per_cpu/cpu{cpu}/stats")) for cpu in cpus_of(files)]


def parse_stats(cpu: int, text: str) -> CpuStats:
    """Parse one `stats` file; a missing count is 0."""
    counts = dict(re.findall(r"^([a-z ]+): (\d{1,20})$", text, re.MULTILINE))

    def count(name: str) -> int:
        return int(counts.get(name, 0))

    return CpuStats(
        cpu,
        count("entries"),
        count("overrun"),
        count("commit overrun"),
        count("dropped events"),
        count("read events"),
    )
