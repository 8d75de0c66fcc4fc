"""Records to columns: every kind of field, and records that are not what their format says."""

import struct
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.model.batch import Batch, Chunk, Lost, Stack, Unparsed
from ktrace.model.column import Strings
from ktrace.model.format import Format
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.layout import PageLayout
from tests.unit.ringbuffer.formats import (
    MARKER,
    PROBE,
    RETURN,
    STACK,
    SWITCH,
    USER_STACK,
    FieldLine,
    make_format,
    probe_body,
)
from tests.unit.ringbuffer.page_writer import PageWriter, common

ALL = {form.id: form for form in (PROBE, RETURN, SWITCH, STACK, USER_STACK, MARKER)}


def decoded(page: PageWriter, *more: Format, **options) -> Chunk:
    return Decoder({**ALL, **{f.id: f for f in more}}, page.layout, **options).decode(page.bytes(), 2)


def column_of(field: FieldLine, *bodies: bytes, system: str = "test", print_fmt: str = '""') -> list:
    """Return one field's column for these records, each given without its common fields."""
    form = make_format("one", 77, field, system=system, print_fmt=print_fmt)
    page = PageWriter()
    for body in bodies:
        page.record(common(77) + body)
    chunk = decoded(page, form)
    assert not chunk.marks
    (batch,) = chunk.batches
    return next(iter(batch.columns.values())).tolist()


def test_a_probes_record() -> None:
    page = PageWriter(1000).record(common(1500, pid=9, flags=1, preempt=0x21) + probe_body(), 5)
    page.record(common(1500, pid=-1) + probe_body(2**64 - 1, 2**32 - 1, None, 0xFFFFFFFF81234567, 0xE9), 3)
    (batch,) = decoded(page, ticks=True).batches
    assert (batch.event, batch.kind, batch.ticks, batch.format) == ("kp", "entry", True, PROBE)
    assert batch.ts.tolist() == [1005, 1008] and batch.seq.tolist() == [0, 1]
    assert batch.pid.tolist() == [9, -1] and batch.cpu.tolist() == [2, 2]
    assert batch.common_flags.tolist() == [0x2101, 0]
    assert batch["fd"].tolist() == [1, 2**64 - 1] and batch["fd"].dtype == np.uint64
    assert batch["cnt"].tolist() == [2, 2**32 - 1] and batch["cnt"].dtype == np.int64
    assert batch["path"].tolist() == ["/x", None]
    assert batch["c"].tolist() == ["A", "\udce9"]
    assert batch["v"].tolist() == [[7, 8, 9], [7, 8, 9]]
    assert batch.addresses["__probe_ip"].tolist() == [0xFFFFFFFF81000004] * 2
    assert batch.addresses["where"].tolist() == [0, 0xFFFFFFFF81234567]
    assert list(batch.columns) == ["fd", "cnt", "path", "where", "c", "v"]
    assert batch.comm.tolist() == ["<...>"] * 2 and batch.signature == PROBE.signature()


def test_a_return_probes_record() -> None:
    page = PageWriter().record(common(1501) + struct.pack("<QQq", 5, 6, -11))
    (batch,) = decoded(page).batches
    assert batch.kind == "return" and batch["ret"].tolist() == [-11]
    assert {n: a.tolist() for n, a in batch.addresses.items()} == {"__probe_func": [5], "__probe_ret_ip": [6]}


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize("offset", [8, 9, 11])
def test_integers(size: int, signed: int, offset: int) -> None:
    values = [
        0,
        1,
        (1 << 8 * size - 1) - 1,
        *([-1, -(1 << 8 * size - 1)] if signed else [(1 << 8 * size) - 1]),
    ]
    bodies = [bytes(offset - 8) + v.to_bytes(size, "little", signed=bool(signed)) for v in values]
    assert column_of(FieldLine("some_t x", offset, size, signed), *bodies) == values


@pytest.mark.parametrize(("ctype", "code"), [("u8", "B"), ("s16", "h"), ("u32", "I"), ("s64", "q")])
def test_arrays(ctype: str, code: str) -> None:
    size = struct.calcsize(code)
    row = struct.pack(f"<3{code}", 1, 2, 100)
    for dims in ("[3]", "[]"):
        line = FieldLine(f"{ctype} x{dims}", 8, 3 * size, int(code.islower()))
        assert column_of(line, row, row) == [[1, 2, 100]] * 2


def test_characters_end_at_a_nul() -> None:
    bodies = [b"bash\0garbage----", b"sixteen-letters!", bytes(16), b"caf\xe9 \xff" + bytes(10)]
    assert column_of(FieldLine("char comm[16]", 8, 16), *bodies) == [
        "bash", "sixteen-letters!", "", "caf\udce9 \udcff"
    ]  # fmt: skip


