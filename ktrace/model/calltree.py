"""Call trees: a function, the functions it called, and how long each call took.

A tree grows while its records arrive (`ktrace.aggregate.calls`), so these classes are not frozen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Gap:
    """Records of this CPU were lost here. `count` is None if their number is unknown."""

    count: int | None


@dataclass(slots=True)
class Call:
    """One call. It grows until its tree is complete.

    Attributes:
        func: the function's address.
        depth: 0 for the root of a tree.
        ts: when the function was entered, in nanoseconds of the trace clock; if only the return was recorded,
            the time of the return minus the duration.
        cpu: the CPU on which it was entered.
        duration: in nanoseconds; None if its return was not seen.
        retval: the return value as an unsigned number, if the kernel records it.
        calls: the calls it made and the gaps between them, in order.
    """

    func: int
    depth: int
    ts: int
    cpu: int
    duration: int | None = None
    retval: int | None = None
    calls: "list[Call | Gap]" = field(default_factory=list)


@dataclass(slots=True)
class Tree:
    """A call of one of the requested functions, with all calls below it.

    Attributes:
        pid: thread id.
        comm: the task's name.
        size: number of calls in it.
        omitted: number of calls that were dropped because there were too many.
        incomplete: whether records that may belong to it were lost, or the root has not returned.
    """

    pid: int
    comm: str
    root: Call
    size: int = 1
    omitted: int = 0
    incomplete: bool = False

    def walk(self) -> Iterator[tuple[Call | Gap, Call | None]]:
        """Yield every call and gap with its caller, callers first."""
        ahead: list[tuple[Call | Gap, Call | None]] = [(self.root, None)]
        while ahead:
            here, caller = ahead.pop()
            yield here, caller
            if isinstance(here, Call):
                ahead += [(callee, here) for callee in reversed(here.calls)]
