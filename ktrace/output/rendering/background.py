"""Lines made in the background while the next records are decoded, and written in order.

What takes long, in NumPy and in Polars, does not hold up Python: several threads are of use.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import BinaryIO, TypeAlias

import numpy as np

from ktrace.model.batch import Chunk

Buffer: TypeAlias = bytes | memoryview

_THREADS = min(os.cpu_count() or 1, 4)
_PIECE = 1 << 16  # records of which the lines are made together: what they take stays in the cache


class Background:
    """Writes what is made of chunks, piece by piece.

    Args:
        out: a binary file, or whatever has its `write`.
        make: the lines of a piece of a chunk.
        bulk: there will be many: make them in the background.
    """

    def __init__(self, out: BinaryIO, make: Callable[[Chunk], Sequence[Buffer]], *, bulk: bool) -> None:
        self._out = out
        self._make = make
        self._bulk = bulk
        self._threads: ThreadPoolExecutor | None = None
        self._making: deque[Future[Sequence[Buffer]]] = deque()

    def write(self, chunk: Chunk) -> None:
        """Write all records and marks of `chunk`, now or with the next one."""
        for piece in pieces(chunk):
            if not self._bulk:
                self.put(self._make(piece))
                continue
            self._threads = self._threads or ThreadPoolExecutor(_THREADS, "lines")
            self._write_made(_THREADS)
            self._making.append(self._threads.submit(self._make, piece))

    def put(self, lines: Sequence[Buffer]) -> None:
        """Write lines that are made already, after all that came before."""
        self._write_made(0)
        for data in lines:
            self._out.write(data)

    def flush(self) -> None:
        """Hand on all that has come so far."""
        self._write_made(0)
        self._out.flush()

    def close(self) -> None:
        """All has come."""
        try:
            self.flush()
        finally:
            if self._threads is not None:
                self._threads.shutdown(cancel_futures=True)

    def _write_made(self, most: int) -> None:
        """Write until at most so many pieces are being made."""
        while len(self._making) > most:
            for data in self._making.popleft().result():
                self._out.write(data)


def pieces(chunk: Chunk) -> Iterator[Chunk]:
    """The chunk in pieces of so many records, in order."""
    if len(chunk) <= _PIECE + _PIECE // 2:
        yield chunk
        return
    first = min(int(batch.seq[0]) for batch in chunk.batches if len(batch))
    after = max(int(batch.seq[-1]) for batch in chunk.batches if len(batch)) + 1
    # With places left out (what was not chosen) pieces are of several sizes, and as many.
    step = max((after - first) * _PIECE // len(chunk), 1)
    borders = [-(1 << 63), *range(first + step, after, step), (1 << 63) - 1]
    for begin, end in pairwise(borders):
        cuts = [np.searchsorted(batch.seq, [begin, end]).tolist() for batch in chunk.batches]
        batches = [
            batch.take(slice(a, b)) for batch, (a, b) in zip(chunk.batches, cuts, strict=True) if b > a
        ]
        # The last place of all belongs to the last piece.
        marks = [mark for mark in chunk.marks if begin <= mark.seq < end or mark.seq == end == borders[-1]]
        yield Chunk(tuple(batches), tuple(marks))
