"""Single records as arguments of handlers: each value is that of the column of many records."""

import struct
from collections.abc import Iterable, Mapping

import pytest

from ktrace.model.batch import Chunk
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.record_reader import RecordReader
from ktrace.script.runtime.columns import ChunkEvents
from ktrace.script.runtime.events import Happened, own_values
from ktrace.script.runtime.rows import RowEvents
from ktrace.script.runtime.state import UNREAD
from ktrace.stream.enrich import Enrich
from ktrace.stream.merge import Merge
from ktrace.stream.merge_few import MergeFew
from ktrace.stream.processes import Processes
from ktrace.stream.symbol_table import SymbolTable
from tests.unit.ringbuffer.formats import RETURN, SWITCH, FieldLine, make_format
from tests.unit.ringbuffer.page_writer import PageWriter, common

READ = make_format(
    "kp",
    1500,
    *(FieldLine("unsigned long __probe_ip", 8, 8), FieldLine("u64 fd", 16, 8)),
    *(FieldLine("__data_loc char[] path", 24, 4, 1), FieldLine("u16 v[2]", 28, 4)),
    *(FieldLine("s32 f0_cpu0", 32, 4, 1), FieldLine("s32 f0_cpu1", 36, 4, 1)),
    system="kprobes",
    print_fmt='"(%lx) fd=%Lu path=\\"%s\\" v={%u,%u} f0_cpu0=%d f0_cpu1=%d", REC->__probe_ip',
)
FORMS = {form.id: form for form in (READ, RETURN, SWITCH)}


class Tasks:
    def names(self, pids: Iterable[int]) -> Mapping[int, str]:
        return {pid: f"t\udce9{pid}" for pid in pids if pid != 8}

    def name_at(self, tid: int, ts: int) -> str | None:
        return "older" if (tid, ts) == (9, 1009) else None

    def groups(self, tids: Iterable[int]) -> Mapping[int, int]:
        return {tid: {7: 70, 9: 0}.get(tid, tid) for tid in tids}


def read_body(fd: int, path: bytes | None, cpu0: int = 5, cpu1: int = -6) -> bytes:
    loc = 0 if path is None else len(path) << 16 | 40
    return struct.pack("<QQIHHii", 1, fd, loc, 3, 4, cpu0, cpu1) + (path or b"")


def both(pages: Mapping[int, bytes]) -> tuple[Happened, Happened]:
    """Return the events of some CPUs' pages, read one by one and in one step."""
    layout, few, merge = PageLayout(), MergeFew(PageLayout()), Merge(decoder := Decoder(FORMS))
    for cpu, page in pages.items():
        few.add(cpu, page)
        merge.add(decoder.walk(page, cpu))
    readers = {ident: RecordReader(form, layout.order) for ident, form in FORMS.items()}
    tasks = Tasks()
    chunk: Chunk = Processes(tasks.groups)(Enrich(tasks.names, SymbolTable(b""))(merge.take()))
    return RowEvents(few.take(None), readers, tasks), ChunkEvents(chunk)


PAGES = {
    0: PageWriter(1000)
    .record(common(1500, pid=7) + read_body(2**64 - 1, b"/caf\xc3\xa9\0"))
    .record(common(1501, pid=8) + struct.pack("<QQq", 5, 6, -11), 5)
    .record(common(1500, pid=0) + read_body(3, None), 5)
    .record(common(1500, pid=9) + bytes(8), 5)  # shorter than its format
    .record(common(900), 5)  # of an unknown event
    .bytes(),
    1: PageWriter(1007)
    .record(common(1500, pid=-2) + read_body(4, b"\xff", 1, 2))
    .record(common(300, pid=9) + struct.pack("<16siiq", b"a\0b", 1, 2, 3), 2)
    .record(common(1500, pid=9) + read_body(5, b"x"), 1)
    .bytes(),
}


def test_all_values_are_those_of_columns() -> None:
    rows, columns = both(PAGES)
    by_name = {one.event: one for one in rows.events}
    assert {one.event for one in columns.events} == set(by_name) == {"kp", "rp", "sched_switch"}
    for many in columns.events:
        few = by_name[many.event]
        assert (few.system, len(few)) == (many.system, len(many))
        for param in ("tid", "pid", "cpu", "ts", *(["comm"] if few.event == "kp" else [])):
            assert few.data(param) == many.data(param)
        for field in next(form for form in FORMS.values() if form.name == many.event).args:
            assert few.has(field.name) and few.column(field.name) == many.column(field.name)
    read = by_name["kp"]
    assert len(rows) == 6 and read.data("ts") == [1000, 1007, 1010, 1010]
    assert read.column("fd") == [-1, 4, 3, 5] and read.data("pid") == [70, -2, 0, 9]
    assert read.column("path")[:2] == ["/caf\xc3\xa9", "\xff"] and read.column("path")[2] is UNREAD
    assert read.data("comm") == ["t\xe97", "<XXX>", "<idle>", "t\xe99"]
    assert by_name["sched_switch"].data("comm") == ["older"]
    assert own_values(read, ["f0_cpu"]) == [5, 2, 5, -6]


def test_the_order_is_that_of_columns() -> None:
    rows, columns = both(PAGES)

    def order(happened: Happened) -> list[tuple[str, int]]:
        some = happened.events
        return [(some[number].event, ts) for number, ts in happened.in_order(some)]

    assert order(rows) == order(columns)
    assert [name for name, _ in order(rows)] == ["kp", "rp", "kp", "sched_switch", "kp", "kp"]
    without = [one for one in rows.events if one.event != "rp"]
    assert [ts for _, ts in rows.in_order(without)] == [1000, 1007, 1009, 1010, 1010]


def test_fields_that_there_are_not() -> None:
    (read, *_) = both(PAGES)[0].events
    assert not read.has("absent") and not read.has("f0_cpu7")
    with pytest.raises(KeyError):
        read.column("absent")


def test_stacks_are_not_read_one_by_one() -> None:
    with pytest.raises(ValueError, match="kernel stacks"):
        both(PAGES)[0].events[0].stacks(user=False)