def test_references() -> None:
    def text(data: bytes, base: int) -> bytes:
        return struct.pack("<I", len(data) << 16 | base) + data

    bodies = [
        text(b"abc\0", 12),
        text(b"", 12),
        text(b"no nul", 12),
        text(b"x" * 300 + b"\0", 12),
        text(b"\0y", 12),
    ]
    wanted = ["abc", "", "no nul", "x" * 300, ""]
    assert column_of(FieldLine("__data_loc char[] s", 8, 4, 1), *bodies) == wanted
    relative = [struct.pack("<I", (n := len(b[4:])) << 16 | 0) + b[4:] for b in bodies]
    assert n
    assert column_of(FieldLine("__rel_loc char[] s", 8, 4, 1), *relative) == wanted


def test_data_do_not_end_at_a_nul() -> None:
    """Kernels that record the buffer of write(2) record any bytes."""
    line = FieldLine("__data_loc char[] __buf_val", 8, 4, 1)
    bodies = [struct.pack("<I", n << 16 | 12) + b"a\0\xffb" for n in (4, 3, 0)]
    printed = '"buf (%s)", __print_dynamic_array(__buf_val, 1)'
    assert column_of(line, *bodies, print_fmt=printed, system="syscalls") == ["a\0\udcffb", "a\0\udcff", ""]


def test_references_to_numbers_and_to_several_strings() -> None:
    line = FieldLine("__data_loc u16[] n", 8, 4)
    bodies = [struct.pack("<I3H", 6 << 16 | 12, 1, 2, 65535), struct.pack("<I", 0)]
    assert column_of(line, *bodies) == [[1, 2, 65535], []]
    two = FieldLine("__data_loc char[][2] d", 8, 8)
    body = struct.pack("<II", 2 << 16 | 16, 0) + b"a\0"
    assert column_of(two, body) == [["a", None]]
    one = FieldLine("__data_loc char[][1] d", 8, 4)
    bodies = [struct.pack("<I", 2 << 16 | 12) + b"a\0", struct.pack("<I", 12)]
    assert column_of(one, *bodies) == [["a"], [None]]


def test_a_struct_is_its_bytes() -> None:
    assert column_of(FieldLine("struct x y", 8, 3), b"\1\2\377") == [[1, 2, 255]]


def test_markers_and_other_open_ends() -> None:
    page = PageWriter().record(common(5) + struct.pack("<Q", 3) + b"hello\n\0")
    (batch,) = decoded(page).batches
    assert batch.kind == "fields" and batch["buf"].tolist() == ["hello\n"] and batch["ip"].tolist() == [3]
    form = make_format("bprint", 6, FieldLine("u32 buf[]", 8, 0), system="ftrace")
    (batch,) = decoded(PageWriter().record(common(6) + struct.pack("<II", 1, 2)), form).batches
    assert batch["buf"].tolist() == [[1, 2]]


def test_stacks() -> None:
    frames = (0xFFFFFFFF81000010, 0xFFFFFFFF81000020)
    page = PageWriter(7).record(common(1500) + probe_body(), 1)
    page.record(common(4, pid=3) + struct.pack("<iiQQ", 2, 0, *frames), 1)
    page.record(common(4) + struct.pack("<iiQQQ", 3, 0, *frames, 2**64 - 1), 1)
    page.record(common(12) + struct.pack("<IIQQQ", 3, 0, 0x401000, 0, 5), 1)
    chunk = decoded(page)
    assert [(type(m), m.seq, m.ips) for m in chunk.marks] == [
        (Stack, 1, frames), (Stack, 2, frames), (Stack, 3, (0x401000,))
    ]  # fmt: skip
    assert chunk.marks[0].pid == 3 and [m.user for m in chunk.marks] == [False, False, True]


def test_unknown_events_are_told_and_asked_for_once() -> None:
    asked: list[int] = []
    page = PageWriter()
    for ident in (900, 900, 300, 900, 901):
        page.record(common(ident) + struct.pack("<16siiq", b"a", 1, 2, 3))

    def find(ident: int) -> Format | None:
        asked.append(ident)
        return make_format("late", 901, FieldLine("int x", 8, 4, 1)) if ident == 901 else None

    decoder = Decoder(ALL, unknown=find)
    chunk = decoder.decode(page.bytes(), 2)
    decoder.decode(page.bytes(), 2)
    assert asked == [900, 901]
    assert [(m.seq, m.line) for m in chunk.marks] == [
        (0, b"CPU 2: 2 records of an unknown event, id 900"),
        (3, b"CPU 2: 1 records of an unknown event, id 900"),
    ]
    assert [(b.event, b.seq.tolist()) for b in chunk.batches] == [("sched_switch", [2]), ("late", [4])]


def test_formats_that_come_later() -> None:
    known: dict[int, Format] = {}
    decoder = Decoder(known)
    page = PageWriter().record(common(300) + bytes(32)).bytes()
    assert not decoder.decode(page, 0).batches
    known[300] = SWITCH
    assert decoder.decode(page, 0).batches


