"""Recordings of other kernels in every output: 32 bits, big endian, formats before 5.5, trace_printk."""

import csv
import io
import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ktrace.cli.main import main
from ktrace.model.column import Strings
from ktrace.output.formats.csv import Csv
from ktrace.output.formats.text import Text
from ktrace.stream.recording import Recording
from ktrace.stream.sql import answers, run_query
from tests.unit.stream.machines import MACHINES, Built, form

IDS = [f"{8 * one.long}-{'big' if one.big_endian else 'little'}" for one in MACHINES]
KALLSYMS = {
    4: b"c0001230 T sys_x\nc0002000 t sys_y\n",
    8: b"ffffffffc0001230 T sys_x\nffffffffc0002000 t sys_y\n",
}
BASE = {4: 0xC0000000, 8: 0xFFFFFFFFC0000000}


def before_5_5(machine: Built) -> list[tuple[str, str]]:
    """The formats of ftrace's own events: those that end in an array declare it with a size of 0."""
    long = machine.long
    args = 8 + long
    return [
        ("ftrace", form("print", 5, '"%ps: %s", (void *)REC->ip, REC->buf',
                        ("unsigned long ip", 8, long, 0), ("char buf", args, 0, 0))),
        ("ftrace", form("bprint", 6, '"%ps: %s", (void *)REC->ip, REC->fmt',
                        ("unsigned long ip", 8, long, 0), ("const char * fmt", args, long, 0),
                        ("u32 buf", args + long, 0, 0))),
        ("ftrace", form("bputs", 14, '"%ps: %s", (void *)REC->ip, REC->str',
                        ("unsigned long ip", 8, long, 0), ("const char * str", args, long, 0))),
        ("ftrace", form("kernel_stack", 4, '""',
                        ("int size", 8, 4, 1), ("unsigned long caller", args, 0, 0))),
        ("ftrace", form("raw_data", 16, '"id:%04x %08x", REC->id, (int)REC->buf[0]',
                        ("unsigned int id", 8, 4, 0), ("char buf", 12, 0, 0))),
        ("ftrace", form("function", 1, '" %ps <-- %ps", (void *)REC->ip, (void *)REC->parent_ip',
                        ("unsigned long ip", 8, long, 0), ("unsigned long parent_ip", args, long, 0))),
    ]  # fmt: skip


@pytest.fixture
def run(capsysbinary: pytest.CaptureFixture[bytes]) -> Callable[..., str]:
    def report(*words: str) -> str:
        assert main(list(words)) in (0, None)
        return capsysbinary.readouterr().out.decode("utf-8", "surrogateescape")

    return report


def bodies(text: str) -> list[str]:
    """The lines without what they begin with, which is the same for all."""
    return [line.partition(": ")[2] if "[000]" in line else line for line in text.splitlines()]


def tracers(machine: Built, path: Path) -> str:
    base = BASE[machine.long]
    texts = f'0x{base + 0x10:x} : "a=%d s=%s x=%llx l=%lx\\n"\n0x{base + 0x20:x} : "plain\\n"\n'
    packed = machine.pack("i4s", -7, b"abc\0")
    wide = 0x1234567890
    packed += machine.pack(
        "II", *((wide >> 32, wide & 0xFFFFFFFF) if machine.big_endian else (wide & 0xFFFFFFFF, wide >> 32))
    )
    packed += machine.pack("L", (1 << 8 * machine.long) - 5)
    ip = machine.pack("L", base + 0x1234)
    padding = bytes(machine.long - 4)
    records = [
        (5, ip + b"B|77|hello\n\0"),
        (6, ip + machine.pack("L", base + 0x10) + packed),
        (6, ip + machine.pack("L", base + 0x30) + packed),
        (14, ip + machine.pack("L", base + 0x20)),
        (16, machine.pack("I", 5) + b"\0a\xff\0"),
        (1, machine.pack("LL", base + 0x1234, base + 0x2008)),
        (
            4,
            machine.pack("i", 2)
            + padding
            + machine.pack("LLL", base + 0x1234, base + 0x2008, (1 << 8 * machine.long) - 1),
        ),
    ]
    return machine.write(
        path, before_5_5(machine), records, kallsyms=KALLSYMS[machine.long], printk_formats=texts.encode()
    )


@pytest.mark.parametrize("machine", MACHINES, ids=IDS)
def test_text(machine: Built, tmp_path: Path, run: Callable[..., str]) -> None:
    fives = "fffffffb" if machine.long == 4 else "fffffffffffffffb"
    assert bodies(run("report", "-q", tracers(machine, tmp_path / "a.dat"))) == [
        "sys_x: B|77|hello",
        f"sys_x: a=-7 s=abc x=1234567890 l={fives}",
        "sys_x: (?)",
        "sys_x: plain",
        "# 5 buf: 00 61 ff 00",
        "sys_x <-sys_y",
        "<stack trace>",
        " => sys_x",
        " => sys_y",
    ]


