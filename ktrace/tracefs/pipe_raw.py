"""`per_cpu/cpuN/trace_pipe_raw`: unchanged pages of the ring buffer, of all CPUs.

See Documentation/trace/ftrace.rst, "trace_pipe_raw". One read(2) returns at most one page. While the kernel
still writes to a page, each read returns what is new in it, so a reader that does not pause copies each page
many times. For this reason a pass over a CPU ends at the first page that is mostly unused.

The kernel has a buffer for each possible CPU. A CPU that is switched off keeps its records, and they are read
as before. A CPU that has had no buffer so far returns an error.
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
_ENOUGH_TOGETHER = 16 << 20  # bytes of all CPUs in a pass: showing them must not take seconds
_FEW = 256 << 10  # minimum bytes of one CPU in a pass
_COMMIT = 8  # offset of the commit word, the same in all kernels
_LENGTH = 0xFFFFF
_MISSED = 1 << 31


@dataclass(frozen=True, slots=True)
class Pass:
    """The data of one CPU when it was read.

    Attributes:
        pages: whole pages.
        drained: whether these are all pages that the CPU had when reading began.
        overwritten: number of records that the kernel had overwritten on this CPU until just after the read;
            None if no page says that records were lost before it.
    """

    cpu: int
    pages: memoryview
    drained: bool
    overwritten: int | None


class RawPipes:
    """The pages of all CPUs of one buffer.

    Args:
        files: those of the instance.
        page: bytes of a page (of a sub-buffer).
        lost: returns the number of records overwritten on a CPU so far; None reads its stats.

    Attributes:
        fd: for poll(2); readable as soon as there is one event, if `buffer_percent` is 0.

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
            raise Busy(f"{files.root}: {error.strerror}", hint="another program may be reading it") from error
        enough = min(_ENOUGH, max(_ENOUGH_TOGETHER // max(len(self._fds), 1), _FEW))
        self._block = bytearray(max(enough // page, 1) * page)

    def read(self) -> list[Pass]:
        """Return the data of each CPU, up to a few MiB each, or nothing. Never waits."""
        self._forget_dead()
        found = []
        for cpu, fd in self._fds.items():
            one = self._drain(cpu, fd)
            if one is not None:
                found.append(one)
        return found

    def close(self) -> None:
        """Close the buffer; a second call does nothing."""
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
        """Read one whole page; return 0 if there is none."""
        at = 0
        while at < len(into):
            try:
                size = os.readv(fd, [into[at:]])
            except (BlockingIOError, InterruptedError):
                size = 0
            except OSError:
                return 0  # a CPU without a buffer so far
            if not size:
                break
            at += size
        if at:
            into[at:] = bytes(len(into) - at)
        return at

    def _forget_dead(self) -> None:
        """Stop polling descriptors that are always ready because of an error; they are still read."""
        for fd, events in self._epoll.poll(0):
            if events & select.EPOLLERR and not events & select.EPOLLIN:
                with suppress(OSError):
                    self._epoll.unregister(fd)


def overwritten(files: Files, cpu: int) -> int:
    """Return the number of records overwritten on a CPU, from its stats."""
    return parse_stats(cpu, files.read(f"per_cpu/cpu{cpu}/stats")).overrun
