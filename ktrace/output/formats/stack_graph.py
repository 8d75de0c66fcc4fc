"""Collect stacks of a whole stream; write them as a flame graph, folded stacks, or a profile of speedscope.

A stream with function graph calls gives the time of each function by itself, in nanoseconds. Any other gives
the number of times that each stack was recorded.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO

from ktrace.model.batch import Batch, Chunk, Lost, Stack
from ktrace.model.column import Column, Strings
from ktrace.output.formats.flamegraph import flamegraph
from ktrace.output.formats.folded_stacks import folded
from ktrace.output.formats.speedscope import speedscope

ENTRY, EXIT = "funcgraph_entry", "funcgraph_exit"

Frames = tuple[str, ...]


class Form(StrEnum):
    """A format of stacks: a flame graph, folded stacks, a profile for speedscope."""

    SVG = "svg"
    FOLD = "fold"
    SPEEDSCOPE = "speedscope"


@dataclass(slots=True)
class _Call:
    func: str
    ts: int
    inside: int = 0  # nanoseconds of the calls that it made


@dataclass(slots=True)
class _Half:
    """The part of a stack in the kernel, whose part in the program may follow."""

    ts: int
    frames: Frames = ()


@dataclass(slots=True)
class StackGraph:
    """Writes all stacks when `close` is called.

    Args:
        out: a binary file.
        form: the format of the file.
    """

    out: BinaryIO
    form: Form
    _hits: Counter[Frames] = field(default_factory=Counter)
    _times: Counter[Frames] = field(default_factory=Counter)
    _open: dict[int, list[_Call]] = field(default_factory=dict)
    _half: dict[int, _Half] = field(default_factory=dict)

    def write(self, chunk: Chunk) -> None:
        """Take the stacks and calls of `chunk`."""
        rows: list[tuple[int, Stack | Lost | tuple[str, int, int, int, str | None, int | None]]] = []
        for batch in chunk.batches:
            if batch.event in (ENTRY, EXIT) and batch.kind == "fields":
                rows += _calls(batch)
        rows += [(mark.seq, mark) for mark in chunk.marks if isinstance(mark, Stack | Lost)]
        for _, row in sorted(rows, key=lambda row: row[0]):
            if isinstance(row, Stack):
                self._stack(row)
            elif isinstance(row, Lost):
                self._open.clear()
            else:
                self._call(*row)

    def flush(self) -> None:
        """Do nothing: the file is written only by `close`."""

    def close(self) -> None:
        """Write the file."""
        for half in self._half.values():
            self._hits[half.frames] += 1
        self._half.clear()
        stacks = self._times or self._hits
        match self.form:
            case Form.FOLD:
                text = folded(stacks)
            case Form.SVG:
                text = flamegraph(stacks, title="ktrace report", unit="ns" if self._times else "hits")
            case Form.SPEEDSCOPE:
                text = speedscope(stacks, name="ktrace report", unit="nanoseconds" if self._times else "none")
        self.out.write(text.encode())

    def _stack(self, mark: Stack) -> None:
        """Count a stack; that of the kernel is the end of that of the program, which comes after it."""
        frames = tuple(reversed(mark.frames))
        half = self._half.pop(mark.pid, None)
        if mark.user and half is not None and half.ts <= mark.ts:
            self._hits[frames + half.frames] += 1
            return
        if half is not None:
            self._hits[half.frames] += 1
        if mark.user:
            self._hits[frames] += 1
        else:
            self._half[mark.pid] = _Half(mark.ts, frames)

    def _call(
        self, event: str, pid: int, ts: int, depth: int, func: str | None, duration: int | None
    ) -> None:
        calls = self._open.setdefault(pid, [])
        if event == ENTRY:
            del calls[depth:]
            while len(calls) < depth:
                calls.append(_Call("?", ts))  # entered before the text began
            calls.append(_Call(func or "?", ts))
            return
        while len(calls) <= depth:
            calls.append(_Call(func or "?" if len(calls) == depth else "?", ts - (duration or 0)))
        del calls[depth + 1 :]
        frames = tuple(call.func for call in calls)
        call = calls.pop()
        took = duration if duration is not None else ts - call.ts
        self._times[frames] += max(took - call.inside, 0)
        if calls:
            calls[-1].inside += took


def _calls(
    batch: Batch,
) -> Iterator[tuple[int, tuple[str, int, int, int, str | None, int | None]]]:
    """Yield the position, event, task, time, depth, function and duration of each record."""
    count = len(batch)
    func = batch.columns.get("func")
    depth = batch.columns.get("depth")
    names: list[str | None] = func.tolist() if isinstance(func, Strings) else [None] * count
    depths: list[int] = [0] * count if depth is None or isinstance(depth, Strings) else depth.tolist()
    durations = _durations(batch.columns.get("duration"), count)
    for row in zip(
        batch.pid.tolist(), batch.ts.tolist(), depths, names, durations, batch.seq.tolist(), strict=True
    ):
        yield row[-1], (batch.event, *row[:-1])


def _durations(column: Column | None, count: int) -> list[int | None]:
    return [None] * count if column is None or isinstance(column, Strings) else column.tolist()
