"""Perf events: what the kernel is asked for, and its refusals."""

import os
import struct

import pytest

from ktrace.errors import Unavailable
from ktrace.script.sampling.perf_events import Event, PerfEvents
from ktrace.script.sampling.records import Records
from tests.unit.unable import unable


def test_the_attribute_of_a_clock_and_of_a_watchpoint() -> None:
    clock = Event(1000).attribute(8)
    assert len(clock) == 112 and struct.unpack_from("=IIQQ", clock) == (1, 112, 0, 1000)
    assert struct.unpack_from("=IQQQQ", clock, 52) == (0, 0, 0, 0, 1 << 8)
    often = Event(0, type=1, config=2, hz=99).attribute(8)
    assert struct.unpack_from("=IIQQ", often) == (1, 112, 2, 99)
    is_rate = 1 << 10
    assert struct.unpack_from("=Q", often, 40)[0] ^ struct.unpack_from("=Q", clock, 40)[0] == is_rate
    watch = Event(1, -(1 << 63), 4, reads=True).attribute(8)
    assert struct.unpack_from("=I", watch)[0] == 5
    assert struct.unpack_from("=IQQ", watch, 52) == (3, 1 << 63, 4)
    assert struct.unpack_from("=I", Event(1, 1).attribute(8), 52) == (2,)


def test_an_unknown_machine() -> None:
    with pytest.raises(Unavailable, match="not known for m68k"), PerfEvents(Event(1), "m68k", [0]):
        pass


def test_a_processor_that_is_not_there() -> None:
    with (
        pytest.raises(Unavailable, match="perf events failed"),
        PerfEvents(Event(1), os.uname().machine, [1 << 20]),
    ):
        pass


def test_samples_come_only_after_the_first_drain() -> None:
    records = Records()
    try:
        events = PerfEvents(Event(1_000_000), os.uname().machine, [0]).__enter__()
    except Unavailable as error:
        unable(str(error))
    try:
        events.drain(records)
        assert not list(records.take())
        found = []
        for _ in range(1000):
            sum(range(100_000))
            events.drain(records)
            found += records.take()
            if len(found) > 5:
                break
        assert len(found) > 5 and all(one.cpu == 0 for one in found)
        assert [one.ts for one in found] == sorted(one.ts for one in found)
    finally:
        events.__exit__()