@pytest.mark.parametrize("machine", MACHINES, ids=IDS)
def test_json(machine: Built, tmp_path: Path, run: Callable[..., str]) -> None:
    found = [
        json.loads(line)
        for line in run("report", "-q", "--json", tracers(machine, tmp_path / "a.dat")).splitlines()
    ]
    mark, bprint, unknown, bputs, raw, *_, stack = found
    assert mark["args"]["buf"] == "B|77|hello\n"
    assert bprint["args"]["text"].startswith("a=-7 s=abc x=1234567890 l=ff")
    assert unknown["args"]["text"] is None and unknown["args"]["fmt"] == BASE[machine.long] + 0x30
    assert bputs["args"]["text"] == "plain\n"
    assert {one["args"]["ip"] for one in (mark, bprint, unknown, bputs)} == {"sys_x"}
    assert raw["args"] == {"id": 5, "buf": [0, 97, 255, 0]}
    assert stack["frames"] == ["sys_x", "sys_y"]


def test_csv(tmp_path: Path) -> None:
    out = io.BytesIO()
    with Recording([tracers(MACHINES[0], tmp_path / "a.dat")]) as recording:
        for chunk in recording.chunks(lambda form: [f.name for f in form.args] if form.id == 6 else None):
            Csv(out).write(chunk)
    known, unknown = csv.DictReader(io.StringIO(out.getvalue().decode()))
    assert known["text"] == "a=-7 s=abc x=1234567890 l=fffffffffffffffb\\n" and unknown["text"] == ""


def test_perfetto(tmp_path: Path, run: Callable[..., str]) -> None:
    run("report", "-q", "--perfetto", str(tmp_path / "a.pf"), tracers(MACHINES[0], tmp_path / "a.dat"))
    assert b"a=-7 s=abc x=1234567890" in (tmp_path / "a.pf").read_bytes()


if find_spec("polars") is not None:

    @pytest.mark.parametrize("columns", ["text", "*"])
    def test_sql(tmp_path: Path, columns: str) -> None:
        with Recording([tracers(MACHINES[0], tmp_path / "a.dat")]) as recording:
            (frame,) = answers(run_query(recording, f"select {columns} from bprint"))
            assert frame["text"].to_list() == ["a=-7 s=abc x=1234567890 l=fffffffffffffffb\n", None]
            (frame,) = answers(run_query(recording, "select buf from raw_data"))
            assert frame["buf"].to_list() == [[0, 97, 255, 0]]


BYTES = bytes.fromhex("02000000010a")
HARDWARE = form(
    "sta", 300, '"%pM %s", REC->mac, REC->name', ("char mac[6]", 8, 6, 1), ("char name[8]", 14, 8, 1)
)
DYNAMIC = form(
    "frame", 301, '"%s", __print_hex(__get_dynamic_array(data), __get_dynamic_array_len(data))',
    ("__data_loc char[] data", 8, 4, 1),
)  # fmt: skip


def test_bytes_are_all_there(tmp_path: Path, run: Callable[..., str]) -> None:
    machine = MACHINES[0]
    path = machine.write(
        tmp_path / "a.dat",
        [("test", HARDWARE), ("test", DYNAMIC)],
        [(300, BYTES + b"wlan0\0\0\0"), (301, machine.pack("I", 6 << 16 | 12) + BYTES)],
    )
    assert bodies(run("report", "-q", path)) == ["sta: 02:00:00:00:01:0a wlan0", "frame: 02 00 00 00 01 0a"]
    args = [json.loads(line)["args"] for line in run("report", "-q", "--json", path).splitlines()]
    assert args == [{"mac": list(BYTES), "name": "wlan0"}, {"data": list(BYTES)}]
    if find_spec("polars") is not None:
        with Recording([path]) as recording:
            (frame,) = answers(run_query(recording, "select mac, name from sta"))
            assert frame.rows() == [(list(BYTES), "wlan0")]
            (frame,) = answers(run_query(recording, "select data from frame"))
            assert frame.rows() == [(list(BYTES),)]


