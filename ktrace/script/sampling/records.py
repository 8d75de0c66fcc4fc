"""Read the records of a perf event's ring buffer: bytes in, samples out. See perf_event_open(2)."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

SAMPLE_TYPE = 0x1 | 0x2 | 0x4 | 0x80 | 0x1000
"""PERF_SAMPLE_IP, _TID, _TIME, _CPU and _REGS_USER."""

_HEADER = struct.Struct("=IHH")  # type, misc, size
_SAMPLE = struct.Struct("=QIIQIIQ")  # ip, pid, tid, time, cpu, reserved, abi of the registers
_LOST, _COMM, _FORK, _SAMPLE_TYPE = 2, 3, 7, 9
_MODE_MASK, _USER = 7, 2
_TRAILER = 24  # bytes at the end of other records: pid and tid, time, cpu


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample.

    Attributes:
        ts: nanoseconds of CLOCK_MONOTONIC.
        pid, tid: the process and thread that ran; 0 if the processor was idle.
        comm: the thread's name; empty if unknown.
        address: the instruction that was interrupted.
        user: whether it was one of the process, and not of the kernel.
        user_address: the instruction at which the process is, also if it is in the kernel; 0 for none.
    """

    ts: int
    cpu: int
    pid: int
    tid: int
    comm: str
    address: int
    user: bool
    user_address: int


@dataclass(slots=True)
class Records:
    """Collects the records of several buffers, and returns samples in order of time.

    Attributes:
        lost: the number of samples that the kernel dropped.
    """

    lost: int = 0
    _names: dict[int, str] = field(default_factory=lambda: {0: "swapper"})
    _waiting: list[tuple[int, int, int, bytes]] = field(default_factory=list)

    def add(self, data: bytes) -> None:
        """Add whole records. Raises ValueError if they are damaged."""
        at = 0
        while at < len(data):
            kind, misc, size = _HEADER.unpack_from(data, at)
            if size < _HEADER.size or at + size > len(data):
                raise ValueError(f"a perf record of {size} bytes at {at} of {len(data)}")
            body = data[at + _HEADER.size : at + size]
            if kind == _SAMPLE_TYPE:
                (time,) = struct.unpack_from("=Q", body, 16)
            else:
                (time,) = struct.unpack_from("=Q", body, len(body) - _TRAILER + 8)
            self._waiting.append((time, kind, misc, body))
            at += size

    def take(self) -> Iterator[Sample]:
        """Return the samples of what was added, in order of time. Names are those of that time."""
        self._waiting.sort(key=lambda one: one[0])
        for time, kind, misc, body in self._waiting:
            if kind == _SAMPLE_TYPE:
                yield self._sample(time, misc, body)
            elif kind == _COMM:
                _, tid = struct.unpack_from("=II", body)
                self._names[tid] = body[8:-_TRAILER].partition(b"\0")[0].decode("latin-1")
            elif kind == _FORK:
                _, _, tid, parent = struct.unpack_from("=IIII", body)
                if parent in self._names:
                    self._names[tid] = self._names[parent]
            elif kind == _LOST:
                self.lost += struct.unpack_from("=QQ", body)[1]
        self._waiting.clear()

    def _sample(self, time: int, misc: int, body: bytes) -> Sample:
        address, pid, tid, _, cpu, _, abi = _SAMPLE.unpack_from(body)
        user_address = struct.unpack_from("=Q", body, _SAMPLE.size)[0] if abi else 0
        user = misc & _MODE_MASK == _USER
        return Sample(
            time, cpu, pid, tid, self._names.get(tid, ""), address, user, address if user else user_address
        )
