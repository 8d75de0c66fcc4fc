"""Sessions for programs of others: what `ktrace.Session` is. See docs/python.md."""

import os
from collections.abc import Iterator

from ktrace.model.batch import Batch
from ktrace.probes.define import Defined
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import Defaults, mover
from ktrace.session import session
from ktrace.session.iterate import batches


class Session(session.Session):
    """A tracing instance and probes that live as long as the `with` block.

    with ktrace.Session() as session:
        session.add("vfs_read", "count=%dx:u64")
        for batch in session.stream(duration_s=1):
            ...
    """

    def add(self, place: str, *args: str, at_return: bool = False, name: str | None = None) -> Defined:
        """Define a probe for this session, in the words of the command line, and have it traced.

        A wildcard defines several; the first of them is returned.

        Raises:
            UsageError: the words are not understood.
            NotFound, Refused: the kernel does not take it.
        """
        defaults = Defaults(self.name, name, at_return, machine=os.uname().machine)
        wanted = want([place, *args], defaults, self.kernel)
        first, *_ = [self.add_probe(one.probe, mover(wanted)) for one in wanted]
        return first

    def stream(
        self, *, command: str | None = None, duration_s: float | None = None, count: int | None = None
    ) -> Iterator[Batch]:
        """Arm the events and give their records as they come, a batch of one event at a time.

        When the loop over it is left, in whatever way, the events are switched off again; what was lost
        is in `lost`. Events of this process itself are never recorded. After `duration_s`, or the command's
        end, what the buffer holds is still given as long as that takes no longer than a part of KTRACE_GRACE
        seconds (2), the time of the loop's body included; what was left then is in `unread`.

        Args:
            command: run this when all is armed, record only it and what it starts, and end with it.
            duration_s, count: end after so many seconds or events; None: only with the loop.

        Raises:
            NotFound: there is no such program.
        """
        return batches(self, command=command, duration_s=duration_s, count=count)
