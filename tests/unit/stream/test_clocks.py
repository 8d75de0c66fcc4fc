from dataclasses import replace

import numpy as np
import pytest

from ktrace.stream.clocks import Clock, clock_of, clock_remarks
from ktrace.tracedat.contents import Buffer, ClockSample, Contents, CpuData, Options, TimeShift, TscToNs
from tests.unit.tracedat.build import contents


def shifted(times: list[int], shift: TimeShift, cpu: int = 0) -> list[int]:
    return Clock(shift=shift).all(np.array(times, np.int64), cpu).tolist()


@pytest.mark.parametrize(
    ("name", "ticks"),
    [("mono", False), ("", False), ("local", False), ("tai", False), ("x86-tsc", True), ("counter", True),
     ("uptime", True), ("ppc-tb", True)],
)  # fmt: skip
def test_clocks_that_count_something_else(name: str, ticks: bool) -> None:
    clock = clock_of(Options(), name, {})
    assert clock.ticks is ticks and clock.plain


def test_ticks_with_a_factor_are_nanoseconds() -> None:
    """Products beyond 64 bits, too: an hour of a 3 GHz counter."""
    clock = clock_of(Options(tsc=TscToNs(5592405, 24, 100), offset=-7, date_us=3), "x86-tsc", {})
    assert not clock.ticks
    for ticks in (0, 1, 56504676040, 3 * 10**9 * 3600 * 24 * 365):
        assert clock.one(ticks, 0) == (ticks * 5592405 >> 24) + 100 + 3000 - 7


def test_shifts_beyond_32_bits() -> None:
    clock = Clock(tsc=TscToNs(4_000_000_000, 40, 0))
    assert abs(clock.one(10**15, 0) - (10**15 * 4_000_000_000 >> 40)) <= 1


def test_one_sample() -> None:
    assert shifted([5, 50], TimeShift(1, False, ((ClockSample(10, -3, 1),),))) == [2, 47]


def test_each_by_the_sample_before_it() -> None:
    samples = (ClockSample(10, 100, 1), ClockSample(20, 200, 1), ClockSample(30, 300, 1))
    assert shifted([1, 10, 19, 20, 35], TimeShift(1, False, (samples,))) == [101, 110, 119, 220, 235]


def test_on_a_line_between_two() -> None:
    samples = (ClockSample(0, 100, 1), ClockSample(10, 200, 1))
    assert shifted([0, 5, 10, 20], TimeShift(1, True, (samples,))) == [100, 155, 210, 320]


def test_scaled_times() -> None:
    samples = (ClockSample(0, 5, 3, 1), ClockSample(10, 5, 3, 1))
    assert shifted([4, 8], TimeShift(1, False, (samples,))) == [11, 17]


def test_a_cpu_of_which_nothing_is_known() -> None:
    shift = TimeShift(1, False, ((ClockSample(0, 5, 1),), ()))
    assert shifted([4], shift, 1) == [4] and shifted([4], shift, 9) == [4]


def test_a_guest_is_shifted_only_beside_its_host() -> None:
    host = Contents(6, "little", 8, 4096, options=Options(trace_id=9, tsc=TscToNs(2, 0, 0)))
    shift = TimeShift(9, False, ((ClockSample(0, 5, 1),),))
    guest = Options(trace_id=10, shifts=(shift,))
    assert clock_of(guest, "x86-tsc", {10: host}).shift is None
    clock = clock_of(guest, "x86-tsc", {9: host})
    assert clock.shift is shift and clock.one(1, 0) == 12 and not clock.ticks


def test_offset_and_date_together_do_not_fit() -> None:
    for sign in (1, -1):
        clock = clock_of(Options(offset=sign << 62, date_us=sign * ((1 << 62) // 1000)), "local", {})
        assert clock.one(0, 0) * sign > 1 << 62
    clock = clock_of(Options(offset=1 << 62, date_us=(1 << 62) // 1000 + 1), "local", {})
    assert clock.one(-1, 0) > 1 << 62


@pytest.mark.parametrize(
    ("clocks", "told"),
    [(["mono"], False), (["mono", "mono"], False), (["mono", ""], False), (["local", "global"], False),
     (["mono", "boot"], True), (["local", "x86-tsc"], True)],
)  # fmt: skip
def test_clocks_that_cannot_be_compared_are_told(clocks: list[str], told: bool) -> None:
    buffers = tuple(Buffer("", clock, 4096, False, (CpuData(0, 0, 4096),)) for clock in clocks)
    remarks = clock_remarks([contents(buffers=buffers)])
    assert bool(remarks) is told
    assert all(clock in remark for remark in remarks for clock in clocks)
    empty = tuple(replace(buffer, cpus=()) for buffer in buffers)
    assert clock_remarks([contents(buffers=empty)]) == []


def test_a_guest_with_its_host_has_the_same_clock() -> None:
    host = contents(
        options=Options(trace_id=1), buffers=(Buffer("", "x86-tsc", 4096, False, (CpuData(0, 0, 4096),)),)
    )
    shift = TimeShift(1, False, ((ClockSample(10, -3, 1),),))
    guest = contents(
        options=Options(trace_id=2, shifts=(shift,)),
        buffers=(Buffer("", "kvm", 4096, False, (CpuData(0, 0, 4096),)),),
    )
    assert clock_remarks([host, guest]) == [] and clock_remarks([guest]) == []
