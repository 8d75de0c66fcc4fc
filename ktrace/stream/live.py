"""Live: pages as they come to chunks in order of time, with a bounded delay.

CPUs are read one after the other, so what is read of the last one may be later than what the first one
has got since. But all that a pass has read had happened before the next pass began, and of each CPU the
next pass reads all that had happened by then. So what is not later than the newest record of the pass
before can be given after each pass.
"""

from collections.abc import Iterable
from dataclasses import replace

from ktrace.model.batch import Chunk, Unparsed
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.records import Records
from ktrace.stream.malloc import keep_freed
from ktrace.stream.merge import EVER, Merge
from ktrace.tracefs.pipe_raw import Pass


class Live:
    """Decodes what is read of all CPUs, pass by pass.

    Attributes:
        told: by CPU: how many lost records have been told.
        unparsed: places that could not be decoded.
    """

    def __init__(self, decoder: Decoder) -> None:
        keep_freed()  # each pass makes the same arrays again: a tenth faster, emulated a quarter
        self._decoder = decoder
        self._merge = Merge(decoder)
        self._newest: int | None = None
        self.told: dict[int, int] = {}
        self.unparsed = 0

    @property
    def page(self) -> int:
        """Bytes of a page."""
        return self._decoder.layout.size

    @property
    def pending(self) -> bool:
        """Whether something waits for the next pass."""
        return self._merge.pending

    @property
    def waiting(self) -> int:
        """Records that came in, and have not come out yet."""
        return self._merge.waiting

    def feed(self, passes: Iterable[Pass]) -> Chunk:
        """Take what was read; give what nothing earlier can come for any more."""
        until = self._newest
        for one in passes:
            records = self._decoder.walk(one.pages, one.cpu)
            self._merge.add(self._count_losses(records, one))
            behind = self._merge.latest(one.cpu)
            if not one.drained and until is not None and behind is not None:
                until = min(until, behind)
        self._newest = self._merge.newest
        return Chunk() if until is None else self._take(until)

    def idle(self) -> Chunk:
        """A pass found nothing: all is there up to now."""
        return self._take(EVER)

    def finish(self) -> Chunk:
        """Nothing more will come."""
        return self._take(EVER)

    def _take(self, until: int) -> Chunk:
        chunk = self._merge.take(until)
        self.unparsed += sum(isinstance(mark, Unparsed) for mark in chunk.marks)
        return chunk

    def _count_losses(self, records: Records, one: Pass) -> Records:
        """Give each loss its number, such that all together never exceed what the kernel has counted.

        A page that is full has no room for the number. What the kernel had overwritten by the end of the
        pass, less all that was told, goes to those pages; if some of it was overwritten after the last
        page of the pass had been read, the next loss is told smaller by so many.
        """
        lost = [hole for hole in records.holes if hole.lost]
        if not lost:
            return records
        left = max((one.overwritten or 0) - self.told.get(one.cpu, 0), 0)
        counts: list[int] = []
        for hole in lost:
            counts.append(min(hole.count or 0, left))
            left -= counts[-1]
        unknown = [i for i, hole in enumerate(lost) if hole.count is None]
        for n, i in enumerate(unknown):
            counts[i] = left // (len(unknown) - n)
            left -= counts[i]
        self.told[one.cpu] = self.told.get(one.cpu, 0) + sum(counts)
        told = iter(counts)
        holes = [replace(hole, count=next(told) or None) if hole.lost else hole for hole in records.holes]
        return replace(records, holes=holes)
