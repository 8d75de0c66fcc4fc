"""Write a run's output to files and streams whose reader may stop reading without going away."""

import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, TextIO

from ktrace.errors import Interrupted
from ktrace.session.signals import StopSignals

_PIECE = 1 << 16
_NAMES = {1: "standard output", 2: "standard error"}


class PatientOutput:
    """A binary file that does not block a run for long after its end, even if nobody reads it.

    The time that a run waits for a reader after its end is limited: see `StopSignals.may_interrupt`. Then the
    file is abandoned: buffered and later data go to /dev/null, so that closing it cannot block.

    Args:
        out: the file; it stays open.
    """

    def __init__(self, out: BinaryIO, stop: StopSignals) -> None:
        self._out = out
        self._stop = stop

    def write(self, data: bytes | memoryview) -> int:
        """Write all of it. Raises Interrupted if the run has ended and the file accepts no more."""
        view = memoryview(data)
        with _given_up_when_stuck(self._out):
            for at in range(0, len(view), _PIECE):
                with self._stop.may_interrupt():
                    self._out.write(view[at : at + _PIECE])
        return len(view)

    def flush(self) -> None:
        """Write buffered data. Raises Interrupted as `write` does."""
        with _given_up_when_stuck(self._out), self._stop.may_interrupt():
            self._out.flush()


@contextmanager
def patient_streams(stop: StopSignals) -> Iterator[None]:
    """Wrap standard output and standard error, so that they do not block a run for long after its end.

    Streams without a descriptor, such as those of a test, are left alone.
    """
    before = sys.stdout, sys.stderr
    made = [_patient(stream, stop) for stream in before]
    sys.stdout, sys.stderr = made
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        for stream, old in zip(made, before, strict=True):
            if stream is not old:
                with suppress(Interrupted):
                    stream.flush()


def _patient(stream: TextIO, stop: StopSignals) -> TextIO:
    try:
        fd = stream.fileno()
        stream.flush()
    except (OSError, ValueError, AttributeError):  # None if it is closed
        return stream
    through = getattr(stream, "write_through", False)
    return io.TextIOWrapper(
        _Raw(fd, stop) if through else io.BufferedWriter(_Raw(fd, stop)),  # type: ignore[type-var]  # raw will do
        stream.encoding,
        stream.errors or "strict",
        line_buffering=getattr(stream, "line_buffering", False),
        write_through=through,
    )


class _Raw(io.RawIOBase):
    """A descriptor that belongs to the caller, so it stays open."""

    def __init__(self, fd: int, stop: StopSignals) -> None:
        self._fd = fd
        self._stop = stop

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return os.isatty(self._fd)

    def writable(self) -> bool:
        return True

    def write(self, data: "io.ReadableBuffer") -> int:  # type: ignore[name-defined]
        view = memoryview(data).cast("B")[:_PIECE]
        with _given_up_when_stuck(self), self._stop.may_interrupt():
            while True:
                try:
                    return os.write(self._fd, view)
                except BlockingIOError:
                    poll = select.poll()
                    poll.register(self._fd, select.POLLOUT)
                    poll.poll()
                except OSError as error:
                    error.filename = _NAMES.get(self._fd)
                    raise


@contextmanager
def _given_up_when_stuck(out: "BinaryIO | _Raw") -> Iterator[None]:
    try:
        yield
    except Interrupted:
        with suppress(OSError, ValueError):  # it has no descriptor
            give_up(out.fileno())
        raise


def give_up(fd: int) -> None:
    """Discard everything that is written to a descriptor from now on."""
    null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.dup2(null, fd, inheritable=fd <= 2)
    finally:
        os.close(null)
