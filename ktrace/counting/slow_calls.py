"""Slow calls: the few events that are recorded individually in addition to the counts."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ktrace.aggregate.columns import distinct_values
from ktrace.aggregate.frames import without_own
from ktrace.aggregate.latency import LATENCY, TIMED
from ktrace.model.batch import Batch, Chunk, Stack
from ktrace.model.plan import Step
from ktrace.model.slow_call import Slow
from ktrace.session.reader import BufferReader, reading_pages
from ktrace.session.session import Session
from ktrace.stream.pipeline import Source
from ktrace.tracefs.events import enable_step, filter_step

Emit = Callable[[Slow], None]


class SlowCalls:
    """Records the synthetic events of slow calls, with their stacks.

    Args:
        event: `synthetic/NAME`.
        fields: the names to show, each with the event's field.
    """

    look_s = 0.1

    def __init__(
        self, session: Session, event: str, fields: Sequence[tuple[str, str]], above_ns: int, emit: Emit
    ) -> None:
        self._session = session
        self._event = event
        self._fields = fields
        self._condition = f"{LATENCY} >= {above_ns} && {TIMED}"
        self._emit = emit
        self._reading: BufferReader | None = None
        self._source: Source | None = None
        self.unread = 0
        self._open: dict[int, Slow] = {}  # by thread, the calls whose stack has not come yet

    def arm(self) -> None:
        """Start recording. Raises Refused."""
        text = f"stacktrace if {self._condition}"
        path = f"events/{self._event}/trigger"
        undo = Step(path, "!stacktrace", "no more stacks")
        self._reading = reading_pages(self._session, [self._event])
        self._source = self._session.read_pages(self._reading.page)
        self._session.apply(filter_step(self._event, self._condition))
        self._session.apply(Step(path, text, "a stack of each slow call", undo))
        self._session.apply(enable_step(self._event))

    def poll(self) -> None:
        """Pass on the recorded calls."""
        self._take()

    def stop(self, overdue: Callable[[], bool]) -> None:
        """Stop recording. Pass on the calls that are left, while there is time."""
        while self._take():
            if overdue():
                self.unread = sum(stats.entries for stats in self._session.stats())
                break
        assert self._reading is not None
        self.write(self._reading.enrich(self._reading.decoder.finish()))
        for pid in list(self._open):
            self._finish(pid)

    @property
    def lost(self) -> int:
        """Return how many slow calls and stacks were overwritten before they were read."""
        return self._session.lost

    def _take(self) -> bool:
        assert self._reading is not None and self._source is not None
        data = self._source.read()
        self.write(self._reading.enrich(self._reading.decode(data)))
        return bool(data)

    def write(self, chunk: Chunk, /) -> None:
        """Take a chunk. The stack of a call follows it."""
        name = self._event.partition("/")[2]
        calls: list[tuple[int, Slow | Stack]] = [
            (mark.seq, mark) for mark in chunk.marks if isinstance(mark, Stack) and not mark.user
        ]
        for batch in chunk.batches:
            if batch.event == name:
                calls += zip(batch.seq.tolist(), self._slow(batch), strict=True)
        for _, one in sorted(calls, key=lambda item: item[0]):
            if isinstance(one, Slow):
                self._finish(one.pid)
                self._open[one.pid] = one
            elif one.pid in self._open:
                self._open[one.pid] = replace(self._open[one.pid], frames=list(without_own(one.frames)))
                self._finish(one.pid)

    def _finish(self, pid: int) -> None:
        slow = self._open.pop(pid, None)
        if slow is not None:
            self._emit(slow)

    def _slow(self, batch: Batch) -> list[Slow]:
        def texts(column: str) -> list[int | str]:
            values, codes = distinct_values(batch, column)
            plain = [value if isinstance(value, int | str) else str(value) for value in values]
            return [plain[code] for code in codes.tolist()]

        took = texts("." + LATENCY)
        args = {shown: texts("." + field) for shown, field in self._fields}
        return [
            Slow(
                int(batch.ts[row]),
                int(batch.cpu[row]),
                int(batch.pid[row]),
                batch.comm[row] or "",
                int(took[row]),
                {shown: values[row] for shown, values in args.items()},
            )
            for row in range(len(batch))
        ]
