"""Divide a recording into parts by time that can be read independently.

Several processes can each read some of the parts. The output of all parts, one after the other, is the output
of the whole recording.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from ktrace.model.batch import Chunk, Lost
from ktrace.ringbuffer.records import Walked
from ktrace.stream.losses import lost_by_cpu, not_told
from ktrace.stream.merge import EVER, merged
from ktrace.stream.recording import Opened, Recording
from ktrace.tracedat.contents import CpuData
from ktrace.tracedat.reader import WINDOW

BLOCK = WINDOW // 2  # bytes of the fullest CPU's pages in a part, roughly


@dataclass(frozen=True, slots=True)
class Part:
    """A time range from `begin` to before `end`."""

    begin: int
    end: int


class Parts:
    """The parts of a recording. It needs one file with one buffer, whose pages are not compressed.

    Attributes:
        all: the parts, in order; empty if the recording cannot be divided.
    """

    def __init__(self, recording: Recording, block: int | None = None) -> None:
        buffers = [one for one in recording.opened() if any(data.size for data in one.buffer.cpus)]
        self._opened = buffers[0] if len(buffers) == 1 and not buffers[0].buffer.compressed else None
        self.all: list[Part] = []
        if self._opened is not None:
            borders = [-EVER, *_borders(self._opened, block or BLOCK), EVER]
            self.all = [Part(begin, end) for begin, end in pairwise(borders)]

    def chunks(self, part: Part) -> Iterator[Chunk]:
        """Yield the records of one part in order of time, with the losses between them."""
        assert self._opened is not None
        readers = {
            data.cpu: partial(_next, _walked(self._opened, data, part))
            for data in self._opened.buffer.cpus
            if data.size
        }
        for chunk in merged(self._opened.decoder, readers):
            yield self._opened.complete(chunk)

    def not_told(self, told: dict[int, int]) -> tuple[Lost, ...]:
        """Return the losses of unknown position, given the number that all parts reported for each CPU."""
        assert self._opened is not None
        return not_told(lost_by_cpu(self._opened.file.contents, self._opened.buffer.name), told)


def _borders(opened: Opened, block: int) -> list[int]:
    """Return increasing times between which the fullest CPU has about `block` bytes."""
    fullest = max(opened.buffer.cpus, key=lambda data: data.size)
    page = opened.decoder.layout.size
    step = max(block // page, 1) * page
    times = [opened.page_time(fullest, at) for at in range(step, fullest.size, step)]
    return sorted({time for time in times if -EVER < time < EVER})


def _walked(opened: Opened, data: CpuData, part: Part) -> Iterator[Walked]:
    page = opened.decoder.layout.size
    first = opened.first_page(data, part.begin)
    last = opened.first_page(data, part.end) + page
    opened.decoder.begin_at(data.cpu, first)
    some = replace(data, size=min(last, data.size))
    # One window, unless times are so irregular that much of a CPU's data falls into one part.
    for pages in opened.file.windows(opened.buffer, some, WINDOW, skip=first):
        yield Walked(opened.decoder.walk(pages, data.cpu).between(part.begin, part.end))


def _next(windows: Iterator[Walked], _: int) -> Walked | None:
    return next(windows, None)
