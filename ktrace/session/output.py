"""Where events go: a file whose reader may have stopped reading without going away."""

from typing import BinaryIO

from ktrace.session.signals import StopSignals

_PIECE = 1 << 16


class PatientOutput:
    """A binary file that a signal gets one out of where nobody takes what is written.

    After a signal each piece has a second to be taken. So what is still in the kernel's buffer comes out,
    however long it takes to decode and to write, as long as somebody reads it.

    Args:
        out: the file; it stays open.
    """

    def __init__(self, out: BinaryIO, stop: StopSignals) -> None:
        self._out = out
        self._stop = stop

    def write(self, data: bytes | memoryview) -> int:
        """Write all of it. Raises Interrupted where a signal has come and the file takes no more."""
        view = memoryview(data)
        for at in range(0, len(view), _PIECE):
            with self._stop.may_interrupt():
                self._out.write(view[at : at + _PIECE])
        return len(view)

    def flush(self) -> None:
        """Hand on what the file has buffered. Raises Interrupted as `write` does."""
        with self._stop.may_interrupt():
            self._out.flush()
