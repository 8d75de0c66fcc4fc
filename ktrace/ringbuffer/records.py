"""The position, event and time of each record of some pages, before any field is read."""

from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Hole:
    """A gap between two records.

    Attributes:
        before: index of the record after the gap.
        ts: the time of the page.
        lost: whether the kernel lost records here; otherwise some could not be decoded.
        count: how many were lost; None if the kernel does not say.
        reason: why they could not be decoded; empty for a loss.
    """

    before: int
    ts: int
    lost: bool
    count: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Records of one CPU, in the order of its buffer.

    Attributes:
        cpu: the CPU's number.
        buffer: uint8, shape (bytes,): the pages.
        origin: offset of the buffer's first byte in the CPU's data.
        ts: int64, shape (rows,): times, in the trace clock's unit.
        at: int64, shape (rows,): the offset of the record in `buffer`, in words of 4 bytes.
        size: int32, shape (rows,): its size in bytes; the last few bytes may be padding.
        id: uint16, shape (rows,): the id of its event.
        holes: the gaps, in order.
    """

    cpu: int
    buffer: NDArray[np.uint8]
    origin: int
    ts: NDArray[np.int64]
    at: NDArray[np.int64]
    size: NDArray[np.int32]
    id: NDArray[np.uint16]
    holes: list[Hole] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.ts)

    def after(self, count: int) -> "Records":
        """Return the records after the first ones, without the gaps before those."""
        if not count:
            return self
        some = slice(count, None)
        holes = [replace(hole, before=hole.before - count) for hole in self.holes if hole.before >= count]
        return replace(
            self, ts=self.ts[some], at=self.at[some], size=self.size[some], id=self.id[some], holes=holes
        )

    def between(self, begin: int, end: int) -> "Records":
        """Return the records from time `begin` up to, but not including, `end`.

        A hole has the time of its page.

        If times go backwards, a record counts as having the latest time so far.
        """
        keys = self.ts
        if len(keys) > 1 and bool((keys[1:] < keys[:-1]).any()):
            keys = np.maximum.accumulate(keys)
        first, last = np.searchsorted(keys, [begin, end]).tolist()
        holes = [
            replace(hole, before=min(max(hole.before, first), last) - first)
            for hole in self.holes
            if begin <= hole.ts < end
        ]
        some = slice(first, last)
        return replace(
            self, ts=self.ts[some], at=self.at[some], size=self.size[some], id=self.id[some], holes=holes
        )


@dataclass(frozen=True, slots=True, eq=False)
class Walked:
    """Pages whose records have already been found; true even if there are no records."""

    records: Records

    def __len__(self) -> int:
        return 1


Pages: TypeAlias = bytes | bytearray | memoryview | Walked
"""The input of a decoder: whole pages of one CPU."""
