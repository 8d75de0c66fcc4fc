"""The public Python interface: `ktrace.Session`. See docs/python.md."""

from collections.abc import Iterator

from ktrace.model.batch import Batch
from ktrace.probes.define import Defined
from ktrace.resolve.resolve import want
from ktrace.resolve.spec import ProbeOptions, relocator
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
        """Define a probe for this session and trace it. The arguments are those of the command line.

        A wildcard defines several probes; the first one is returned.

        Raises:
            UsageError: the arguments cannot be parsed.
            NotFound, Refused: the kernel does not accept the probe.
        """
        defaults = ProbeOptions(self.name, name, at_return, machine=self.kernel.machine)
        wanted = want([place, *args], defaults, self.kernel)
        first, *_ = [self.add_probe(one.probe, relocator(wanted)) for one in wanted]
        return first

    def stream(
        self, *, command: str | None = None, duration_s: float | None = None, count: int | None = None
    ) -> Iterator[Batch]:
        """Enable the events and yield their records as they arrive, in batches of one event each.

        When the loop ends, for whatever reason, the events are disabled again. `lost` then says how many
        records were lost. Events of this process are never recorded. After `duration_s`, or when the command
        ends, the records still in the buffer are yielded too. This may take no longer than a part of
        KTRACE_GRACE seconds (2), including the time spent in the loop's body. Records left after that are
        counted in `unread`.

        Args:
            command: run this program once the events are enabled, record only it and its children, and stop
                when it ends.
            duration_s, count: stop after this many seconds or events; None: stop only when the loop ends.

        Raises:
            NotFound: the program does not exist.
        """
        return batches(self, command=command, duration_s=duration_s, count=count)
