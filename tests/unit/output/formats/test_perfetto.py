"""The bytes against the wire format and the numbers of Perfetto's protos, written out here once more.

tests/perfetto has Perfetto's own trace processor read them.
"""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.model.batch import Chunk, Lost, Stack
from ktrace.model.column import Strings
from ktrace.output.formats.perfetto import Perfetto
from ktrace.output.formats.protobuf import message, number, text, varint
from tests.unit.output.batches import INVALID, batch, everything
from tests.unit.output.formats.test_chrome import entry, leave


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data):
    """Number and value of each field: an integer or bytes."""
    at, found = 0, []
    while at < len(data):
        key, at = read_varint(data, at)
        value, at = read_varint(data, at)
        if key & 7 == 2:
            value, at = data[at : at + value], at + value
        else:
            assert key & 7 == 0
        found.append((key >> 3, value))
    assert at == len(data)
    return found


@given(st.integers(-(2**63), 2**64 - 1))
def test_varints(value):
    data = varint(value)
    assert read_varint(data, 0) == (value % 2**64, len(data))


def test_fields():
    data = message(1, number(2, 300), text(3, "é"), message(4))
    assert fields(data) == [(1, bytes.fromhex("10ac02 1a02c3a9 2200"))]
    assert fields(fields(data)[0][1]) == [(2, 300), (3, "é".encode()), (4, b"")]


class Trace:
    """Return the contents of the packets, with names resolved."""

    def __init__(self, *chunks):
        out = io.BytesIO()
        sink = Perfetto(out)
        for chunk in chunks:
            sink.write(chunk)
        sink.close()
        self.events, self.tracks, self.names = [], {}, {}
        packets = [dict(fields(value)) for number_, value in fields(out.getvalue()) if number_ == 1]
        assert packets[0] == {10: 1, 13: 1}
        for packet in packets[1:]:
            assert packet.pop(10) == 1
            if 12 in packet:
                [(kind, entry_)] = fields(packet[12])
                found = dict(fields(entry_))
                self.names[kind, found[1]] = found[2].decode()
            elif 60 in packet:
                track = dict(fields(packet[60]))
                self.tracks[track[1]] = track
            else:
                assert packet[13] == 2
                self.events.append(self.event(packet[8], fields(packet[11])))

    def event(self, ts, event):
        one = dict(event)
        assert one[11] in self.tracks
        args = [self.arg(value) for field, value in event if field == 4]
        return (one[9], ts, self.names.get((2, one.get(10))), self.thread(one[11]), args)

    def arg(self, data):
        (field, iid), *values = fields(data)
        assert field == 1
        return self.names[3, iid], [self.value(v) for v in values]

    def value(self, value):
        field, content = value
        return (field, [self.value(v) for v in fields(content)]) if field == 12 else (field, content)

    def thread(self, uuid):
        track = self.tracks[uuid]
        if 4 not in track:
            return track[2].decode()
        thread = dict(fields(track[4]))
        process = dict(fields(self.tracks[track[5]][3]))
        assert process[1] == thread[1]
        return (process[6].decode(), thread[5].decode(), thread[1], thread[2])


def test_a_slice_begins_and_ends_on_its_thread():
    trace = Trace(Chunk((entry("f", [1], count=np.array([5])), leave("f", [4], ret=np.array([-1])))))
    sh = ("sh", "sh", 7, 7)
    assert trace.events == [
        (1, 1000, "f", sh, [("count", [(4, 5)])]),
        (2, 4000, None, sh, [("ret", [(4, 2**64 - 1)])]),
    ]


def test_outer_one_first_when_both_begin_together():
    chunk = Chunk((entry("f", [1], ts=[9]), entry("g", [2], ts=[9]), leave("g", [3]), leave("f", [4])))
    assert [event[:3] for event in Trace(chunk).events] == [
        (1, 9, "f"), (1, 9, "g"), (2, 3000, None), (2, 4000, None),
    ]  # fmt: skip


