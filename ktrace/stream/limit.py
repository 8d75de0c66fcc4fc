"""End a stream after an exact number of events."""

import numpy as np

from ktrace.model.batch import Chunk, Mark, Stack


class Limit:
    """Lets the first `count` events through, with the marks between them; None lets all through.

    Attributes:
        left: remaining events; None without a limit.
    """

    def __init__(self, count: int | None) -> None:
        self.left = count
        self._stacks_open = True

    @property
    def reached(self) -> bool:
        """Return whether all events have passed."""
        return self.left == 0

    def cut(self, chunk: Chunk) -> Chunk:
        """Return the part of the chunk within the limit.

        A stack trace follows its event. Those after the last event still pass, until another event comes.
        """
        if self.left is None:
            return chunk
        order = np.sort(np.concatenate([b.seq for b in chunk.batches])) if chunk.batches else np.zeros(0)
        if self.left > 0 and len(order) <= self.left:
            self.left -= len(order)
            return chunk
        end = order[self.left] if len(order) > self.left else None
        was_reached = self.reached
        self.left = 0
        if not self._stacks_open:
            return Chunk()
        marks = tuple(m for m in chunk.marks if self._passes(m, end, was_reached))
        if end is not None:
            self._stacks_open = False
        batches = [b.take(b.seq < end) for b in chunk.batches] if end is not None else []
        return Chunk(tuple(b for b in batches if len(b)), marks)

    @staticmethod
    def _passes(mark: Mark, end: int | None, stacks_only: bool) -> bool:
        return (end is None or mark.seq < end) and (isinstance(mark, Stack) or not stacks_only)
