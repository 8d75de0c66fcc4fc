"""Turn pages, as they are read, into chunks in order of time, with a bounded delay.

CPUs are read one after the other, so records read from the last CPU may be later than new records of the
first one. But all records of a pass were written before the next pass began, and the next pass reads all
records that each CPU had by then. So after each pass, everything up to the newest record of the previous pass
can be delivered.
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
    """Decodes the data of all CPUs, pass by pass.

    Attributes:
        told: number of lost records reported so far, by CPU.
        unparsed: places that could not be decoded.
    """

    def __init__(self, decoder: Decoder) -> None:
        keep_freed()  # each pass makes the same arrays: 10 % faster, emulated 25 %
        self._decoder = decoder
        self._merge = Merge(decoder)
        self._newest: int | None = None
        self.told: dict[int, int] = {}
        self.unparsed = 0

    @property
    def page(self) -> int:
        """Return the size of a page in bytes."""
        return self._decoder.layout.size

    @property
    def pending(self) -> bool:
        """Return whether something waits for the next pass."""
        return self._merge.pending

    @property
    def waiting(self) -> int:
        """Return the number of records that came in and have not come out yet."""
        return self._merge.waiting

    def feed(self, passes: Iterable[Pass]) -> Chunk:
        """Take what was read; return everything that no earlier record can still precede."""
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
        """Return everything that waits: a pass found nothing new."""
        return self._take(EVER)

    def finish(self) -> Chunk:
        """Return everything that waits: nothing more will come."""
        return self._take(EVER)

    def _take(self, until: int) -> Chunk:
        chunk = self._merge.take(until)
        self.unparsed += sum(isinstance(mark, Unparsed) for mark in chunk.marks)
        return chunk

    def _count_losses(self, records: Records, one: Pass) -> Records:
        """Give each loss a count, such that the total never exceeds the kernel's count.

        A full page has no space for its count. These pages share the records that the kernel had overwritten
        by the end of the pass, less those reported. If some were overwritten after the last page of the pass
        was read, the count of the next loss is smaller by that number.
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
