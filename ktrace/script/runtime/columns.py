"""Turn columns of events into lists of arguments for handlers."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np

from ktrace.aggregate.frames import without_own
from ktrace.model.batch import Batch, Chunk, Stack
from ktrace.model.column import Column, Strings
from ktrace.script.own_task import EACH_CPU
from ktrace.script.runtime.state import UNREAD, bytes_text


def values(column: Column) -> list[Any]:
    """Convert a column for handlers: Latin-1 text or signed 64-bit numbers."""
    if isinstance(column, Strings):
        texts = [UNREAD if text is None else bytes_text(text) for text in column.values]
        return [texts[code] for code in column.codes.tolist()]
    if column.dtype == np.uint64:
        column = column.view(np.int64)
    found: list[Any] = column.tolist()
    return found


def event_data(batch: Batch, param: str) -> list[Any]:
    """Return the `tid`, `pid`, `comm`, `cpu` or `ts` of each record."""
    if param == "pid":
        pids = batch.pid if batch.tgid is None else np.where(batch.tgid > 0, batch.tgid, batch.pid)
        return values(pids)
    columns: dict[str, Column] = {"tid": batch.pid, "comm": batch.comm, "cpu": batch.cpu, "ts": batch.ts}
    return values(columns[param])


def own_values(batch: Batch, names: Sequence[str], *, may_be_null: bool = False) -> list[Any]:
    """Return what was read of the task of each record: a value, or a tuple of several.

    Args:
        names: the columns. One that ends with `EACH_CPU` stands for the columns of all CPUs.
        may_be_null: whether the first column is a pointer. Where it is null, the values of the others are 0.

    The value is None for a CPU that the probe did not read.
    """
    columns = [
        _of_own_cpu(batch, name) if name.endswith(EACH_CPU) else values(batch.columns[name]) for name in names
    ]
    if may_be_null:
        pointers, *columns = columns
        columns = [
            [0 if pointer == 0 else value for pointer, value in zip(pointers, column, strict=True)]
            for column in columns
        ]
    if len(columns) == 1:
        return columns[0]
    return [None if None in row else row for row in zip(*columns, strict=True)]


def _of_own_cpu(batch: Batch, name: str) -> list[Any]:
    """Return the values from the column of the CPU on which each record was made."""
    cpus = batch.cpu.tolist()
    read = {cpu: f"{name}{cpu}" for cpu in set(cpus)}
    columns = {cpu: values(batch.columns[one]) for cpu, one in read.items() if one in batch.columns}
    return [columns[cpu][row] if cpu in columns else None for row, cpu in enumerate(cpus)]


def stacks_in(chunk: Chunk) -> list[Stack]:
    """Return the stacks of a chunk."""
    return [mark for mark in chunk.marks if isinstance(mark, Stack)]


def stacks_of(batch: Batch, stacks: Sequence[Stack], *, user: bool) -> list[tuple[int, ...]]:
    """Return the addresses of the stack after each record."""
    by_task: dict[int, list[Stack]] = {}
    for one in stacks:
        if one.user is user:
            by_task.setdefault(one.pid, []).append(one)
    begins = {pid: [one.seq for one in found] for pid, found in by_task.items()}
    found: list[tuple[int, ...]] = []
    for seq, pid in zip(batch.seq.tolist(), batch.pid.tolist(), strict=True):
        number = bisect_right(begins.get(pid, ()), seq)
        after = by_task[pid][number] if number < len(begins.get(pid, ())) else None
        found.append(() if after is None else after.ips if user else _without_own(after))
    return found


def _without_own(stack: Stack) -> tuple[int, ...]:
    """Return the addresses of a kernel stack without those of the probe itself."""
    return stack.ips[len(stack.frames) - len(without_own(stack.frames)) :]
