"""Trees of calls: a function, what it called, and how long each took.

They grow while their records come (`ktrace.aggregate.calls`), so they are not frozen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True)
class Gap:
    """Records of this CPU were lost here: how many, or None."""

    count: int | None


@dataclass(slots=True)
class Call:
    """One call. It grows until its tree is given out.

    Attributes:
        func: the function's address.
        depth: 0 of a tree's root.
        ts: when it was entered, in nanoseconds of the trace clock; of a call of which only the return is
            known, when it returned, less its duration.
        cpu: where it was entered.
        duration: in nanoseconds; None where its return was not seen.
        retval: what it returned, as an unsigned number, where the kernel records that.
        calls: what it called, in order, and gaps.
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
    """A call of one of the functions that were asked for, with all below it.

    Attributes:
        pid: thread id.
        comm: the task's name.
        size: calls in it.
        omitted: calls that were not kept since there were too many.
        incomplete: whether records that may belong to it were lost, or it has not returned.
    """

    pid: int
    comm: str
    root: Call
    size: int = 1
    omitted: int = 0
    incomplete: bool = False

    def walk(self) -> Iterator[tuple[Call | Gap, Call | None]]:
        """Every call and gap with its caller, callers first."""
        ahead: list[tuple[Call | Gap, Call | None]] = [(self.root, None)]
        while ahead:
            here, caller = ahead.pop()
            yield here, caller
            if isinstance(here, Call):
                ahead += [(callee, here) for callee in reversed(here.calls)]
