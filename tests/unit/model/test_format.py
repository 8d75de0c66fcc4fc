from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.errors import UsageError
from ktrace.model.format import Arg, Field, Format, Signature, parse_format
from tests.fuzz.reduce import key_of
from tests.fuzz.targets.events import Formats

COMMON = """\
name: {name}
ID: 1392
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

"""
ENTRY = COMMON.format(name="kp") + (
    "\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:u64 fd;\toffset:16;\tsize:8;\tsigned:0;\n"
    "\tfield:u32 cnt;\toffset:24;\tsize:4;\tsigned:0;\n"
    "\tfield:__data_loc char[] comm;\toffset:28;\tsize:4;\tsigned:1;\n"
    "\tfield:u64 st[];\toffset:32;\tsize:16;\tsigned:0;\n"
    "\tfield:s64 off;\toffset:48;\tsize:8;\tsigned:1;\n"
    "\tfield:char c;\toffset:56;\tsize:1;\tsigned:0;\n"
    "\tfield:u64 f;\toffset:57;\tsize:8;\tsigned:0;\n"
    "\tfield:__data_loc char[][2] d;\toffset:65;\tsize:8;\tsigned:1;\n"
    "\n"
    'print fmt: "(%lx) fd=0x%Lx cnt=%u comm=\\"%s\\" st={0x%Lx,0x%Lx} off=%Ld c=\'%c\' f=%pS '
    'd={\\"%s\\",\\"%s\\"}", REC->__probe_ip, REC->fd\n'
)
RETURN = COMMON.format(name="kr") + (
    "\tfield:unsigned long __probe_func;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:unsigned long __probe_ret_ip;\toffset:16;\tsize:8;\tsigned:0;\n"
    "\tfield:s64 ret;\toffset:24;\tsize:8;\tsigned:1;\n"
    "\n"
    'print fmt: "(%lx <- %lx) ret=%Ld", REC->__probe_func, REC->__probe_ret_ip, REC->ret\n'
)


def field(declaration, size, signed=0):
    line = f"\tfield:{declaration};\toffset:8;\tsize:{size};\tsigned:{signed};\n"
    return parse_format(COMMON.format(name="x") + line).fields[-1]


def test_an_entry_probe():
    form = parse_format(ENTRY, "kprobes")
    assert (form.system, form.name, form.id) == ("kprobes", "kp", 1392)
    assert [f.name for f in form.fields[:5]] == [
        "common_type",
        "common_flags",
        "common_preempt_count",
        "common_pid",
        "__probe_ip",
    ]
    assert form.args == (
        Field("fd", "u64", 16, 8, False),
        Field("cnt", "u32", 24, 4, False),
        Field("comm", "char", 28, 4, True, "data_loc", 1),
        Field("st", "u64", 32, 16, False, "array", 2),
        Field("off", "s64", 48, 8, True),
        Field("c", "char", 56, 1, False),
        Field("f", "u64", 57, 8, False),
        Field("d", "char", 65, 8, True, "data_loc", 2, is_list=True),
    )
    assert (form.is_probe, form.is_return) == (True, False)
    assert form.print_fmt.startswith('"(%lx) fd=') and form.print_fmt.endswith("REC->fd")


def test_its_signature():
    assert parse_format(ENTRY).signature() == Signature(
        "kp",
        (
            Arg("fd", "hex"),
            Arg("cnt", "dec"),
            Arg("comm", "str"),
            Arg("st", "hex", 2),
            Arg("off", "dec"),
            Arg("c", "char"),
            Arg("f", "sym"),
            Arg("d", "str", 2),
        ),
    )


@pytest.mark.parametrize(("brackets", "length"), [("[]", None), ("[][1]", 1), ("[][2]", 2)])
def test_an_array_of_one_text_is_an_array(brackets, length):
    """`string[1]` has braces in the kernel's text, and `string` has none."""
    text = COMMON.format(name="p") + (
        "\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
        f"\tfield:__data_loc char{brackets} s;\toffset:16;\tsize:{4 * (length or 1)};\tsigned:1;\n"
        'print fmt: "(%lx) s=", REC->__probe_ip\n'
    )
    assert parse_format(text).signature().args == (Arg("s", "str", length),)


def test_a_return_probe():
    form = parse_format(RETURN)
    assert (form.is_probe, form.is_return) == (True, True)
    assert form.signature() == Signature("kr", (Arg("ret", "dec"),), is_return=True)


def test_a_name_that_ends_another_is_not_taken_for_it():
    text = COMMON.format(name="kp") + (
        "\tfield:u64 d;\toffset:8;\tsize:8;\tsigned:0;\n"
        "\tfield:u64 fd;\toffset:16;\tsize:8;\tsigned:0;\n"
        'print fmt: "(%lx) fd=0x%Lx d=%Lu", REC->fd\n'
    )
    assert parse_format(text).signature().args == (Arg("d", "dec"), Arg("fd", "hex"))


