"""`per_cpu/cpuN/trace_pipe_raw`: pages of the ring buffer as they are, of all CPUs.

See Documentation/trace/ftrace.rst, "trace_pipe_raw". One read(2) gives one page at most. While the
kernel still writes to that page it hands out what has come since, again and again: who reads without a
pause copies each page many times. So a pass over a CPU ends at a page of which little is used.

The kernel keeps a buffer for each CPU that it may ever have: a CPU that is switched off keeps its
records, and they are read as before. One that has had no buffer so far says so by an error.
"""

import os
import select
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from ktrace.errors import Busy
from ktrace.tracefs.files import Files
from ktrace.tracefs.stats import cpus_of, parse_stats

_ENOUGH = 4 << 20  # bytes of one CPU in a pass
_ENOUGH_TOGETHER = 16 << 20  # bytes of all CPUs in a pass: what it takes to show them must not take seconds
_FEW = 256 << 10  # bytes of one CPU that a pass takes at least
_COMMIT = 8  # where the commit word stands; all kernels have it there
_LENGTH = 0xFFFFF
_MISSED = 1 << 31


@dataclass(frozen=True, slots=True)
class Pass:
    """What one CPU had when it was read.

    Attributes:
        pages: whole pages.
        drained: whether that was all that was there when the reading of it began.
        overwritten: how many records the kernel had overwritten on this CPU until just after they were
            read; None where none of them says that records were lost before it.
    """

    cpu: int
    pages: memoryview
    drained: bool
    overwritten: int | None


class RawPipes:
    """The pages of all CPUs of one buffer.

    Args:
        files: of the instance.
        page: bytes of a page (of a sub-buffer).
        lost: how many records the kernel has overwritten on a CPU by now; None reads its stats.

    Attributes:
        fd: to poll; readable as soon as there is one event, where `buffer_percent` is 0.

    Raises:
        Busy: somebody else holds the buffer.
    """

    def __init__(self, files: Files, page: int, lost: Callable[[int], int] | None = None) -> None:
        self._page = page
        self._lost = lost or (lambda cpu: overwritten(files, cpu))
        self._fds: dict[int, int] = {}
        self._epoll = select.epoll()
        self.fd = self._epoll.fileno()
        try:
            for cpu in cpus_of(files):
                self._fds[cpu] = files.stream(f"per_cpu/cpu{cpu}/trace_pipe_raw")
                self._epoll.register(self._fds[cpu], select.EPOLLIN)
        except OSError as error:
            self.close()
            raise Busy(f"{files.root}: {error.strerror}", hint="does somebody read it?") from error
        enough = min(_ENOUGH, max(_ENOUGH_TOGETHER // max(len(self._fds), 1), _FEW))
        self._block = bytearray(max(enough // page, 1) * page)

    def read(self) -> list[Pass]:
        """What each CPU has now, up to some MiB of each; empty where nothing is. Never waits."""
        self._forget_dead()
        found = []
        for cpu, fd in self._fds.items():
            one = self._drain(cpu, fd)
            if one is not None:
                found.append(one)
        return found

    def close(self) -> None:
        """Let go of the buffer; a second call does nothing."""
        for fd in self._fds.values():
            os.close(fd)
        self._fds.clear()
        self._epoll.close()

    def _drain(self, cpu: int, fd: int) -> Pass | None:
        page, block = self._page, memoryview(self._block)
        at = 0
        lost = drained = False
        while at < len(block) and not drained:
            size = self._read_page(fd, block[at : at + page])
            if not size:
                drained = True
                break
            word = int.from_bytes(block[at + _COMMIT : at + _COMMIT + 4], sys.byteorder)
            lost = lost or bool(word & _MISSED)
            drained = (word & _LENGTH) < page // 2
            at += page
        if not at:
            return None
        return Pass(cpu, memoryview(bytes(block[:at])), drained, self._lost(cpu) if lost else None)

    @staticmethod
    def _read_page(fd: int, into: memoryview) -> int:
        """One whole page; 0 where there is none."""
        at = 0
        while at < len(into):
            try:
                size = os.readv(fd, [into[at:]])
            except (BlockingIOError, InterruptedError):
                size = 0
            except OSError:
                return 0  # a CPU that has no buffer yet
            if not size:
                break
            at += size
        if at:
            into[at:] = bytes(len(into) - at)
        return at

    def _forget_dead(self) -> None:
        """Do not poll what is always ready because it has failed; it is still read."""
        for fd, events in self._epoll.poll(0):
            if events & select.EPOLLERR and not events & select.EPOLLIN:
                with suppress(OSError):
                    self._epoll.unregister(fd)


def overwritten(files: Files, cpu: int) -> int:
    """How many records the kernel has overwritten on a CPU, by its stats."""
    return parse_stats(cpu, files.read(f"per_cpu/cpu{cpu}/stats")).overrun
