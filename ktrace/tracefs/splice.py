"""Move pages of the ring buffer to files with splice(2), without looking at them.

See Documentation/trace/ftrace.rst, "trace_pipe_raw". splice returns only full pages, many in one call. The
page that is being filled is read with read(2) when recording has stopped.
"""

import errno
import fcntl
import os
from collections.abc import Callable
from types import TracebackType

from ktrace.tracefs.files import Files

_PIPE = 1 << 20  # bytes in a pipe; more needs a privilege that containers lack
_AT_ONCE = 1 << 25  # bytes of one CPU before the next CPU's turn


class Mover:
    """Moves the full pages of CPUs to files. For use by a single thread.

    Args:
        files: those of the instance.
        page_size: bytes of a sub-buffer.
        cpus: the CPUs whose buffers are read.
        open_output: opens the file for a CPU's pages when the first page arrives; `close` closes it.

    Attributes:
        fds: by CPU, for poll(2): readable when its buffer is `buffer_percent` full.
        moved: by CPU, bytes in its file.
    """

    def __init__(
        self, files: Files, page_size: int, cpus: list[int], open_output: Callable[[int], int]
    ) -> None:
        self._page_size = page_size
        self._open_output = open_output
        self._outputs: dict[int, int] = {}
        self._in_pipe: tuple[int, int] | None = None  # a CPU and the number of its bytes in the pipe
        self.fds: dict[int, int] = {}
        self.moved: dict[int, int] = {}
        self._read, self._write = os.pipe2(os.O_CLOEXEC)
        try:
            self._capacity = _enlarge(self._write, max(page_size, _PIPE))
            for cpu in cpus:
                self.fds[cpu] = files.stream(f"per_cpu/cpu{cpu}/trace_pipe_raw")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "Mover":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def size(self) -> int:
        """Return the number of bytes in all files."""
        return sum(self.moved.values())

    def move(self, cpu: int) -> int:
        """Move the full pages that a CPU has now; return their bytes. Never waits for events.

        Raises:
            OSError: the file cannot be written: ENOSPC if the disk is full. The rest is kept for
                `finish_move`.
        """
        before = self.moved.get(cpu, 0)
        while self.moved.get(cpu, 0) - before < _AT_ONCE:
            try:
                taken = os.splice(self.fds[cpu], self._write, self._capacity, flags=os.SPLICE_F_NONBLOCK)
            except BlockingIOError:
                break
            if not taken:
                break
            self._in_pipe = (cpu, taken)
            self.finish_move()
        return self.moved.get(cpu, 0) - before

    def finish_move(self) -> None:
        """Write the rest of the last move."""
        while self._in_pipe is not None:
            cpu, left = self._in_pipe
            written = os.splice(self._read, self._output(cpu), left)
            self._note(cpu, written)
            self._in_pipe = (cpu, left - written) if written < left else None

    def rest(self, cpu: int) -> int:
        """Move the remaining pages, with the partial one, after recording has been switched off."""
        before = self.moved.get(cpu, 0)
        self.move(cpu)
        while True:
            try:
                page = os.read(self.fds[cpu], self._page_size)
            except BlockingIOError:
                break
            if not page:
                break
            self._write_out(cpu, page)
        return self.moved.get(cpu, 0) - before

    def close(self) -> None:
        """Close everything; a second call does nothing."""
        for fd in (*self.fds.values(), *self._outputs.values(), self._read, self._write):
            if fd >= 0:
                os.close(fd)
        self.fds.clear()
        self._outputs.clear()
        self._read = self._write = -1

    def _write_out(self, cpu: int, page: bytes) -> None:
        view = memoryview(page)
        while view:
            written = os.write(self._output(cpu), view)
            self._note(cpu, written)
            view = view[written:]

    def _output(self, cpu: int) -> int:
        if cpu not in self._outputs:
            self._outputs[cpu] = self._open_output(cpu)
        return self._outputs[cpu]

    def _note(self, cpu: int, written: int) -> None:
        self.moved[cpu] = self.moved.get(cpu, 0) + written


def _enlarge(pipe: int, size: int) -> int:
    """Enlarge a pipe to `size` bytes, or as far as allowed; return its size."""
    try:
        return fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, size)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EBUSY):
            raise
        return fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
