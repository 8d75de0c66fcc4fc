"""Merge a few records of all CPUs by time, one by one, without NumPy: the order is that of `merge`."""

from collections.abc import Iterator
from typing import NamedTuple

from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.page_records import Record, page_records


class Placed(NamedTuple):
    """A record with its CPU, and the page that holds it."""

    cpu: int
    page: bytes
    record: Record


class _Page:
    """A page of one CPU, of which the first `done` records have been returned."""

    __slots__ = ("done", "keys", "page", "records")

    def __init__(self, page: bytes, records: list[Record], keys: list[int]) -> None:
        self.page = page
        self.records = records
        self.keys = keys  # the latest time up to each record
        self.done = 0


class MergeFew:
    """Merges the records of several CPUs, as `Merge`, but without stacks and losses."""

    def __init__(self, layout: PageLayout) -> None:
        self._layout = layout
        self._pages: dict[int, list[_Page]] = {}
        self._latest: dict[int, int] = {}

    @property
    def waiting(self) -> int:
        """Return the number of records that have not been taken."""
        return sum(len(one.records) - one.done for pages in self._pages.values() for one in pages)

    def latest(self, cpu: int) -> int | None:
        """Return the latest time of a CPU's records; None before the first."""
        return self._latest.get(cpu)

    def add(self, cpu: int, pages: bytes) -> list[Placed]:
        """Add the next whole pages of a CPU. Return their records."""
        size = self._layout.size
        added: list[Placed] = []
        for begin in range(0, len(pages), size):
            page = pages[begin : begin + size]
            records = page_records(page, self._layout)
            if not records:
                continue
            keys = []
            latest = self._latest.get(cpu, records[0].ts)
            for record in records:
                latest = max(latest, record.ts)
                keys.append(latest)
            self._latest[cpu] = latest
            self._pages.setdefault(cpu, []).append(_Page(page, records, keys))
            added += [Placed(cpu, page, record) for record in records]
        return added

    def take(self, until: int | None) -> list[Placed]:
        """Return all records up to and including time `until`, or all of them for None, in order."""
        found: list[tuple[int, Placed]] = []
        for cpu, pages in self._pages.items():
            for one in pages:
                first = one.done
                while one.done < len(one.keys) and (until is None or one.keys[one.done] <= until):
                    one.done += 1
                for at in range(first, one.done):
                    found.append((one.keys[at], Placed(cpu, one.page, one.records[at])))
            self._pages[cpu] = [one for one in pages if one.done < len(one.records)]
        found.sort(key=lambda one: one[0])
        return [placed for _, placed in found]

    def rest(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield the pages that have records left: the CPU, the page, and how many records have been taken."""
        for cpu, pages in self._pages.items():
            for one in pages:
                yield cpu, one.page, one.done