def test_names_are_known_before_they_are_used_even_if_a_slice_waits():
    """Events inside an open slice are written later; a name used there first may be used elsewhere before."""
    inner = (entry("g", [2], ts=[9], n=np.array([1])), leave("g", [3]))
    chunk = Chunk((entry("f", [1], ts=[9]), *inner, entry("g", [4], pid=[8]), leave("g", [5], pid=[8])))
    assert [event[2] for event in Trace(chunk, Chunk((leave("f", [6]),))).events] == [
        "g",
        None,
        "f",
        "g",
        None,
        None,
    ]


def test_arguments_of_every_kind():
    part = batch(
        u=np.array([2**63 - 1], np.uint64), big=np.array([2**64 - 1], np.uint64), s=np.array([-1]),
        t=Strings.of([INVALID]), fault=Strings.of([None]), a=np.array([[1, 2]], np.uint8),
    )  # fmt: skip
    [event] = Trace(Chunk((part,))).events
    assert event[0] == 3
    assert event[4] == [
        ("u", [(3, 2**63 - 1)]), ("big", [(7, 2**64 - 1)]), ("s", [(4, 2**64 - 1)]),
        ("t", [(6, b"caf\\xe9")]), ("fault", [(6, b"(fault)")]), ("a", [(12, [(3, 1)]), (12, [(3, 2)])]),
    ]  # fmt: skip


def test_threads_of_a_process_and_a_thread_that_takes_another_name():
    """A track has one name, the last one; the process is called as its first thread is."""
    part = batch(seq=[0, 1, 2], pid=[8, 7, 7], comm=["worker", "sh", "ls"], tgid=np.array([7] * 3, np.int32))
    assert [event[3] for event in Trace(Chunk((part,))).events] == [
        ("ls", "worker", 7, 8), ("ls", "ls", 7, 7), ("ls", "ls", 7, 7),
    ]  # fmt: skip


def test_cpus_without_a_task_have_tracks_of_their_own():
    trace = Trace(Chunk((batch(seq=[0, 1], pid=[0, 0], cpu=[0, 3]),)))
    assert [event[3] for event in trace.events] == ["swapper/0", "swapper/3"]


def test_marks():
    marks = (Lost(0, 1, 12), Stack(1, 5000, 0, 7, "sh", True, ("main",)), Lost(2, None, None))
    trace = Trace(Chunk((), marks))
    assert [event[:4] for event in trace.events] == [
        (3, 5000, "lost 12 events", "lost events"),
        (3, 5000, "user stack", ("sh", "sh", 7, 7)),
        (3, 5000, "lost events", "lost events"),
    ]
    assert trace.events[1][4] == [("frames", [(12, [(6, b"main")])])]


@pytest.mark.parametrize("rows", [1, 500])
def test_everything(rows):
    chunk = everything(rows)
    assert len(Trace(chunk).events) == len(chunk) + len(chunk.marks)


@pytest.mark.parametrize(
    ("state", "number_"), [(0, 0), (1, 1), (0x20, 0x20), (0x40, 0x200), (0x80, 0x402), (0x100, 0x800)]
)
def test_states_are_those_of_a_kernel_that_is_not_named(state, number_):
    names, zeros = Strings.of(["a"]), np.array([0])
    switch = batch(
        "sched_switch", prev_comm=names, prev_pid=np.array([8]), prev_prio=zeros,
        prev_state=np.array([state]), next_comm=names, next_pid=zeros, next_prio=zeros,
    )  # fmt: skip
    out = io.BytesIO()
    sink = Perfetto(out)
    sink.write(Chunk((switch,)))
    sink.close()
    bundles = [dict(fields(packet))[1] for _, packet in fields(out.getvalue()) if 1 in dict(fields(packet))]
    event = dict(fields(dict(fields(bundles[0]))[2]))
    assert dict(fields(event[4]))[4] == number_


def test_nothing():
    assert Trace().events == []
