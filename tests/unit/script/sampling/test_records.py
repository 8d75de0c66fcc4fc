"""Records of perf events, as the kernel writes them."""

import struct

import pytest

from ktrace.script.sampling.records import Records, Sample


def record(kind: int, misc: int, body: bytes) -> bytes:
    return struct.pack("=IHH", kind, misc, 8 + len(body)) + body


def trailer(time: int) -> bytes:
    return struct.pack("=IIQII", 1, 1, time, 0, 0)


def sample(time: int, tid: int, *, ip: int = 0x10, user: bool = False, registers: int | None = 0x20) -> bytes:
    body = struct.pack("=QIIQII", ip, tid, tid, time, 3, 0)
    body += struct.pack("=Q", 0) if registers is None else struct.pack("=QQ", 2, registers)
    return record(9, 2 if user else 1, body)


def named(time: int, tid: int, name: bytes) -> bytes:
    return record(3, 0, struct.pack("=II", tid, tid) + name.ljust(16, b"\0") + trailer(time))


def forked(time: int, tid: int, parent: int) -> bytes:
    return record(7, 0, struct.pack("=IIIIQ", tid, parent, tid, parent, time) + trailer(time))


def test_samples_of_all_buffers_in_order_with_the_names_of_their_time() -> None:
    records = Records()
    records.add(sample(10, 7) + named(20, 7, b"ls") + sample(30, 7, ip=0x99, user=True))
    records.add(forked(25, 8, 7) + sample(26, 8, registers=None) + sample(5, 0))
    assert list(records.take()) == [
        Sample(5, 3, 0, 0, "swapper", 0x10, user=False, user_address=0x20),
        Sample(10, 3, 7, 7, "", 0x10, user=False, user_address=0x20),
        Sample(26, 3, 8, 8, "ls", 0x10, user=False, user_address=0),
        Sample(30, 3, 7, 7, "ls", 0x99, user=True, user_address=0x99),
    ]
    assert list(records.take()) == [] and records.lost == 0


def test_lost_samples_are_counted_and_other_records_passed_over() -> None:
    records = Records()
    records.add(record(2, 0, struct.pack("=QQ", 1, 5) + trailer(1)) + record(99, 0, trailer(2)))
    assert list(records.take()) == [] and records.lost == 5


@pytest.mark.parametrize("data", [struct.pack("=IHH", 9, 0, 100), struct.pack("=IHH", 9, 0, 0)])
def test_damaged_records(data: bytes) -> None:
    with pytest.raises(ValueError, match="a perf record of"):
        Records().add(data)
