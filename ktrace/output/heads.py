"""The head of each line, as the kernel prints it: `COMM-PID [TGID] [CPU] FLAGS TIME: `."""

import numpy as np

from ktrace.diagnostic import visible
from ktrace.model.batch import Batch, Lost, Stack
from ktrace.output.cells import Coded, Piece, Pieces, coded
from ktrace.output.digits import decimal, micros
from ktrace.output.distinct import distinct, joined, looks_repetitive

_SECOND = 1_000_000  # in microseconds, to which the kernel's text rounds its times


def origin_of(of: Batch | Stack | Lost) -> str:
    """`NAME: ` before all else, where there are several recordings."""
    return f"{visible(of.origin)}: " if of.origin else ""


def head_of(mark: Stack) -> str:
    """Of a stack trace."""
    group = "" if mark.tgid is None else _group(mark.tgid)
    second, micro = divmod((mark.ts + 500) // 1000, _SECOND)
    time = f"{mark.ts:12d}" if mark.ticks else f"{_seconds(second)}{micro:06d}"
    return f"{origin_of(mark)}{_task(mark.comm, mark.pid)}{group}{_cpu(mark.cpu)}{_flags(mark.flags)}{time}: "


def heads(batch: Batch) -> list[Piece]:
    """Of each record; the first piece is at least 24 bytes long."""
    pieces = Pieces()
    names, name_codes = _used(batch)
    pids, pid_codes = distinct(batch.pid)
    numbers = pids.tolist()
    tasks, codes = joined([name_codes, pid_codes], [len(names), len(numbers)])
    origin = origin_of(batch)
    pieces.add(Coded([(origin + _task(names[a], numbers[b])).encode() for a, b in tasks], codes))
    if batch.tgid is not None:
        tgids, codes = distinct(batch.tgid)
        pieces.add(coded([_group(tgid).encode() for tgid in tgids.tolist()], codes))
    cpus, codes = distinct(batch.cpu)
    pieces.add(coded([_cpu(cpu).encode() for cpu in cpus.tolist()], codes))
    pieces.add(coded([_flags(flags or "").encode() for flags in batch.flags.values], batch.flags.codes))
    if not batch.ticks:
        times = (batch.ts + 500) // 1000
        whole = times // _SECOND
        seconds, codes = distinct(whole)
        pieces.add(coded([_seconds(second).encode() for second in seconds.tolist()], codes))
        pieces.add(micros(times - whole * _SECOND))
        return pieces.finish()
    if looks_repetitive(batch.ts):
        values, codes = distinct(batch.ts)
        pieces.add(coded([f"{value:12d}".encode() for value in values.tolist()], codes))
    else:
        pieces.add(decimal(batch.ts, 12))
    pieces.add(b": ")
    return pieces.finish()


def _used(batch: Batch) -> tuple[list[str | None], np.ndarray]:
    """The tasks' names that occur, and which of them each record has."""
    used, codes = distinct(batch.comm.codes)
    return [batch.comm.values[i] for i in used.tolist()], codes


def _task(comm: str | None, pid: int) -> str:
    # Padded as C does it, in bytes; then made harmless.
    name = "(fault)" if comm is None else comm
    blanks = " " * (16 - len(name.encode("utf-8", "surrogateescape")))
    return f"{blanks}{visible(name)}-{pid:<7d} "


def _group(tgid: int) -> str:
    return f"({tgid:7d}) " if tgid else "(-------) "


def _cpu(cpu: int) -> str:
    return f"[{cpu:03d}] "


def _flags(flags: str) -> str:
    return f"{visible(flags)} "


def _seconds(second: int) -> str:
    return f"{second:5d}."
