"""Merge several streams of chunks by time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk, Mark, Stack


def together(streams: Sequence[Iterator[Chunk]]) -> Iterator[Chunk]:
    """Yield all records of all streams. At equal times, those of the first stream come first."""
    if len(streams) == 1:
        yield from streams[0]
        return
    going = dict(enumerate(streams))
    held: dict[int, list[_Timed]] = {i: [] for i in going}
    seq = 0
    while going or any(held.values()):
        # Advance the stream that ends first: all streams are complete up to its time.
        slowest = min(going, key=lambda i: held[i][-1].last if held[i] else _NEVER, default=None)
        if slowest is not None:
            chunk = next(going[slowest], None)
            if chunk is None:
                del going[slowest]
            elif chunk.batches or chunk.marks:
                held[slowest].append(_Timed.of(chunk, held[slowest][-1].last if held[slowest] else _NEVER))
        if any(not held[i] for i in going):
            continue
        # More records may come at that very time.
        until = min((held[i][-1].last - 1 for i in going), default=_EVER)
        ready = []
        for i, chunks in held.items():
            split = [timed.cut(until) for timed in chunks]
            ready += [before for before, _ in split if len(before.seq)]
            # Keep the last one even if it is empty: it knows how far its stream has come.
            rest = [after for _, after in split if len(after.seq)]
            held[i] = rest or ([chunks[-1].cut(until)[1]] if chunks and i in going else [])
        if ready:
            chunk, seq = _join(ready, seq)
            yield chunk


_NEVER, _EVER = -(1 << 63), (1 << 63) - 1


@dataclass(frozen=True, slots=True, eq=False)
class _Timed:
    """A chunk with the time of each position. A mark without a time gets that of the position before it.

    Attributes:
        seq, ts: int64, of each record and mark, by `seq`.
        last: the latest time in its stream so far.
    """

    chunk: Chunk
    seq: NDArray[np.int64]
    ts: NDArray[np.int64]
    last: int

    @classmethod
    def of(cls, chunk: Chunk, before: int) -> "_Timed":
        marks = chunk.marks
        seq = np.concatenate([*(b.seq for b in chunk.batches), np.array([m.seq for m in marks], np.int64)])
        own = np.array([m.ts if isinstance(m, Stack) else _NEVER for m in marks], np.int64)
        ts = np.concatenate([*(b.ts for b in chunk.batches), own])
        order = np.argsort(seq, kind="stable")
        ts = np.maximum.accumulate(np.maximum(ts[order], before))
        return cls(chunk, seq[order], ts, int(ts[-1]) if len(ts) else before)

    def cut(self, until: int) -> tuple["_Timed", "_Timed"]:
        """Split into the part up to and including `until`, and the later part."""
        at = int(np.searchsorted(self.ts, until, side="right"))
        if at == len(self.seq):
            return self, _Timed(Chunk(), self.seq[:0], self.ts[:0], self.last)
        border = self.seq[at]
        batches = [(b, b.seq < border) for b in self.chunk.batches]
        early = tuple(b.take(mask) for b, mask in batches if mask.any())
        late = tuple(b.take(~mask) for b, mask in batches if not mask.all())
        marks = self.chunk.marks
        return (
            _Timed(
                Chunk(early, tuple(m for m in marks if m.seq < border)),
                self.seq[:at],
                self.ts[:at],
                self.last,
            ),
            _Timed(
                Chunk(late, tuple(m for m in marks if m.seq >= border)),
                self.seq[at:],
                self.ts[at:],
                self.last,
            ),
        )


def _join(parts: list[_Timed], first: int) -> tuple[Chunk, int]:
    """Join several chunks into one and number its records again."""
    order = np.argsort(np.concatenate([part.ts for part in parts]), kind="stable")
    places = np.empty(len(order), np.int64)
    places[order] = np.arange(first, first + len(order))
    batches: list[Batch] = []
    marks: list[Mark] = []
    begin = 0
    for part in parts:
        mine = places[begin : begin + len(part.seq)]
        begin += len(part.seq)
        batches += [
            replace(batch, seq=mine[np.searchsorted(part.seq, batch.seq)]) for batch in part.chunk.batches
        ]
        marks += [
            replace(mark, seq=int(mine[np.searchsorted(part.seq, mark.seq)])) for mark in part.chunk.marks
        ]
    return Chunk(tuple(batches), tuple(sorted(marks, key=lambda mark: mark.seq))), first + len(order)