def test_a_static_event():
    form = Format("sched", "x", 1, (Field("prev_comm", "char", 8, 16, True, "array", 16),))
    assert (form.is_probe, form.is_return) == (False, False)


@pytest.mark.parametrize(
    ("declaration", "size", "expected"),
    [
        ("char prev_comm[16]", 16, ("prev_comm", "char", "array", 16)),
        ("u64 st[2]", 16, ("st", "u64", "array", 2)),  # kernels up to 5.15
        ("u16 a[]", 16, ("a", "u16", "array", 8)),
        ("const u32 a[4]", 16, ("a", "const u32", "array", 4)),
        ("unsigned long args[6]", 48, ("args", "unsigned long", "array", 6)),
        ("void * a[2]", 16, ("a", "void *", "array", 2)),
        ("enum kind a[2]", 8, ("a", "enum kind", "array", 2)),
        ("char * name", 8, ("name", "char *", "scalar", 1)),
        ("const char *name", 8, ("name", "const char *", "scalar", 1)),
        ("unsigned int x", 4, ("x", "unsigned int", "scalar", 1)),
        ("__rel_loc char[] s", 4, ("s", "char", "rel_loc", 1)),
        ("__data_loc char[] s", 4, ("s", "char", "data_loc", 1)),
        ("__data_loc unsigned long[] s", 4, ("s", "unsigned long", "data_loc", 1)),
        ("__data_loc char[][3] s", 12, ("s", "char", "data_loc", 3)),
        ("__data_loc char[] s", 12, ("s", "char", "data_loc", 3)),
    ],
)
def test_declarations(declaration, size, expected):
    found = field(declaration, size)
    assert (found.name, found.ctype, found.shape, found.count) == expected


@pytest.mark.parametrize(
    ("size", "types"),
    [
        (1, "char u8 s8 x8 bool __u8"),
        (2, "u16 s16 x16 short __u16"),
        (4, "u32 s32 x32 int unsigned __u32"),
        (8, "u64 s64 x64 long __u64 size_t*"),
    ],
)
def test_the_number_of_elements_follows_from_the_type(size, types):
    for ctype in types.split():
        assert field(f"{ctype} a[]", 5 * size).count == 5, ctype
    for ctype in {1: ["unsigned char"], 2: ["unsigned short"], 4: ["unsigned int"], 8: ["long long"]}[size]:
        assert field(f"{ctype} a[]", 5 * size).count == 5, ctype


def test_signs():
    assert field("int a", 4, 1).signed
    assert not field("int a", 4, 0).signed


def test_the_sign_may_be_missing():
    text = COMMON.format(name="x") + "\tfield:u8 a;\toffset:8;\tsize:1;\n"
    assert parse_format(text).fields[-1] == Field("a", "u8", 8, 1, False)


@pytest.mark.parametrize("text", ["", "name: x\n", "ID: 3\n", "hello"])
def test_what_is_no_format_file(text):
    with pytest.raises(UsageError, match="not an event's format file"):
        parse_format(text)


@given(st.text(max_size=40), st.integers(0, 99))
def test_any_declaration_is_read_without_a_crash(declaration, size):
    for prefix in ("", "__data_loc ", "__rel_loc "):
        with suppress(UsageError):
            field(prefix + declaration, size)


@pytest.mark.parametrize(
    ("brackets", "size", "count"), [("[]", 4, 1), ("[][2]", 8, 2), ("[1 ", 8, 2), ("[8]", 4, 1)]
)
def test_as_many_references_as_there_is_room_for(brackets, size, count):
    text = (
        f"name: p\nID: 1\nformat:\n\tfield:__data_loc char{brackets} s;\toffset:8;\tsize:{size};\tsigned:1;\n"
    )
    assert parse_format(text).fields[0].count == count


def test_a_text_of_a_synthetic_event_fills_half_its_slot() -> None:
    text = (
        "name: lat\nID: 9\nformat:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
        "\tfield:u64 lat;\toffset:8;\tsize:8;\tsigned:0;\n"
        "\tfield:__data_loc char[] v1;\toffset:16;\tsize:8;\tsigned:1;\n"
        '\tfield:int v2;\toffset:24;\tsize:4;\tsigned:1;\n\nprint fmt: ""\n'
    )
    (text_field,) = [f for f in parse_format(text, "synthetic").fields if f.name == "v1"]
    assert (text_field.size, text_field.count, text_field.shape) == (4, 1, "data_loc")
    # Of an older kernel's probe this is two texts.
    (two,) = [f for f in parse_format(text, "kprobes").fields if f.name == "v1"]
    assert (two.size, two.count) == (8, 2)


