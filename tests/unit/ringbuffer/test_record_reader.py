"""Fields of single records: each has the value that it has in the column of many records."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.model.batch import Chunk
from ktrace.model.format import Format
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.page_records import page_records
from ktrace.ringbuffer.record_reader import RecordReader
from tests.unit.ringbuffer.formats import (
    MARKER,
    PROBE,
    RETURN,
    STACK,
    SWITCH,
    FieldLine,
    make_format,
    probe_body,
)
from tests.unit.ringbuffer.page_writer import PageWriter, common

Rows = dict[str, list[object]]


def one_by_one(form: Format, page: bytes, layout: PageLayout) -> Rows:
    """Return the columns of a page's records, read one by one, with `pid` and without what cannot be read."""
    reader = RecordReader(form, layout.order)
    rows = [(one.at, one.size) for one in page_records(page, layout) if one.id == form.id]
    sound = [at for at, size in rows if reader.is_sound(page, at, size)]
    names = [field.name for field in form.args if reader.can_read(field.name)]
    found: Rows = {name: [reader.value(name)(page, at) for at in sound] for name in names}
    return {"pid": [reader.pid(page, at) for at in sound], **found}


def same(form: Format, page: bytes, layout: PageLayout | None = None) -> Rows:
    """Return the columns, once both ways have read the same ones."""
    layout = layout or PageLayout()
    found = one_by_one(form, page, layout)
    chunk: Chunk = Decoder({form.id: form}, layout).decode(page, 0)
    columns: Rows = {name: [] for name in found}
    for batch in (one for one in chunk.batches if len(one)):
        columns = {name: batch.columns[name].tolist() for name in found if name != "pid"}
        columns["pid"] = batch.pid.tolist()
    assert found == columns
    types = [{type(value) for value in found[name]} for name in found]
    assert types == [{type(value) for value in columns[name]} for name in found]
    return found


def page_of(form: Format, *bodies: bytes, layout: PageLayout | None = None) -> bytes:
    layout = layout or PageLayout()
    page = PageWriter(layout=layout)
    for pid, body in enumerate(bodies, -1):
        page.record(common(form.id, pid=pid, order=layout.order) + body, 3)
    return page.bytes()


def test_a_probes_record() -> None:
    bodies = [probe_body(), probe_body(2**64 - 1, 2**32 - 1, None, 0xFFFFFFFF81234567, 0xE9)]
    found = same(PROBE, page_of(PROBE, *bodies))
    assert found["fd"] == [1, 2**64 - 1] and found["path"] == ["/x", None]
    assert found["c"] == ["A", "\udce9"] and found["v"] == [[7, 8, 9]] * 2 and found["pid"] == [-1, 0]
    assert "where" not in found  # it is shown as a symbol
    assert same(RETURN, page_of(RETURN, struct.pack("<QQq", 5, 6, -11)))["ret"] == [-11]


def test_what_cannot_be_read_one_by_one() -> None:
    for form in (MARKER, STACK):
        assert not any(RecordReader(form, "<").can_read(field.name) for field in form.fields)
    tail = make_format("late", 9, FieldLine("u32 buf[]", 8, 0))
    assert not RecordReader(tail, "<").can_read("buf") and not RecordReader(tail, "<").can_read("absent")
    with pytest.raises(ValueError, match="buf"):
        RecordReader(tail, "<").value("buf")
    lines = [FieldLine("unsigned long __probe_ip", 8, 8)]
    lines += [FieldLine(f"__data_loc char[] {name}", 16 + 4 * i, 4) for i, name in enumerate(("f", "f__p1"))]
    path = RecordReader(make_format("opened", 9, *lines), "<")
    assert path.form.paths and not path.can_read("f")


NUMBERS = [
    FieldLine(f"{ctype} x{dims}", offset, size * count, signed)
    for ctype, size in (("u8", 1), ("s16", 2), ("u32", 4), ("long", 8), ("struct odd", 3), ("struct big", 16))
    for dims, count in (("", 1), ("[1]", 1), ("[3]", 3), ("[]", 2))
    for offset in (8, 11)
    for signed in (0, 1)
]
TEXTS = [
    FieldLine("char comm[16]", 8, 16),
    FieldLine("const char comm[1]", 9, 1),
    FieldLine("char c", 8, 1, 1),
    FieldLine("char data[7]", 8, 7),
]
PRINTED = ['"x"', '"x=%d"', '"x=0x%x"', "\"c='%c' x='%c'\"", '"data=%s", __print_hex(REC->data, 7)']