@pytest.mark.parametrize("machine", MACHINES, ids=IDS)
def test_fields_of_size_0(machine: Built, tmp_path: Path) -> None:
    """At the end they extend to the end of the record; elsewhere nothing is in them."""
    number = ("int n", 8, 4, 1)
    middle = ["char c", "u64 c", "struct s c", "unsigned long c[]", "char c[]", "u16 c[0]"]
    end = ["char c", "char c[]", "u8 c[0]", "s16 c", "unsigned long c", "struct s c[]", "void * c"]
    formats = [
        *(form("in", 300 + i, '"%d"', number, (what, 12, 0, 0), ("int k", 12, 4, 1)) for i, what in
          enumerate(middle)),
        *(form("at", 310 + i, '"%d"', number, (what, 16, 0, int(what == "s16 c"))) for i, what in
          enumerate(end)),
        form("data", 320, '"%d"', ("__data_loc char[] s", 8, 4, 1), ("u8 c[0]", 12, 0, 0)),
    ]  # fmt: skip
    words = machine.pack("LL", 1, (1 << 8 * machine.long) - 2)
    records = [
        *((300 + i, machine.pack("ii", 1, 7)) for i in range(len(middle))),
        *((310 + i, machine.pack("ii", 1, 0) + (b"ab\0c" if "char" in end[i] else words))
          for i in range(len(end))),
        (320, machine.pack("I", 4 << 16 | 12) + b"abc\0"),
    ]  # fmt: skip
    path = machine.write(tmp_path / "a.dat", [("test", text) for text in formats], records)
    with Recording([path]) as recording:
        found = [batch.columns["c"] for chunk in recording.chunks() for batch in chunk.batches]
    cells = [column[0] if isinstance(column, Strings) else list(column[0]) for column in found]
    assert cells[:6] == ["", [], [], [], "", []]
    raw = list(words)
    signed = [int.from_bytes(words[i : i + 2], "big" if machine.big_endian else "little", signed=True)
              for i in range(0, len(words), 2)]  # fmt: skip
    longs = [1, (1 << 8 * machine.long) - 2]
    assert cells[6:] == ["ab", "ab", raw, signed, longs, raw, longs, []]


def test_the_length_of_a_text_without_nul(tmp_path: Path, run: Callable[..., str]) -> None:
    text = form(
        "sent", 300, '"%u %s %u", __get_dynamic_array_len(a), __get_str(a), __get_rel_dynamic_array_len(b)',
        ("__data_loc char[] a", 8, 4, 1), ("__rel_loc char[] b", 12, 4, 1),
    )  # fmt: skip
    machine = MACHINES[0]
    records = [
        (300, machine.pack("II", 2 << 16 | 16, 6 << 16 | 2) + b"hix\0\0\0\0\0"),
        (300, machine.pack("II", 4 << 16 | 16, 0) + b"hi\0\0"),
    ]
    path = machine.write(tmp_path / "a.dat", [("test", text)], records)
    assert bodies(run("report", "-q", path)) == ["sent: 2 hi 6", "sent: 4 hi 0"]
    # also after records have been selected
    assert bodies(run("report", "-q", path, "--filter", "b == ''")) == ["sent: 4 hi 0"]


FIELDS = {
    "u8": 1,
    "s8": 1,
    "u16": 2,
    "s16": 2,
    "u32": 4,
    "int": 4,
    "u64": 8,
    "s64": 8,
    "unsigned long": 0,
    "long": 0,
}


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_format_and_record(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Numbers of any size, sign and order of bytes: as columns, as text, through pointers and in arrays."""
    machine = data.draw(st.sampled_from(MACHINES))
    ctype = data.draw(st.sampled_from(list(FIELDS)))
    size = FIELDS[ctype] or machine.long
    signed = int(ctype[0] in "sil")
    low, high = (-(1 << 8 * size - 1), (1 << 8 * size - 1) - 1) if signed else (0, (1 << 8 * size) - 1)
    value = data.draw(st.integers(low, high))
    items = data.draw(st.lists(st.integers(low, high), min_size=1, max_size=3))
    order = "big" if machine.big_endian else "little"
    raw = value.to_bytes(size, order, signed=signed)
    array = b"".join(item.to_bytes(size, order, signed=signed) for item in items)
    length = {1: "hh", 2: "h", 4: "", 8: "ll"}[size]
    number = f"%{length}{'d' if signed else 'u'}"
    text = form(
        "any", 300,
        f'"{number} %{length}x {number} %*ph %s %s %d", REC->a, REC->a, *(&REC->a), {size}, &REC->a,'
        f" __print_array(REC->b, {len(items)}, sizeof(REC->b[0])), __print_hex(REC->b, sizeof(REC->b)),"
        " __get_dynamic_array_len(c)",
        (f"{ctype} a", 8, size, signed), (f"{ctype} b[{len(items)}]", 8 + size, len(array), signed),
        (f"__data_loc {ctype}[] c", 8 + size + len(array), 4, signed),
    )  # fmt: skip
    at = 12 + size + len(array)
    record = raw + array + machine.pack("I", len(array) << 16 | at) + array
    path = machine.write(tmp_path_factory.mktemp("any") / "a.dat", [("test", text)], [(300, record)])
    with Recording([path]) as recording:
        (chunk,) = recording.chunks()
    (batch,) = chunk.batches
    assert batch["a"].tolist() == [value]
    assert batch["b"].tolist() == [items] and batch["c"].tolist() == [items]
    unsigned = [item & (1 << 8 * size) - 1 for item in (value, *items)]
    spelled = ",".join(f"0x{item:x}" for item in unsigned[1:])
    want = f"{value} {unsigned[0]:x} {value} {raw.hex(' ')} {{{spelled}}} {array.hex(' ')} {len(array)}"
    out = io.BytesIO()
    Text(out).write(chunk)
    assert bodies(out.getvalue().decode()) == [f"any: {want}"]