PID = "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;"
CNT = "\tfield:u32 cnt;\toffset:24;\tsize:4;\tsigned:0;"
LOC = "\tfield:__data_loc char[] comm;\toffset:28;\tsize:4;\tsigned:1;"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (PID, PID.replace("size:4", "size:0"), "'common_pid' has 0 bytes"),
        (PID, PID.replace("size:4", "size:7"), "'common_pid' has 7 bytes"),
        (PID, PID.replace("common_pid", "common_pid[2]"), "'common_pid' has 4 bytes"),
        (PID, PID + "\n" + PID, "two fields 'common_pid'"),
        (CNT, CNT.replace("offset:24", "offset:65535"), "'cnt' ends after 65539 bytes"),
        (CNT, CNT.replace("size:4", "size:4294967296"), "a field without an offset and a size"),
        (CNT, CNT.replace("offset:24", "offset:" + "9" * 5000), "a field without an offset and a size"),
        (CNT, CNT.replace("offset:24", "offset:-1"), "a field without an offset and a size"),
        (LOC, LOC.replace("size:4", "size:2"), "'comm' refers to its data in 2 bytes"),
        (LOC, LOC.replace("size:4", "size:7"), "'comm' refers to its data in 7 bytes"),
        ("ID: 1392", "ID: 65536", "an ID of 65536"),
        (CNT, "\n".join(CNT.replace("cnt", f"c{n}") for n in range(1100)), "fields"),
    ],
)
def test_a_format_that_no_record_can_be_read_by(old, new, problem):
    with pytest.raises(UsageError, match=f"the format of kp makes no sense: .*{problem}"):
        parse_format(ENTRY.replace(old, new))


@pytest.mark.parametrize(
    "text",
    [
        "name: x\nID: 1\n" + "\tfield:" * 60000,
        "name: x\nID: 1\n\tfield:" + "a " * 120000 + ";\toffset:8;\tsize:4;\n",
        "name: x\nID: 1\n\tfield:int a" + "[1]" * 80000 + ";\toffset:8;\tsize:4;\n",
        "name: x\nID: 1\n\tfield:int " + "a" * 250000 + "!;\toffset:8;\tsize:4;\n",
    ],
)
def test_no_format_is_slow_to_read(text, tmp_path):
    assert key_of(Formats(tmp_path), b"probes\n" + text.encode()) is None


@pytest.mark.parametrize("declaration", ["char buf", "char buf[]", "unsigned long caller", "u32 buf"])
def test_a_last_field_of_size_0_goes_on_to_the_end(declaration: str) -> None:
    """Linux before 5.5 declares it without brackets."""
    text = COMMON.format(name="print") + (
        "\tfield:unsigned long ip;\toffset:8;\tsize:8;\tsigned:0;\n"
        f"\tfield:{declaration};\toffset:16;\tsize:0;\tsigned:0;\n"
        "\nprint fmt: \"\"\n"
    )  # fmt: skip
    last = parse_format(text, "ftrace").fields[-1]
    assert (last.shape, last.size, last.count) == ("array", 0, 0)


@pytest.mark.parametrize(
    ("ctype", "wide", "narrow"),
    [
        ("unsigned long", 8, 4), ("long", 8, 4), ("size_t", 8, 4), ("void *", 8, 4), ("cpumask_t", 8, 4),
        ("long long", 8, 8), ("u64", 8, 8), ("unsigned long long", 8, 8), ("long long *", 8, 4),
        ("__le16", 2, 2), ("__s8", 1, 1), ("uint8_t", 1, 1), ("s16", 2, 2), ("int", 4, 4), ("pid_t", 4, 4),
        ("struct x", 1, 1), ("const u8", 1, 1), ("enum x", 4, 4),
    ],
)  # fmt: skip
def test_elements_of_64_and_32_bits(ctype: str, wide: int, narrow: int) -> None:
    text = COMMON.format(name="e") + f"\tfield:__data_loc {ctype}[] a;\toffset:8;\tsize:4;\tsigned:0;\n"
    assert [parse_format(text, long=long).args[0].width for long in (8, 4)] == [wide, narrow]


def test_characters_are_bytes_if_they_are_printed_as_bytes() -> None:
    text = COMMON.format(name="e") + (
        "\tfield:char a[6];\toffset:8;\tsize:6;\tsigned:1;\n"
        "\tfield:char b[6];\toffset:14;\tsize:6;\tsigned:1;\n"
        '\nprint fmt: "%pM %s", REC->a, REC->b\n'
    )
    form = parse_format(text, "test")
    assert [form.is_data(field) for field in form.args] == [True, False]
