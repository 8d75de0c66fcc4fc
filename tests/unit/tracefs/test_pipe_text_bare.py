"""Records without flags, with a thread group or without an event's name, in both ways of reading."""

import io

import pytest

from ktrace.output.formats.text import Text
from ktrace.tracefs.pipe_text import TextParser
from tests.unit.tracefs.textlines import SITE, line, parse, probe, reading


def both_ways(text: bytes) -> list[tuple]:
    """Parse `text` in the fast way and in the slow one, and return the batches of both."""
    results = []
    for how in ("fast", "slow"):
        with reading(how):
            results.append(parse(text)[0])
    assert results[0] == results[1]
    return results[0]


@pytest.mark.parametrize(("group", "tgid"), [(b"(-----)", None), (b"( 3100)", 3100), (b"(12345)", 12345)])
@pytest.mark.parametrize("pid", [b"12     ", b"12   "])
def test_thread_group_of_five_characters(group, tgid, pid):
    head = b"            bash-" + pid + b" " + group + b" [000] d..3 10961.350323: "
    items = both_ways((head + b"kp: " + SITE + b" a=1\n") * 3)
    assert [(i[5], i[6], i[8], i[-1]) for i in items] == [(12, tgid, "d..3", {"a": 1})] * 3


@pytest.mark.parametrize("pid", [b"1178   ", b"1178 "])
@pytest.mark.parametrize("seconds", [b"    9", b" 9999", b"10000", b"100000", b"9000000000"])
def test_no_flags_and_one_blank_before_the_time(pid, seconds):
    text = b"          vmstat-" + pid + b" [000] " + seconds + b".021204: kp: " + SITE + b" a=1\n"
    items = both_ways(text * 3)
    assert [(i[3], i[8], i[-1]) for i in items] == [(int(seconds) * 10**9 + 21204000, "", {"a": 1})] * 3


def test_long_pid_moves_the_columns_of_a_narrow_field():
    text = b"          vmstat-4194304 [000] 10000.021204: a: b\n"
    assert [(i[5], i[3]) for i in both_ways(text * 3)] == [(4194304, 10000021204000)] * 3


@pytest.mark.parametrize("name", [b"", b"0", b"0x0", b"0x1", b"0x00000001"])
def test_text_of_a_bpf_program_names_no_function(name):
    """bpf_trace_printk before Linux 5.9."""
    items = both_ways(line(name + b": hello: you") * 2)
    assert [(i[1], i[-1]) for i in items] == [("", {"body": "hello: you"})] * 2


@pytest.mark.parametrize(
    ("body", "event"),
    [
        (b"sys_openat(dfd: ffffff9c, filename: 7f00, flags: 0, mode: 0)", "sys_enter_openat"),
        (b"sys_getpid()", "sys_enter_getpid"),
        (b"sys_openat -> 0x3", "sys_exit_openat"),
        (b"sys_openat -> 0xfffffffffffffffe", "sys_exit_openat"),
        (b'sys_access(filename: 0x55d0 "a: b", mode: 4)', "sys_enter_access"),
        (b'sys_access(filename: 0x55d0 "a\nb", mode: 4)', "sys_enter_access"),
        (b"vfs_read <-ksys_read", "function"),
        (b"vfs_read(file=0xffff888, buf=0x7f00, count=0x1) <-ksys_read", "function"),
        (b"getname() <-do_sys_openat2", "function"),
        (b'f [ext4](a=1, b="x: y") <-g [jbd2]', "function"),
        (b"# 1 buf: 72 61 77", "raw_data"),
    ],
)
def test_bodies_without_a_name_before_them(body, event):
    text = line(body) + probe(b" a=1")
    items = both_ways(text)
    assert (items[0][1], items[0][2], items[0][-1]) == (event, "text", {"body": body.decode()})
    assert len(items) == 2
    out = io.BytesIO()
    Text(out).write(TextParser().feed(text))
    assert out.getvalue().splitlines()[0].endswith(b": " + body.replace(b"\n", b"\\n"))


@pytest.mark.parametrize(
    "body", [b"sys_openat (a)", b"sys_openat -> 3", b"sys_openat(a", b"f(a <-g h", b"<-g"]
)
def test_bodies_that_only_resemble_one(body):
    parser = parse(line(body) + probe(b" a=1"))[1]
    assert (parser.events, parser.unparsed) == (1, 1)


def test_records_without_the_events_name_between_others():
    """All in one buffer, with and without a name, and with text that only looks like one of them."""
    bodies = (
        b"vfs_read <-ksys_read",
        b"wake: a <-b",
        b"sys_read(fd: 3)",
        b"sys_read: x",
        b"nothing",
        b"f <-g",
    )
    text = b"".join(line(body) for body in bodies * 20) + line(b"f <-g")
    items = both_ways(text)
    events = [item[1] for item in items if len(item) > 2]  # others are not understood
    assert events[:5] == ["function", "wake", "sys_enter_read", "sys_read", "function"]
    assert len(events) == 101
