"""Records: where each record of some pages lies, whose it is and when it was, before any field is read."""

from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Hole:
    """Something between two records that is none.

    Attributes:
        before: index of the record that it stands before.
        ts: time of the page, in whose place it is.
        lost: whether the kernel lost records here; else some could not be decoded.
        count: how many were lost; None where the kernel does not say.
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
        cpu: whose.
        buffer: uint8: the pages.
        origin: place of the buffer's first byte in the CPU's data.
        ts: int64, shape (rows,).
        at: int64, shape (rows,): where the record begins in `buffer`, in words of 4 bytes.
        size: int32, shape (rows,): its bytes, of which the last few may be padding.
        id: uint16, shape (rows,): which event's it is.
        holes: in order.
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

    def between(self, begin: int, end: int) -> "Records":
        """Those from time `begin` on and before `end`; a hole is as early as its page.

        Where times go back, a record counts as of the latest time before it.
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
    """Pages whose records have been found already; true even where there are none in them."""

    records: Records

    def __len__(self) -> int:
        return 1


Pages: TypeAlias = bytes | bytearray | memoryview | Walked
"""What a decoder takes: whole pages of one CPU."""
