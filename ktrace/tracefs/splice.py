"""Pages of the ring buffer moved to files by splice(2), without looking into them.

See Documentation/trace/ftrace.rst, "trace_pipe_raw". splice hands out whole pages alone, and many in one
call; the page that is being filled comes by read(2), when nothing more is written to it.
"""

import errno
import fcntl
import os
from collections.abc import Callable
from types import TracebackType

from ktrace.tracefs.files import Files

_PIPE = 1 << 20  # bytes that a pipe may hold; more needs a privilege that containers lack
_AT_ONCE = 1 << 25  # bytes of one CPU before the others have their turn


class Mover:
    """Moves what CPUs have filled to files. One thread alone uses it.

    Args:
        files: of the instance.
        page_size: bytes of a sub-buffer.
        cpus: whose buffers.
        open_output: opens the file for a CPU's pages, when the first of them comes; closed by `close`.

    Attributes:
        fds: by CPU, what to poll: readable when `buffer_percent` of its buffer is filled.
        moved: by CPU, bytes in its file.
    """

    def __init__(
        self, files: Files, page_size: int, cpus: list[int], open_output: Callable[[int], int]
    ) -> None:
        self._page_size = page_size
        self._open_output = open_output
        self._outputs: dict[int, int] = {}
        self._in_pipe: tuple[int, int] | None = None  # a CPU and its bytes that wait in the pipe
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
        """Bytes in all files."""
        return sum(self.moved.values())

    def move(self, cpu: int) -> int:
        """Move the full pages that a CPU has now; returns their bytes. Never waits for events.

        Raises:
            OSError: the file cannot take them: ENOSPC where the disk is full. What it did not take waits
                for `finish_move`.
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
        """Write what the last move could not."""
        while self._in_pipe is not None:
            cpu, left = self._in_pipe
            written = os.splice(self._read, self._output(cpu), left)
            self._note(cpu, written)
            self._in_pipe = (cpu, left - written) if written < left else None

    def rest(self, cpu: int) -> int:
        """Move what is left when recording has been switched off, with the page that is not full."""
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
        """Let go of everything; a second call does nothing."""
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
    """Make a pipe hold `size` bytes, or as many as it may; returns what it holds."""
    try:
        return fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, size)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EBUSY):
            raise
        return fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ)
