"""Make lines in the background while the next records are decoded, and write them in order.

NumPy and Polars release Python's global lock during long work, so several threads help.
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
_PIECE = 1 << 16  # records whose lines are made together; their data fits into the CPU's cache


class Background:
    """Writes the lines made of chunks, piece by piece.

    Args:
        out: a binary file, or any object with its `write`.
        make: returns the lines of a piece of a chunk.
        bulk: expect many records; make the lines in the background.
    """

    def __init__(self, out: BinaryIO, make: Callable[[Chunk], Sequence[Buffer]], *, bulk: bool) -> None:
        self._out = out
        self._make = make
        self._bulk = bulk
        self._threads: ThreadPoolExecutor | None = None
        self._making: deque[Future[Sequence[Buffer]]] = deque()

    def write(self, chunk: Chunk) -> None:
        """Write the records and marks of `chunk`, now or with a later chunk."""
        for piece in pieces(chunk):
            if not self._bulk:
                self.put(self._make(piece))
                continue
            self._threads = self._threads or ThreadPoolExecutor(_THREADS, "lines")
            self._write_made(_THREADS)
            self._making.append(self._threads.submit(self._make, piece))

    def put(self, lines: Sequence[Buffer]) -> None:
        """Write finished lines, after all that came before."""
        self._write_made(0)
        for data in lines:
            self._out.write(data)

    def flush(self) -> None:
        """Write whatever is pending and flush the file's buffer."""
        self._write_made(0)
        self._out.flush()

    def close(self) -> None:
        """Write whatever is pending and stop the threads."""
        try:
            self.flush()
        finally:
            if self._threads is not None:
                self._threads.shutdown(cancel_futures=True)

    def _write_made(self, most: int) -> None:
        """Write finished pieces until at most `most` are still being made."""
        while len(self._making) > most:
            for data in self._making.popleft().result():
                self._out.write(data)


def pieces(chunk: Chunk) -> Iterator[Chunk]:
    """Yield the chunk in pieces of about `_PIECE` records, in order."""
    if len(chunk) <= _PIECE + _PIECE // 2:
        yield chunk
        return
    first = min(int(batch.seq[0]) for batch in chunk.batches if len(batch))
    after = max(int(batch.seq[-1]) for batch in chunk.batches if len(batch)) + 1
    # If records were filtered out, `seq` has gaps and the pieces differ in size.
    step = max((after - first) * _PIECE // len(chunk), 1)
    borders = [-(1 << 63), *range(first + step, after, step), (1 << 63) - 1]
    for begin, end in pairwise(borders):
        cuts = [np.searchsorted(batch.seq, [begin, end]).tolist() for batch in chunk.batches]
        batches = [
            batch.take(slice(a, b)) for batch, (a, b) in zip(chunk.batches, cuts, strict=True) if b > a
        ]
        # The upper border of the last piece belongs to it.
        marks = [mark for mark in chunk.marks if begin <= mark.seq < end or mark.seq == end == borders[-1]]
        yield Chunk(tuple(batches), tuple(marks))
