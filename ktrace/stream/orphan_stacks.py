"""Remove stacks whose hit was not recorded.

The kernel's `stacktrace` trigger also fires at hits that are then dropped, by the event's filter or, in 5.10,
because they belong to another task. Their stacks are in the buffer, but their records are not.
"""

from collections.abc import Collection

from ktrace.model.batch import Chunk, Stack

_NESTED = 4  # a task, and on top of it a softirq, an interrupt and an NMI


class OwnStacks:
    """Removes stacks that have no record.

    Args:
        events: names of the events that have a stack at each hit.
    """

    def __init__(self, events: Collection[str]) -> None:
        self._events = events
        self._open: dict[tuple[int, int], int] = {}  # by CPU and task: records still without their stack

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the chunk without those stacks."""
        stacks = [mark for mark in chunk.marks if isinstance(mark, Stack) and not mark.user]
        rows: list[tuple[int, tuple[int, int], Stack | None]] = [
            (stack.seq, (stack.cpu, stack.pid), stack) for stack in stacks
        ]
        for batch in chunk.batches:
            if batch.event in self._events:
                keys = zip(batch.cpu.tolist(), batch.pid.tolist(), strict=True)
                rows += ((seq, key, None) for seq, key in zip(batch.seq.tolist(), keys, strict=True))
        strange = set()
        for _, key, stack in sorted(rows, key=lambda row: row[0]):
            waiting = self._open.pop(key, 0)
            if stack is None:
                self._open[key] = min(waiting + 1, _NESTED)
            elif not waiting:
                strange.add(id(stack))
            elif waiting > 1:
                self._open[key] = waiting - 1
        if not strange:
            return chunk
        return Chunk(chunk.batches, tuple(mark for mark in chunk.marks if id(mark) not in strange))