@pytest.mark.parametrize("field", [*NUMBERS, *TEXTS], ids=lambda one: f"{one}")
@pytest.mark.parametrize("is_probe", [False, True])
def test_fields_of_fixed_size(field: FieldLine, is_probe: bool) -> None:
    own = [FieldLine("unsigned long __probe_ip", 64, 8)] if is_probe else []
    patterns = (bytes(range(1, 65)), bytes(range(192, 256)), bytes(64), b"\xff" * 64, b"ab\0\xffcd" * 12)
    for print_fmt in PRINTED:
        form = make_format("one", 77, field, *own, print_fmt=print_fmt)
        same(form, page_of(form, *(body.ljust(64, b"\x80") for body in patterns)))


REFERENCES = [
    "__data_loc char[] s",
    "__data_loc u16[] s",
    "__data_loc s64[] s",
    "__data_loc struct odd[] s",
    "__data_loc cpumask_t s",
    "__data_loc u8[] __buf_val",
    "__data_loc char[] __buf_val",
]


@pytest.mark.parametrize("declaration", REFERENCES)
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("is_probe", [False, True])
@pytest.mark.parametrize("system", ["test", "syscalls"])
def test_references(declaration: str, relative: bool, is_probe: bool, system: str) -> None:
    if relative:
        declaration = declaration.replace("data_loc", "rel_loc")
    printed = '"buf (%s)", __print_dynamic_array(__buf_val, 1)'
    own = [FieldLine("unsigned long __probe_ip", 12, 8)] if is_probe else []
    field = FieldLine(declaration, 8, 4, 1)
    form = make_format("one", 77, field, *own, system=system, print_fmt=printed)
    bodies = []
    for data in (b"abc\0", b"", b"no nul", b"x" * 300 + b"\0", b"\0y", b"\xffe\0\xfe\x80 1234567890"):
        bodies.append(struct.pack("<IQ", len(data) << 16 | (8 if relative else 20), 0) + data)
    bodies.append(struct.pack("<IQ", 90 << 16 | 20, 0))  # after its end
    assert len(same(form, page_of(form, *bodies))["pid"]) == 6


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("kind", ["data", "rel"])
def test_references_to_several_texts(count: int, kind: str) -> None:
    form = make_format("one", 77, FieldLine(f"__{kind}_loc char[][{count}] d", 8, 4 * count))
    begin = 8 + 4 * count if kind == "data" else 4 * count - 4
    first = struct.pack("<I", 2 << 16 | begin) + bytes(4 * count - 4) + b"a\0"
    found = same(form, page_of(form, first, bytes(4 * count)))
    assert found["d"] == [["a", None][:count], [None] * count]


@pytest.mark.parametrize("layout", [PageLayout(long=4), PageLayout(big_endian=True), PageLayout(65536)])
def test_layouts(layout: PageLayout) -> None:
    body = struct.pack(f"{layout.order}16siiq", b"bash", 5, -6, 7)
    found = same(SWITCH, page_of(SWITCH, body, layout=layout), layout)
    assert list(found.values()) == [[-1], ["bash"], [5], [-6], [7]]


def test_a_record_without_a_pid() -> None:
    form = Format("test", "bare", 77, tuple(f for f in SWITCH.args if f.offset == 8))
    assert same(form, page_of(form, bytes(16)))["pid"] == [0]


@settings(max_examples=200, deadline=None)
@given(damage=st.lists(st.tuples(st.integers(0, 4095), st.integers(0, 255)), min_size=1, max_size=20))
def test_damage(damage: list[tuple[int, int]]) -> None:
    page = bytearray(page_of(PROBE, *(probe_body(i) for i in range(20))))
    for at, byte in damage:
        page[at] = byte
    same(PROBE, bytes(page))
