"""Decode records of one file with times on the clock that all files share."""

from dataclasses import replace

from ktrace.model.format import Format
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.records import Pages, Records, Walked
from ktrace.stream.clocks import Clock


class TimedDecoder(Decoder):
    """A decoder that converts times to the clock that all files share."""

    def __init__(self, known: dict[int, Format], layout: PageLayout, clock: Clock) -> None:
        super().__init__(known, layout, ticks=clock.ticks)
        self._clock = clock

    def walk(self, pages: Pages, cpu: int) -> Records:
        """Read the next pages of one CPU."""
        if isinstance(pages, Walked):
            return pages.records
        records = super().walk(pages, cpu)
        return records if self._clock.plain else replace(records, ts=self._clock.all(records.ts, cpu))
