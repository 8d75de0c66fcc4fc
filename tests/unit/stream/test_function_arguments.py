"""Arguments of traced functions, as kernel/trace/trace_output.c prints them."""

import io
import struct
from dataclasses import replace
from pathlib import Path

import pytest

from ktrace.output.formats.text import Text
from ktrace.stream.function_arguments import FunctionArguments
from ktrace.stream.recording import Recording
from ktrace.tracedat import options as numbers
from ktrace.tracedat.contents import Contents, Options
from tests.unit.ringbuffer.page_writer import PageWriter
from tests.unit.stream.machines import form
from tests.unit.symbols.btf_writer import BtfWriter
from tests.unit.tracedat.build import contents, version7

READ, WRITE = 0xFFFFFFFF81001000, 0xFFFFFFFF81002000
NAMES = {READ: "vfs_read", WRITE: "by_value", READ + 0x10: "many", READ + 0x20: "nothing", READ + 0x30: "odd"}


def blob() -> bytes:
    w = BtfWriter()
    int_ = w.int_("int", 4, 1)
    size = w.typedef("size_t", w.int_("unsigned long", 8))
    pair = w.struct_("pair", 16, [("a", int_, 0), ("b", int_, 64)])
    color = w.enum("color", [("RED", 0), ("BLUE", 7)])
    pointer = w.ptr(0)
    w.function("vfs_read", int_, [("file", pointer), ("count", size), ("whence", int_), ("color", color)])
    w.function("by_value", int_, [("p", pair), ("n", int_)])
    w.function("many", 0, [(f"a{i}", int_) for i in range(8)])
    w.function("nothing", 0, [])
    w.function("odd", 0, [("f", w.float_("double", 8)), ("", 0)])
    return w.to_bytes()


@pytest.mark.parametrize(
    ("address", "values", "text"),
    [
        (READ, [16, 0x340, (1 << 64) - 2, 7, 0, 0], "(file=0x10, count=0x340, whence=-2, color=7)"),
        (WRITE, [1, 2, 3, 0, 0, 0], "(p=(STRUCT)[0x1:0x2], n=3)"),
        (WRITE, [1], "(p=(STRUCT)[0x1:...])"),
        (READ + 0x10, [1, 2, 3, 4, 5, 6], "(a0=1, a1=2, a2=3, a3=4, a4=5, a5=6, ...)"),
        (READ + 0x20, [1, 2, 3], "()"),
        (READ + 0x30, [1, 2], "(f=(FLOAT)[0x1], ?0x2)"),
        (0x1234, [1, 2], "()"),
    ],
)
def test_as_the_kernel_prints(address: int, values: list[int], text: str) -> None:
    spell = FunctionArguments(blob(), lambda at: NAMES.get(at, "?"), "test")
    assert spell(address, values) == text


def test_without_btf_and_with_a_damaged_one() -> None:
    for data in (b"", blob()[:20], b"\x9f\xeb" + bytes(40)):
        spell = FunctionArguments(data, lambda _: "vfs_read", "test")
        assert spell(READ, [1]) is None and spell(READ, [1]) is None


FIELDS = (
    ("unsigned long ip", 8, 8, 0),
    ("unsigned long parent_ip", 16, 8, 0),
    ("unsigned long args[]", 24, 0, 0),
)
GRAPH = ("unsigned long func", 8, 8, 0), ("int depth", 16, 4, 1), ("unsigned long args[]", 24, 0, 0)


def recorded(path: Path, section: bytes) -> str:
    """Calls with arguments and one without, in a file whose section of BTF has this content."""
    made: Contents = contents(
        version=7,
        ftrace_formats=(form("function", 1, '"x"', *FIELDS), form("funcgraph_entry", 2, '"x"', *GRAPH)),
        event_formats=(),
        kallsyms=b"ffffffff81001000 T vfs_read\nffffffff81002000 T by_value\n",
        cmdlines=b"7 sh\n",
    )
    page = PageWriter(ts=1000)
    head = struct.pack("<HBBi", 1, 0, 0, 7)
    page.record(head + struct.pack("<8Q", READ, WRITE, 16, 5, 1, 0, 0, 0))
    page.record(head + struct.pack("<2Q", READ, WRITE))
    page.record(struct.pack("<HBBiQii2Q", 2, 0, 0, 7, READ, 1, 0, 16, 5))
    page.record(struct.pack("<HBBiQii", 2, 0, 0, 7, READ, 1, 0))
    # The section comes first, and an option that says where it is.
    options = replace(Options(clock="mono"), others=((numbers.BTF, struct.pack("<Q", 1 << 20)),))
    data = version7(replace(made, options=options), {0: [page.bytes()]})
    at = len(data)
    data = data.replace(struct.pack("<HIQ", numbers.BTF, 8, 1 << 20), struct.pack("<HIQ", numbers.BTF, 8, at))
    path.write_bytes(data + struct.pack("<HHIQ", numbers.BTF, 0, 0, len(section)) + section)
    return str(path)


@pytest.mark.parametrize("size", [b"", struct.pack("<Q", len(blob()))], ids=["plain", "sized"])
def test_in_a_recording(tmp_path: Path, size: bytes) -> None:
    with Recording([recorded(tmp_path / "a.dat", size + blob())]) as recording:
        assert recording.notes == []
        lines = [line.split("us: ")[-1].split("00001: ")[-1] for line in text_of(recording)]
    assert lines == [
        "vfs_read(file=0x10, count=0x5, whence=1, color=0) <-by_value",
        "vfs_read <-by_value",
        "funcgraph_entry:              |    vfs_read(file=0x10, count=0x5, ...) {",
        "funcgraph_entry:              |    vfs_read() {",
    ]


def test_a_section_that_is_not_btf(tmp_path: Path) -> None:
    with Recording([recorded(tmp_path / "a.dat", b"something else")]) as recording:
        assert ["BTF" in note for note in recording.notes] == [True]
        assert "vfs_read <-by_value" in text_of(recording)[0]


def text_of(recording: Recording) -> list[str]:
    out = io.BytesIO()
    sink = Text(out)
    for chunk in recording.chunks():
        sink.write(chunk)
    sink.close()
    return out.getvalue().decode().splitlines()
