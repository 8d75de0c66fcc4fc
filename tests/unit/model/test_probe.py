from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ktrace.errors import UsageError
from ktrace.model.fetch import FetchArg
from ktrace.model.place import AddressPlace, EventPlace, FilePlace, SymbolPlace, TracepointPlace
from ktrace.model.probe import ARGS_MAX, LINE_MAX, Probe

NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,62}", fullmatch=True)
GROUPS = st.from_regex(r"[A-Za-z_-][A-Za-z0-9_-]{0,62}", fullmatch=True)
OFFSETS = st.integers(0, (1 << 64) - 1)
SYMBOLS = st.builds(
    SymbolPlace,
    st.from_regex(r"[A-Za-z_.$][A-Za-z0-9_.$<>]{0,30}", fullmatch=True).filter(
        lambda s: not (len(s) == 16 and s[:4].lower() == "ffff")  # would be an address without 0x
    ),
    OFFSETS,
    st.none() | st.from_regex(r"[A-Za-z0-9_-]{1,20}", fullmatch=True),
)
ADDRESSES = st.builds(AddressPlace, st.integers(1 << 63, (1 << 64) - 1)) | st.builds(
    AddressPlace, st.integers(0, (1 << 63) - 1), st.just(True)
)
# What an uprobe's path may hold: the kernel splits words at ASCII blanks alone.
PATHS = st.text(st.characters(exclude_characters=" \t\n\v\f\r\0"), max_size=20).map(lambda s: "/" + s)
FILES = st.builds(FilePlace, PATHS, OFFSETS, st.none() | OFFSETS)
TRACEPOINTS = st.builds(TracepointPlace, NAMES)
EVENTS = st.builds(EventPlace, NAMES, NAMES)
ARGS = st.lists(
    st.builds(
        FetchArg,
        st.sampled_from(
            ["%di", "$retval", "+0(%si)", "+u8(+16($arg2))", "@jiffies", "\\-5", "count", "a->b"]
        ),
        st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,31}", fullmatch=True),
        st.none() | st.sampled_from(["u64", "x8[4]", "string", "b4@0/32", "%pd"]),
    ),
    max_size=4,
).map(tuple)
ACTIVE = st.integers(0, 4096)
KINDS = {
    "p": st.builds(Probe, st.just("p"), GROUPS, NAMES, SYMBOLS | ADDRESSES | FILES, ARGS),
    "r": st.builds(Probe, st.just("r"), GROUPS, NAMES, SYMBOLS | ADDRESSES | FILES, ARGS, maxactive=ACTIVE),
    "f": st.builds(Probe, st.just("f"), GROUPS, NAMES, SYMBOLS, ARGS, st.booleans(), ACTIVE),
    "t": st.builds(Probe, st.just("t"), GROUPS, NAMES, TRACEPOINTS, ARGS),
    "e": st.builds(
        Probe, st.just("e"), GROUPS, NAMES, EVENTS, ARGS, filter=st.sampled_from([None, "a == 1", "x>2"])
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_every_kind_reads_back_what_it_spells(kind, data):
    probe = data.draw(KINDS[kind])
    assert Probe.from_line(probe.to_line()) == probe


@pytest.mark.parametrize(
    ("line", "probe"),
    [
        (
            "p:kprobes/a vfs_read+16 x=%di:u64 y=+0(%si):string",
            Probe(
                "p",
                "kprobes",
                "a",
                SymbolPlace("vfs_read", 16),
                (FetchArg("%di", "x", "u64"), FetchArg("+0(%si)", "y", "string")),
            ),
        ),
        ("r10:g/a vfs_read", Probe("r", "g", "a", SymbolPlace("vfs_read"), maxactive=10)),
        ("p:a vfs_read", Probe("p", "kprobes", "a", SymbolPlace("vfs_read"))),
        ("r:a vfs_read", Probe("r", "kprobes", "a", SymbolPlace("vfs_read"))),
        ("f:a vfs_read", Probe("f", "fprobes", "a", SymbolPlace("vfs_read"))),
        ("t:a sched_switch", Probe("t", "tracepoints", "a", TracepointPlace("sched_switch"))),
        ("e:a sched/sched_switch", Probe("e", "eprobes", "a", EventPlace("sched", "sched_switch"))),
        ("p:my.dot vfs_read", Probe("p", "my", "dot", SymbolPlace("vfs_read"))),
        ("p:g/a vfs_read%return", Probe("r", "g", "a", SymbolPlace("vfs_read"))),
        ("f:g/a vfs_read%return", Probe("f", "g", "a", SymbolPlace("vfs_read"), at_return=True)),
        ("f:g/a tcp_[rs]*", Probe("f", "g", "a", SymbolPlace("tcp_[rs]*"))),
        (
            "p:g/a 0x00000000a1b2c3d4",
            Probe("p", "g", "a", AddressPlace(0xA1B2C3D4, hashed=True)),
        ),
        ("p:g/a 0xffffffff81000000", Probe("p", "g", "a", AddressPlace(0xFFFFFFFF81000000))),
        ("p:g/a /bin/a:b:0x10(0x20)", Probe("p", "g", "a", FilePlace("/bin/a:b", 16, 32))),
        ("p:g/a /bin/ls:010", Probe("p", "g", "a", FilePlace("/bin/ls", 8))),
        ("p:g/a /bin/ls:4096%return", Probe("r", "g", "a", FilePlace("/bin/ls", 4096))),
        (
            "e:g/a sched.sched_switch p=$prev_pid:u32 if prev_pid > 1 && next_pid == 2",
            Probe(
                "e",
                "g",
                "a",
                EventPlace("sched", "sched_switch"),
                (FetchArg("$prev_pid", "p", "u32"),),
                filter="prev_pid > 1 && next_pid == 2",
            ),
        ),
        (
            "p:g/a\tvfs_read \t x=%di  ",
            Probe("p", "g", "a", SymbolPlace("vfs_read"), (FetchArg("%di", "x"),)),
        ),
        ("p:g/a f %di:u8", Probe("p", "g", "a", SymbolPlace("f"), (FetchArg("%di", None, "u8"),))),
        ("p:g/a f if if", Probe("p", "g", "a", SymbolPlace("f"), (FetchArg("if"), FetchArg("if")))),
    ],
)
def test_lines_of_the_kernel_and_of_people(line, probe):
    assert Probe.from_line(line) == probe


@pytest.mark.parametrize(
    ("line", "caret"),
    [
        ("", 0),
        ("x:g/a f", 0),
        ("s:synthetic/a\tint b", 0),
        ("p f", 0),
        ("p:g/a", 0),
        ("p:g/a  ", 7),
        ("-:g/a", 0),
        ("p:g/a/b f", 0),
    ],
)
def test_what_is_no_definition(line, caret):
    with pytest.raises(UsageError) as error:
        Probe.from_line(line)
    assert (error.value.excerpt, error.value.caret) == (line, caret)


@given(st.text("prfte:/.0123 vfs_read+x%return$=(),-@\\\t", max_size=30) | st.text())
@example("p:u /bin/x:08")
@example("p:u /bin/x:0x1(09)")
@example("r" + "9" * 5000 + ":a f")
@example("p:u /bin/x:" + "9" * 5000)
@example("p:a f+" + "9" * 5000)
@example("p\N{ARABIC-INDIC DIGIT THREE}:u f")
def test_random_lines_are_probes_or_usage_errors(text):
    for line in (text, "p:g/a " + text, "r:g/a " + text, "e:g/a " + text):
        try:
            probe = Probe.from_line(line)
            probe.checked()
        except UsageError:
            continue
        if probe.args == () or all(arg.type != "" for arg in probe.args):
            assert Probe.from_line(probe.to_line()).to_line() == probe.to_line()


PROBE = Probe("p", "g", "a", SymbolPlace("f"))


def test_names_of_a_probe():
    assert PROBE.event == "g/a"
    assert PROBE.to_delete_line() == "-:g/a"


@pytest.mark.parametrize(
    ("probe", "is_return"),
    [
        (PROBE, False),
        (replace(PROBE, kind="r"), True),
        (replace(PROBE, kind="f"), False),
        (replace(PROBE, kind="f", at_return=True), True),
    ],
)
def test_return_probes(probe, is_return):
    assert probe.is_return == is_return


def test_return_suffix_is_spelled_for_fprobes_alone():
    assert replace(PROBE, kind="f", at_return=True).to_line() == "f:g/a f%return"
    assert replace(PROBE, kind="r", maxactive=5).to_line() == "r5:g/a f"


@pytest.mark.parametrize(
    "probe",
    [
        PROBE,
        replace(PROBE, kind="r", maxactive=4096),
        replace(PROBE, group="my-group"),
        replace(PROBE, place=SymbolPlace("f", 4)),
        replace(PROBE, args=(FetchArg("%di", "x"),) * ARGS_MAX),
    ],
)
def test_checked_returns_the_probe(probe):
    assert probe.checked() is probe


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        (replace(PROBE, name="9"), "event name"),
        (replace(PROBE, group="9"), "group name"),
        (replace(PROBE, maxactive=1), "return probes only"),
        (replace(PROBE, kind="r", maxactive=4097), "1 to 4096"),
        (replace(PROBE, kind="r", maxactive=-1), "1 to 4096"),
        (replace(PROBE, kind="r", place=SymbolPlace("f", 4)), "entry, not at \\+4"),
        (replace(PROBE, kind="f", at_return=True, place=SymbolPlace("f", 4)), "entry, not at"),
        (replace(PROBE, args=(FetchArg("%di", "x"),) * (ARGS_MAX + 1)), "129 arguments"),
    ],
)
def test_checked_refuses_what_the_kernel_refuses(probe, words):
    with pytest.raises(UsageError, match=words):
        probe.checked()


def test_a_line_may_be_as_long_as_the_kernel_takes_and_no_longer():
    head = len("p:g/a f x=")
    fits = replace(PROBE, args=(FetchArg("y" * (LINE_MAX - head), "x"),))
    assert len(fits.checked().to_line()) == LINE_MAX
    with pytest.raises(UsageError, match="4095 bytes; the kernel takes 4094"):
        replace(PROBE, args=(FetchArg("y" * (LINE_MAX - head + 1), "x"),)).checked()


def test_the_length_is_measured_in_bytes_that_are_no_utf8_included():
    long = replace(PROBE, place=FilePlace("/" + "é" * 2040 + "\udce9" * 20, 0))
    with pytest.raises(UsageError, match="the kernel takes 4094"):
        long.checked()
    short = replace(PROBE, place=FilePlace("/\udce9", 0))
    assert short.checked() is short


def test_a_uprobes_return_with_a_reference_counter() -> None:
    probe = Probe.from_line("p:u/x /bin/my:0x10%return(0x20) a=%di")
    assert probe.kind == "r" and probe.place == FilePlace("/bin/my", 0x10, 0x20)
    assert Probe.from_line(probe.to_line()) == probe
    assert Probe.from_line("p:u/x /bin/my:0x10%return").kind == "r"
