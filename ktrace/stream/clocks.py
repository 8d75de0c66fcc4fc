"""Convert the times of all files to one clock.

The steps and their order are those of trace-cmd: convert a guest's time to its host's, convert ticks to
nanoseconds, and add the offsets that the file specifies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ktrace.tracedat.contents import ClockSample, Contents, Options, TimeShift, TscToNs

_BITS = 64
_FARTHEST = 1 << 62  # keeps meaningless times within 64 bits
_LAST = (1 << 63) - 1
_SCHEDULER = ("local", "global", "perf")  # the scheduler's clock
_NANOSECONDS = frozenset(("", "local", "global", "perf", "mono", "mono_raw", "boot", "tai"))


@dataclass(frozen=True, slots=True)
class Clock:
    """The conversion of a buffer's times to those of the stream.

    Attributes:
        ticks: whether the result counts something other than nanoseconds.
        shift: for a guest whose host is among the files.
        tsc: conversion of ticks to nanoseconds.
        offset: nanoseconds added at the end.
    """

    ticks: bool = False
    shift: TimeShift | None = None
    tsc: TscToNs | None = None
    offset: int = 0

    @property
    def plain(self) -> bool:
        """Return whether times stay unchanged."""
        return self.shift is None and self.tsc is None and not self.offset

    def all(self, times: NDArray[np.int64], cpu: int) -> NDArray[np.int64]:
        """Convert times of one CPU, which must increase."""
        if self.shift is not None and cpu < len(self.shift.cpus) and self.shift.cpus[cpu]:
            times = _shifted(times, self.shift.cpus[cpu], interpolate=self.shift.interpolate)
        if self.tsc is not None:
            times = _scaled(times, self.tsc.mult, self.tsc.shift) + self.tsc.offset
        return times + self.offset if self.offset else times

    def one(self, time: int, cpu: int) -> int:
        """Convert one time."""
        return int(self.all(np.array([time], np.int64), cpu)[0])


def clock_of(options: Options, name: str, files: Mapping[int, Contents]) -> Clock:
    """Return the clock of a buffer.

    Args:
        options: those of its file.
        name: name of its trace clock.
        files: all files that are read together, by trace id.
    """
    shift = next((s for s in options.shifts if s.peer in files and s.peer != options.trace_id), None)
    tsc = options.tsc
    if shift is not None and tsc is None:
        tsc = files[shift.peer].options.tsc
    # Each of the two fits into 64 bits, but together they may not.
    offset = max(min(options.offset + (options.date_us or 0) * 1000, _LAST), -_LAST)
    return Clock(name not in _NANOSECONDS and tsc is None, shift, tsc, offset)


def clock_remarks(files: Sequence[Contents]) -> list[str]:
    """Return a remark if records are merged whose times are of different clocks, which no file relates."""
    known = {contents.options.trace_id: contents for contents in files}
    names = {
        "local" if buffer.clock in _SCHEDULER else buffer.clock: None
        for contents in files
        for buffer in contents.buffers
        if any(data.size for data in buffer.cpus)
        and buffer.clock
        and clock_of(contents.options, buffer.clock, known).shift is None
    }
    if len(names) < 2:
        return []
    return [f"the buffers have different clocks, {' and '.join(names)}: their order in time means nothing"]


def _shifted(
    times: NDArray[np.int64], samples: tuple[ClockSample, ...], *, interpolate: bool
) -> NDArray[np.int64]:
    """Convert a guest's times to its host's, by the sample before each or between two samples."""
    if len(samples) == 1:
        return times + samples[0].offset
    at = np.clip(np.searchsorted([s.time for s in samples], times, side="right") - 1, 0, len(samples) - 2)
    out = np.empty_like(times)
    for i in np.unique(at).tolist():
        rows = at == i
        low, high = samples[i], samples[i + 1]
        some = times[rows]
        offset: NDArray[np.int64] | int = low.offset
        span = high.time - low.time
        if interpolate and span:
            # Floating point, because the product of a time and an offset may not fit in 64 bits.
            slope = (high.offset - low.offset) / span
            between = np.clip(np.rint((some - low.time) * slope), -_FARTHEST, _FARTHEST)
            offset = low.offset + between.astype(np.int64)
        if low.scaling not in (0, 1) or low.fraction_bits:
            some = _scaled(some, low.scaling, low.fraction_bits)
        out[rows] = some + offset
    return out


def _scaled(times: NDArray[np.int64], factor: int, shift: int) -> NDArray[np.int64]:
    """Return `times * factor >> shift` without overflow: in two halves, or one by one if necessary."""
    if not 0 <= factor < 1 << 32 or not 0 <= shift < _BITS:
        exact = [(time * factor) >> min(max(shift, 0), 1 << 10) for time in times.tolist()]
        return np.array([min(max(time, -_LAST - 1), _LAST) for time in exact], np.int64)
    high = (times >> 32) * factor
    low = (times & 0xFFFFFFFF).astype(np.uint64) * np.uint64(factor)
    if shift <= 32:
        return (high << (32 - shift)) + (low >> np.uint64(shift)).astype(np.int64)
    return (high + (low >> np.uint64(32)).astype(np.int64)) >> (shift - 32)