def test_records_that_are_not_what_their_format_says() -> None:
    bad = probe_body()[:20] + struct.pack("<I", 40 << 16 | 44) + probe_body()[24:]
    page = PageWriter().record(common(1500) + bytes(20)).record(common(1500) + bad)
    page.record(common(1500) + probe_body(5))
    chunk = decoded(page)
    assert [m.line for m in chunk.marks] == [
        b"CPU 2: a record of kp is shorter than its format",
        b"CPU 2: a record of kp refers to bytes after its end",
    ]
    (batch,) = chunk.batches
    assert batch["fd"].tolist() == [5] and batch.seq.tolist() == [2]


def test_losses_take_a_place_of_their_own() -> None:
    decoder = Decoder(ALL)
    switch = common(300) + bytes(32)
    pages = PageWriter(10).record(switch).bytes(), PageWriter(20).record(switch).bytes(lost=9)
    chunk = decoder.decode(b"".join(pages), 1)
    assert chunk.marks == (Lost(1, 1, 9),) and chunk.batches[0].seq.tolist() == [0, 2]


def test_what_is_wrong_is_told_with_its_place_in_all_of_the_cpus_data() -> None:
    decoder = Decoder(ALL)
    decoder.decode(PageWriter().bytes(), 1)
    page = bytearray(PageWriter().record(common(300) + bytes(32)).bytes())
    page[16] = 28
    (mark,) = decoder.decode(bytes(page), 1).marks
    assert isinstance(mark, Unparsed) and b"byte 4112" in mark.line and mark.line.startswith(b"CPU 1: ")


def test_big_endian() -> None:
    layout = PageLayout(big_endian=True)
    page = PageWriter(layout=layout)
    body = struct.pack(">16siiq", b"bash", 5, -6, 7)
    page.record(common(300, pid=11, order=">") + body)
    (batch,) = Decoder(ALL, layout).decode(page.bytes(), 0).batches
    assert batch.pid.tolist() == [11]
    assert [c.tolist() for c in batch.columns.values()] == [["bash"], [5], [-6], [7]]


_TEXT = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"bash", b"bash\0x", b"a" * 127, b"a" * 128, b"a" * 129, b"a" * 300]),
)


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(_TEXT, max_size=30), faults=st.sets(st.integers(0, 29)))
def test_any_strings(texts: list[bytes], faults: set[int]) -> None:
    layout = PageLayout(65536)
    page = PageWriter(layout=layout)
    wanted = []
    for i, text in enumerate(texts):
        page.record(common(1500) + probe_body(i, path=None if i in faults else text + b"\0"))
        wanted.append(None if i in faults else text.partition(b"\0")[0].decode("utf-8", "surrogateescape"))
    batches = Decoder(ALL, layout).decode(page.bytes(), 0).batches
    assert [t for b in batches for t in b["path"].tolist()] == wanted


@settings(max_examples=200, deadline=None)
@given(
    damage=st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), min_size=1, max_size=20),
)
def test_damage_gives_marks_and_nothing_else(damage: list[tuple[int, int]]) -> None:
    page = PageWriter()
    for i in range(8):
        page.record(common(1500) + probe_body(i), 10).record(common(300) + bytes(32), 2)
        page.record(common(5) + bytes(8) + b"text\0").record(common(4) + bytes(8) + bytes(24))
    blob = bytearray(page.bytes())
    for at, byte in damage:
        blob[at] = byte
    chunk = Decoder(ALL).decode(bytes(blob), 0)
    seqs = sorted([s for b in chunk.batches for s in b.seq.tolist()] + [m.seq for m in chunk.marks])
    assert len(set(seqs)) == len(seqs)
    for batch in chunk.batches:
        _whole(batch)


def _whole(batch: Batch) -> None:
    for column in batch.columns.values():
        assert len(column) == len(batch)
        column.tolist()
        if isinstance(column, Strings):
            assert len(set(column.values)) == len(column.values)


def test_dictionaries_stay_small() -> None:
    """If a column has very many texts, each batch gets only those that it has."""
    decoder = Decoder(ALL, PageLayout(65536))
    for start in range(0, 3000, 300):
        page = PageWriter(layout=decoder.layout)
        for i in range(start, start + 300):
            page.record(common(1500) + probe_body(path=b"/file/%d\0" % i))
        (batch,) = decoder.decode(page.bytes(), 0).batches
        assert batch["path"].tolist() == [f"/file/{i}" for i in range(start, start + 300)]
        assert len(batch["path"].values) <= 300


def test_opens_nothing() -> None:
    """The room works on bytes alone."""
    modules = [m for name, m in sys.modules.items() if name.startswith("ktrace.ringbuffer")]
    assert modules and not any(hasattr(module, "os") or hasattr(module, "Path") for module in modules)
