"""The tracks on which slices, instants and counters are drawn: threads, and others."""

from typing import NamedTuple, TypeAlias


class Thread(NamedTuple):
    """The thread on which something is drawn.

    `tgid` is 0 if it is not known. For an idle task, `tid` is the CPU.
    """

    tgid: int
    tid: int
    comm: str

    @property
    def idle(self) -> bool:
        """Return whether this is a CPU without a task; all of these have thread id 0."""
        return self.tgid < 0


class Lane(NamedTuple):
    """A track that is not a thread.

    Attributes:
        group: the heading of similar tracks; empty for a track of the process `pid`.
        number: the CPU or thread id that the track is about; 0 for a track of a process.
        name: of the track.
        pid: the process; 0 with a group.
        key: tells tracks of the same name apart, such as jobs that overlap.
    """

    group: str
    number: int
    name: str
    pid: int = 0
    key: str = ""


Track: TypeAlias = Thread | Lane


def thread_of(tgid: int, pid: int, cpu: int, comm: str | None) -> Thread:
    """Return the thread of a record; for an idle task, its CPU."""
    return Thread(tgid, pid, comm or "") if pid else Thread(-1, cpu, f"swapper/{cpu}")
