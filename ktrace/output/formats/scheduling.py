"""The threads that run on each CPU, and the states of the others, from switches and wakeups.

Perfetto works the states out itself, from the events. For other formats, `States` makes slices of them.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple, TypeAlias

import numpy as np

from ktrace.model.batch import Batch
from ktrace.model.column import Column, Strings
from ktrace.model.format import Format
from ktrace.output.formats.tracks import Lane
from ktrace.output.printfmt import Body

_LETTERS = "SDTtXZPI"
"""The states of a thread that does not run, by bit: fs/proc/array.c, "task_state_array".

Linux before 4.14 has other bits from X on, which only its `print fmt` tells."""
_OLD_LETTERS = str.maketrans("x", "X")
_NO_LOAD = "N"  # D|N, a sleep that does not count as load: what is I today

_PREEMPTED = 1 << len(_LETTERS)
_NAMES = {
    "S": "Sleeping", "D": "Uninterruptible sleep", "T": "Stopped", "t": "Traced", "X": "Dead", "Z": "Zombie",
    "P": "Parked", "I": "Idle",
}  # fmt: skip


class Switch(NamedTuple):
    """A CPU goes from one thread to another. `state` is the first one's, as the kernel's bits."""

    ts: int
    cpu: int
    comm: str
    pid: int
    prio: int
    state: int
    next_comm: str
    next_pid: int
    next_prio: int


class Wakeup(NamedTuple):
    """A thread can run again. `event` is the kernel's event that says so; `by` is the waking thread."""

    ts: int
    cpu: int
    by: int
    event: str
    comm: str
    pid: int
    prio: int
    target_cpu: int


Scheduling: TypeAlias = Switch | Wakeup

WAKEUPS = ("sched_wakeup", "sched_wakeup_new", "sched_waking")
_SWITCH = ("prev_comm", "prev_pid", "prev_prio", "prev_state", "next_comm", "next_pid", "next_prio")


def scheduling(batch: Batch) -> list[Scheduling] | None:
    """Return the switches or wakeups of a batch; None for other events."""
    about = batch.ts.tolist(), batch.cpu.tolist()
    columns = batch.columns
    if batch.event == "sched_switch" and all(name in columns for name in _SWITCH):
        cells = [_cells(columns[name], text=name.endswith("comm")) for name in _SWITCH]
        cells[3] = _states(batch)
        return [Switch(*row) for row in zip(*about, *cells, strict=True)]
    if batch.event in WAKEUPS and all(name in columns for name in ("comm", "pid", "prio")):
        target = _cells(columns["target_cpu"]) if "target_cpu" in columns else about[1]
        cells = [_cells(columns["comm"], text=True), _cells(columns["pid"]), _cells(columns["prio"]), target]
        rows = zip(*about, batch.pid.tolist(), *cells, strict=True)
        return [Wakeup(ts, cpu, by, batch.event, *rest) for ts, cpu, by, *rest in rows]
    return None


def _cells(column: Column, *, text: bool = False) -> list[object]:
    if isinstance(column, Strings):
        cells: list[object] = [column.values[code] for code in column.codes.tolist()]
    else:
        cells = column.tolist()
    if text:
        return [str("" if cell is None else cell) for cell in cells]
    return [cell if isinstance(cell, int) else _number(str(cell)) for cell in cells]


def _number(text: str) -> int:
    return int(text) if text.removeprefix("-").isdecimal() and len(text) < 20 else 0


def _states(batch: Batch) -> list[object]:
    """Return the bits of each `prev_state`.

    Recordings have numbers, texts have letters (`S`, `R+`, `D|N`).
    """
    column = batch.columns["prev_state"]
    if isinstance(column, Strings) or batch.format is None or column.dtype.kind not in "iu":
        return [_state(str(state)) for state in _cells(column, text=True)]
    values, first, codes = np.unique(column, return_index=True, return_inverse=True)
    spelled = [_SPELLED.search(text) for text in _body(batch.format).texts(batch.take(first))]
    bits = [_state(found[1] + found[2] if found else str(value))
            for found, value in zip(spelled, values.tolist(), strict=True)]  # fmt: skip
    return [bits[code] for code in codes.tolist()]


_SPELLED = re.compile(r" prev_pid=-?\d+ prev_prio=-?\d+ prev_state=([A-Za-z|]*)(?:\|?0x[0-9a-f]+)?(\+?) ==> ")


@lru_cache(maxsize=16)
def _body(event: Format) -> Body:
    return Body(event)


def _state(text: str) -> int:
    """Return a state's bits, from its letters or from a number."""
    if text.removeprefix("-").isdecimal():
        return _number(text)
    if "+" in text:  # then it has not begun to sleep, whatever it was about to do
        return _PREEMPTED
    text = "I" if _NO_LOAD in text else text.translate(_OLD_LETTERS)
    return sum(1 << bit for bit, letter in enumerate(_LETTERS) if letter in text)


def state_name(bits: int) -> str:
    """Return the name of the state of a thread that has been switched from."""
    bits &= 0xFFFF
    for bit, letter in enumerate(_LETTERS):
        if bits >> bit & 1:
            return _NAMES[letter]
    return "Runnable (preempted)" if bits & _PREEMPTED else "Runnable"


class Span(NamedTuple):
    """A state that has ended, or a thread's time on a CPU."""

    lane: Lane
    begin: int
    end: int
    name: str


class States:
    """Makes spans from switches and wakeups."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[int, int, str]] = {}  # by CPU: since when, which thread, its name
        self._states: dict[int, tuple[int, str, str]] = {}  # by thread: since when, its name, its state

    def add(self, event: Scheduling) -> Iterator[Span]:
        """Yield the spans that an event ends."""
        if isinstance(event, Wakeup):
            yield from self._woken(event)
            return
        yield from self._leave(event.cpu, event.ts, event.pid)
        self._running[event.cpu] = event.ts, event.next_pid, event.next_comm
        yield from self._change(event.pid, event.ts, event.comm, state_name(event.state), only="Running")
        yield from self._change(event.next_pid, event.ts, event.next_comm, "Running")

    def forget(self) -> None:
        """Forget everything: events were lost."""
        self._running.clear()
        self._states.clear()

    def finish(self, ts: int) -> Iterator[Span]:
        """Yield what has not ended by the end of the recording."""
        for cpu in list(self._running):
            yield from self._leave(cpu, ts, None)
        for pid, (_, comm, _) in list(self._states.items()):
            yield from self._change(pid, ts, comm, "")
        self.forget()

    def _woken(self, event: Wakeup) -> Iterator[Span]:
        state = self._states.get(event.pid)
        # A thread that still runs is woken before it sleeps, and does not sleep then.
        if state is None or not state[2].startswith(("Running", "Runnable")):
            yield from self._change(event.pid, event.ts, event.comm, "Runnable")

    def _leave(self, cpu: int, ts: int, pid: int | None) -> Iterator[Span]:
        since, running, comm = self._running.pop(cpu, (ts, 0, ""))
        if running and pid in (running, None):
            yield Span(Lane("CPUs", cpu, f"CPU {cpu}"), since, ts, f"{comm} [{running}]")

    def _change(self, pid: int, ts: int, comm: str, state: str, only: str = "") -> Iterator[Span]:
        """Begin another state of a thread; yield the last one, but not if it is another one than `only`."""
        if not pid:
            return
        known = self._states.get(pid)
        if known is not None and only in ("", known[2]):
            yield Span(Lane("States of threads", pid, f"{comm} [{pid}]"), known[0], ts, known[2])
        self._states[pid] = ts, comm, state
