"""The standard streams of a process, even if some are closed.

A caller may have closed one (`>&-`). The next file that is opened, such as a recording, must not get its
number, and failed reads and writes must be errors, not silence.
"""

import io
import os
import sys

from ktrace.storage.named import NamedFile


def open_standard_streams() -> None:
    """Occupy the numbers of closed streams, and make errors name the stream.

    Reading or writing a closed stream fails with "Bad file descriptor", also in child processes.
    Messages to a closed standard error are discarded.
    """
    for fd, flags in enumerate((os.O_WRONLY, os.O_RDONLY, os.O_WRONLY)):
        try:
            os.fstat(fd)
        except OSError:
            os.set_inheritable(os.open(os.devnull, flags), True)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(_NamedInput(0, "rb", closefd=False)))
    if sys.stderr is None:
        sys.stderr = io.TextIOWrapper(io.FileIO(2, "wb", closefd=False), write_through=True)
    was = sys.stdout
    buffer = io.BufferedWriter(NamedFile(1, "standard output", closefd=False))
    if was is None:
        sys.stdout = io.TextIOWrapper(buffer)
    else:
        sys.stdout = io.TextIOWrapper(
            buffer, was.encoding, was.errors, line_buffering=getattr(was, "line_buffering", False)
        )


class _NamedInput(io.FileIO):
    """Standard input, whose errors have its name."""

    def readinto(self, buffer: bytearray, /) -> int:  # type: ignore[override]  # whatever io.FileIO takes
        """Read data. Raises OSError with the name of the stream."""
        try:
            return super().readinto(buffer) or 0
        except OSError as error:
            error.filename = "standard input"
            raise

    def readall(self) -> bytes:
        """Read up to the end. Raises OSError with the name."""
        try:
            return super().readall() or b""
        except OSError as error:
            error.filename = "standard input"
            raise
