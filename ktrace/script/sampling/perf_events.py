"""Perf events of this machine: open them on every processor, and drain their ring buffers.

perf_event_open(2) has no wrapper in the C library. A software clock is sampled, or accesses to a variable by
a hardware watchpoint.
"""

import ctypes
import errno
import fcntl
import mmap
import os
import struct
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from ktrace.errors import Unavailable
from ktrace.script.sampling.records import SAMPLE_TYPE, Records

# The number of perf_event_open, and that of the register with the next instruction in PERF_SAMPLE_REGS_USER.
_MACHINES = {
    "x86_64": (298, 8),
    "aarch64": (241, 32),
    "riscv64": (241, 0),
    "ppc64le": (319, 32),
    "s390x": (331, 33),
    "loongarch64": (241, 0),
}
_ATTRIBUTE = struct.Struct("=IIQQQQQIIQQQQIiQIHH")
_BREAKPOINT = 5
_FLAGS = 1 | 1 << 9 | 1 << 13 | 1 << 18 | 1 << 25  # disabled, comm, task, sample_id_all, use_clockid
_FREQUENCY = 1 << 10
_MONOTONIC = 1
_CLOSE_ON_EXEC = 8
_ENABLE = 0x2400
_HEAD, _TAIL = 1024, 1032  # offsets in the first page
_PAGES = 64


@dataclass(frozen=True, slots=True)
class Event:
    """The clock, another event, or accesses to a variable that are sampled.

    Attributes:
        period: the events between two samples, which are nanoseconds for the clock; 1 for a watchpoint.
        type, config: the event, if it is not a watchpoint.
        hz: the samples a second, in place of a period; 0 for none.
        address, length: the variable of a watchpoint, in bytes; None for the clock.
        reads: whether reading it counts, too.
    """

    period: int
    address: int | None = None
    length: int = 8
    reads: bool = False
    type: int = 1
    config: int = 0
    hz: int = 0

    def attribute(self, register: int) -> bytes:
        """Return the `struct perf_event_attr`."""
        watched = self.address is not None
        return _ATTRIBUTE.pack(
            _BREAKPOINT if watched else self.type,
            _ATTRIBUTE.size,
            0 if watched else self.config,
            self.hz or self.period,
            SAMPLE_TYPE,
            0,
            _FLAGS | (_FREQUENCY if self.hz else 0),
            0,
            (3 if self.reads else 2) if watched else 0,
            (self.address or 0) & (1 << 64) - 1,
            self.length if watched else 0,
            0,
            1 << register,
            0,
            _MONOTONIC,
            0,
            0,
            0,
            0,
        )


@dataclass(slots=True)
class PerfEvents:
    """One event on every processor. It is enabled by the first `drain`.

    Args:
        machine: of uname(2).
        cpus: the processors that are online.
    """

    event: Event
    machine: str
    cpus: Iterable[int]
    _fds: list[int] = field(default_factory=list)
    _maps: list[mmap.mmap] = field(default_factory=list)
    _enabled: bool = False

    def __enter__(self) -> "PerfEvents":
        """Open the events. Raises Unavailable if the kernel refuses."""
        if self.machine not in _MACHINES:
            raise Unavailable(f"perf events are not known for {self.machine}")
        number, register = _MACHINES[self.machine]
        attribute = ctypes.create_string_buffer(self.event.attribute(register))
        library = ctypes.CDLL(None, use_errno=True)
        try:
            for cpu in self.cpus:
                arguments = (number, attribute, -1, cpu, -1, _CLOSE_ON_EXEC)
                fd = library.syscall(*(ctypes.c_long(a) if isinstance(a, int) else a for a in arguments))
                if fd < 0:
                    raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
                self._fds.append(fd)
                self._maps.append(mmap.mmap(fd, (1 + _PAGES) * mmap.PAGESIZE))
        except OSError as error:
            self.__exit__()
            raise Unavailable(f"perf events failed: {_reason(error)}") from None
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._maps:
            one.close()
        for fd in self._fds:
            with suppress(OSError):
                os.close(fd)
        self._maps, self._fds = [], []

    def drain(self, into: Records) -> None:
        """Move the records from the buffers into `into`."""
        if not self._enabled:
            self._enabled = True
            for fd in self._fds:
                fcntl.ioctl(fd, _ENABLE, 0)
        for one in self._maps:
            head, tail = (struct.unpack_from("=Q", one, at)[0] for at in (_HEAD, _TAIL))
            size = _PAGES * mmap.PAGESIZE
            first, last = tail % size, tail % size + head - tail
            data = one[mmap.PAGESIZE + first : mmap.PAGESIZE + min(last, size)]
            if last > size:
                data += one[mmap.PAGESIZE : mmap.PAGESIZE + last - size]
            struct.pack_into("=Q", one, _TAIL, head)
            into.add(data)


def _reason(error: OSError) -> str:
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return f"{error.strerror}: root and CAP_PERFMON may sample"
        case errno.ENOSPC:
            return "all hardware watchpoints are in use"
        case errno.ENOENT | errno.EOPNOTSUPP | errno.ENODEV:
            return "this processor has none"
        case errno.EINVAL:
            return "the processor cannot watch this address and length"
    return error.strerror or "unknown"
