"""Build trees of calls from the records of the function graph tracer.

The kernel records the entry (`funcgraph_entry`) and the return (`funcgraph_exit`) of each traced function,
with its call depth. A tree starts at each entry of a requested function, its root, and is complete when the
root returns. Calls outside such trees are left out.

If records were lost, the tree keeps what is known: a call whose return is missing has no duration, a call
whose entry is missing is taken from its return, and each loss is a gap at its position in the tree.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk, Lost
from ktrace.model.calltree import Call, Gap, Tree

ENTRY, EXIT = "funcgraph_entry", "funcgraph_exit"
LARGEST = 200_000
"""The most calls that one tree holds. Further calls are only counted, which bounds the memory that a function
that never returns can use."""


Item: TypeAlias = Tree | Lost
"""A tree, once its root has returned, or a loss, at its position in the stream."""


@dataclass(slots=True)
class _Growing:
    """A tree that is not complete.

    Attributes:
        open: the calls that have not returned, the outermost first.
        levels: the kernel's depth of each open call. Depths may be missing, because the kernel also counts
            calls that only other users of the tracer follow.
        cpu: the CPU on which the task last ran.
    """

    tree: Tree
    open: list[Call]
    levels: list[int]
    cpu: int


class CallTrees:
    """Builds call trees from records, separately for each task.

    Args:
        is_root: returns whether a call of the function at this address starts a tree.
        depth: the number of levels of calls to keep, including the root; None for all.
    """

    def __init__(self, is_root: Callable[[int], bool], depth: int | None = None) -> None:
        self._is_root = is_root
        self._depth = depth
        self._growing: dict[int, _Growing] = {}
        self._roots: dict[int, bool] = {}
        self._lossy = False

    def feed(self, chunk: Chunk) -> list[Item]:
        """Return the trees that the next piece of the stream completes, in order."""
        items: list[Item] = []
        losses = [mark for mark in chunk.marks if isinstance(mark, Lost)]
        for row in _in_order(chunk):
            while losses and losses[0].seq < row.seq:
                items.append(self._lose(losses.pop(0)))
            tree = self._enter(row) if row.enter else self._leave(row)
            if tree is not None:
                items.append(tree)
        return items + [self._lose(mark) for mark in losses]

    def finish(self) -> list[Tree]:
        """Return the trees whose roots have not returned, in the order in which they began."""
        trees = [growing.tree for growing in self._growing.values()]
        self._growing.clear()
        for tree in trees:
            tree.incomplete = True
        return sorted(trees, key=lambda tree: tree.root.ts)

    def _enter(self, row: "_Row") -> Tree | None:
        """Take an entry. Return the task's tree if the entry shows that its root has already returned."""
        growing = self._growing.get(row.task)
        given = None
        if growing is not None and row.depth <= growing.levels[0]:
            growing.tree.incomplete = True
            given = self._growing.pop(row.task).tree
            growing = None
        if growing is None:
            if self._wanted(row.func):
                call = Call(row.func, 0, row.ts, row.cpu)
                self._growing[row.task] = _Growing(
                    Tree(row.pid, row.comm, call), [call], [row.depth], row.cpu
                )
            return given
        growing.cpu = row.cpu
        self._close(growing, row.depth)
        self._open(growing, Call(row.func, len(growing.open), row.ts, row.cpu), row.depth)
        return None

    def _leave(self, row: "_Row") -> Tree | None:
        """Take a return. Return the tree if it is the root's."""
        growing = self._growing.get(row.task)
        if growing is None or row.depth < growing.levels[0]:
            return self._return_alone(row)
        growing.cpu = row.cpu
        self._close(growing, row.depth + 1)
        call = growing.open[-1]
        if growing.levels[-1] != row.depth or call.func != row.func:
            if row.depth == growing.levels[0]:
                return None
            # Its entry was lost.
            growing.tree.incomplete = True
            self._close(growing, row.depth)
            call = Call(row.func, len(growing.open), row.ts - row.duration, row.cpu)
            self._open(growing, call, row.depth)
        growing.open.pop()
        growing.levels.pop()
        call.duration, call.retval = row.duration, row.retval
        if growing.open:
            return None
        del self._growing[row.task]
        return growing.tree

    def _return_alone(self, row: "_Row") -> Tree | None:
        """Take a return whose entry was lost, or happened before the start."""
        if not self._lossy or not self._wanted(row.func) or row.task in self._growing:
            return None
        call = Call(row.func, 0, row.ts - row.duration, row.cpu, row.duration, row.retval)
        return Tree(row.pid, row.comm, call, incomplete=True)

    def _close(self, growing: _Growing, depth: int) -> None:
        """Close the calls at this depth and deeper, whose returns were lost."""
        while growing.levels[-1] >= depth and len(growing.levels) > 1:
            growing.open.pop()
            growing.levels.pop()
            growing.tree.incomplete = True

    def _open(self, growing: _Growing, call: Call, depth: int) -> None:
        """Add a call to its caller's calls."""
        tree = growing.tree
        if self._depth is None or call.depth < self._depth:
            if tree.size < LARGEST:
                tree.size += 1
                growing.open[-1].calls.append(call)
            else:
                tree.omitted += 1
        growing.open.append(call)
        growing.levels.append(depth)

    def _lose(self, mark: Lost) -> Lost:
        """Add a gap to each tree whose task last ran on that CPU."""
        self._lossy = True
        for growing in self._growing.values():
            if mark.cpu is None or growing.cpu == mark.cpu:
                growing.tree.incomplete = True
                kept = growing.open[: self._depth]
                kept[-1].calls.append(Gap(mark.count))
        return mark

    def _wanted(self, func: int) -> bool:
        found = self._roots.get(func)
        if found is None:
            found = self._roots[func] = self._is_root(func)
        return found


