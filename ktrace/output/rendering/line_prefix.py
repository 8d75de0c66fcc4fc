"""The beginning of each line, as the kernel prints it: `COMM-PID [TGID] [CPU] FLAGS TIME: `."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ktrace.diagnostic import visible
from ktrace.model.batch import Batch, Lost, Stack
from ktrace.model.column import Strings
from ktrace.output.rendering.digits import decimal, micros
from ktrace.output.rendering.distinct_values import Codes, distinct, joined, looks_repetitive
from ktrace.output.rendering.pieces import Coded, Piece, Pieces, coded
from ktrace.output.rendering.times import PLAIN, TimeStyle

_SECOND = 1_000_000  # in microseconds, to which the kernel's text rounds its times


def origin_of(of: Batch | Stack | Lost) -> str:
    """Return `NAME: `, which begins a line if there are several recordings."""
    return f"{visible(of.origin)}: " if of.origin else ""


def head_of(mark: Stack, style: TimeStyle = PLAIN) -> str:
    """Return the beginning of a stack trace's line."""
    group = "" if mark.tgid is None else _group(mark.tgid)
    second, micro = divmod((mark.ts + 500) // 1000, _SECOND)
    time = f"{mark.ts:12d}" if mark.ticks else f"{style.second(second)}{micro:06d}{style.suffix}"
    return f"{origin_of(mark)}{_task(mark.comm, mark.pid)}{group}{_cpu(mark.cpu)}{_flags(mark.flags)}{time}: "


def heads(batches: Sequence[Batch], style: TimeStyle = PLAIN) -> list[Piece]:
    """Return the beginnings of all records' lines, batch after batch.

    The batches agree on `tgid`, `ticks` and `origin`. The first piece is at least 24 bytes long. Values that
    change together are spelled together: a task has one name, runs on few CPUs, and few combinations of flags
    occur.
    """
    pieces = Pieces()
    comms, comm = _together([batch.comm for batch in batches])
    flags, flag = _together([batch.flags for batch in batches])
    pid, pids, pid_low = _numbers([batch.pid for batch in batches])
    cpu, cpus, cpu_low = _numbers([batch.cpu for batch in batches])
    tgids = [batch.tgid for batch in batches if batch.tgid is not None]
    tgid, groups, tgid_low = _numbers(tgids) if tgids else (np.zeros(len(pid), np.int64), 1, 0)
    combinations, codes = joined(
        [comm, pid, tgid, cpu, flag], [max(len(comms), 1), pids, groups, cpus, max(len(flags), 1)]
    )
    origin = origin_of(batches[0])
    texts = []
    for a, b, c, d, e in combinations:
        group = _group(c + tgid_low) if tgids else ""
        texts.append(
            f"{origin}{_task(comms[a], b + pid_low)}{group}{_cpu(d + cpu_low)}{_flags(flags[e] or '')}"
        )
    pieces.add(Coded([text.encode() for text in texts], codes))
    times = np.concatenate([batch.ts for batch in batches])
    pieces.extend(_counts(times) if batches[0].ticks else _times(times, style))
    return pieces.finish()


def _times(times: NDArray[np.int64], style: TimeStyle) -> Iterable[Piece]:
    rounded = (times + 500) // 1000
    whole = rounded // _SECOND
    seconds, codes = distinct(whole)
    yield coded([style.second(second).encode() for second in seconds.tolist()], codes)
    parts = micros(rounded - whole * _SECOND)
    if style.suffix:  # of one character: the blank after the colon follows on its own
        parts.cells[:, -2:] = np.frombuffer(f"{style.suffix}:".encode(), np.uint8)
        yield parts
        yield b" "
    else:
        yield parts


def _counts(times: NDArray[np.int64]) -> Iterable[Piece]:
    if looks_repetitive(times):
        values, codes = distinct(times)
        yield coded([f"{value:12d}".encode() for value in values.tolist()], codes)
    else:
        yield decimal(times, 12)
    yield b": "


def _numbers(columns: Sequence[NDArray[Any]]) -> tuple[Codes, int, int]:
    """Join columns of small numbers.

    Returns the numbers less their minimum, the size of their range, and the minimum.
    """
    column = np.concatenate(columns).astype(np.int64)
    low, high = int(column.min()), int(column.max())
    return column - low, high - low + 1, low


def _together(columns: Sequence[Strings]) -> tuple[list[str | None], Codes]:
    """Join the dictionaries of several text columns, and return them with the code of each row."""
    values: list[str | None] = []
    first: dict[int, int] = {}  # where each dictionary begins: batches of one chunk often share one
    codes = []
    for column in columns:
        base = first.get(id(column.values))
        if base is None:
            base = first[id(column.values)] = len(values)
            values += column.values
        codes.append(column.codes.astype(np.int64) + base)
    return values, np.concatenate(codes)


def _task(comm: str | None, pid: int) -> str:
    # C pads by bytes, so the width is that of the unescaped name.
    name = "(fault)" if comm is None else comm
    blanks = " " * (16 - len(name.encode("utf-8", "surrogateescape")))
    return f"{blanks}{visible(name)}-{pid:<7d} "


def _group(tgid: int) -> str:
    return f"({tgid:7d}) " if tgid else "(-------) "


def _cpu(cpu: int) -> str:
    return f"[{cpu:03d}] "


def _flags(flags: str) -> str:
    return f"{visible(flags)} "