@dataclass(frozen=True, slots=True)
class _Row:
    """One record.

    Attributes:
        enter: whether it is an entry, not a return.
        task: a number that is different for each task. It is `pid`, except for the idle tasks: each CPU has
            one, and all have thread id 0.
        duration: nanoseconds; 0 for an entry.
        retval: the return value; None if the kernel does not record it.
    """

    enter: bool
    seq: int
    ts: int
    cpu: int
    pid: int
    task: int
    comm: str
    func: int
    depth: int
    duration: int
    retval: int | None


def _in_order(chunk: Chunk) -> list[_Row]:
    """Return the entries and returns, in the order of the stream."""
    rows = [row for batch in chunk.batches if batch.event in (ENTRY, EXIT) for row in _rows(batch)]
    return sorted(rows, key=lambda row: row.seq)


def _rows(batch: Batch) -> Iterator[_Row]:
    enter = batch.event == ENTRY
    durations = [0] * len(batch)
    retvals: list[int | None] = [None] * len(batch)
    if not enter:
        durations = (_numbers(batch, "rettime") - _numbers(batch, "calltime")).tolist()
        if "retval" in batch.columns:
            retvals = _numbers(batch, "retval").astype(np.uint64).tolist()
    funcs = _numbers(batch, "func").astype(np.uint64).tolist()
    columns = zip(
        batch.seq.tolist(),
        batch.ts.tolist(),
        batch.cpu.tolist(),
        batch.pid.tolist(),
        batch.comm,
        funcs,
        _numbers(batch, "depth").tolist(),
        durations,
        retvals,
        strict=True,
    )
    for seq, ts, cpu, pid, comm, func, depth, duration, retval in columns:
        yield _Row(enter, seq, ts, cpu, pid, pid or -1 - cpu, comm or "", func, depth, duration, retval)


def _numbers(batch: Batch, name: str) -> NDArray[np.int64]:
    """Return a column of numbers. Addresses, which are unsigned, keep their bits."""
    column = batch.addresses[name] if name in batch.addresses else batch.columns[name]
    assert isinstance(column, np.ndarray)
    return column.astype(np.int64)
