"""The kernel's text, trap by trap. Both ways of reading are held to the same answers."""

import pytest

from ktrace.model.batch import Lost, Stack, Unparsed
from ktrace.tracefs.pipe_text import LINE_MAX, RECORD_MAX, TextParser
from ktrace.tracefs.text_grammar import BufferAccount
from tests.unit.tracefs.textlines import SITE, args_of, flat, line, parse, probe, reading, signature


@pytest.fixture(autouse=True, params=["fast", "slow"])
def way(request):
    with reading(request.param):
        yield request.param


def only(text, signatures=None):
    items, _ = parse(text, signatures)
    assert len(items) == 1
    return items[0]


def test_every_field_of_a_probe_line():
    text = b"       my prog-1-149     [001] .....     3.125954: kp: (vfs_read+0x4/0x370) fd=0xff34 cnt=10\n"
    assert only(text) == (
        0, "kp", "entry", 3_125_954_000, 1, 149, None, "my prog-1", ".....",
        "vfs_read+0x4/0x370", None, None, False, {"fd": 0xFF34, "cnt": 10},
    )  # fmt: skip


def test_return_probe_has_function_and_return_site():
    item = only(line(b"r: (ksys_read+0x6f/0xf0 <- vfs_read) r=-11"))
    assert item[2] == "return"
    assert item[9:12] == (None, "vfs_read", "ksys_read+0x6f/0xf0")
    assert item[-1] == {"r": -11}


@pytest.mark.parametrize(
    "comm",
    [
        b"", b"<idle>", b"<...>", b"]-12 [000]", b"a:b", b"x-1", b" lead", b"tab\tx", b"\xff\xfe\x80",
        b"a\nb", b"\n", b"\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n", b"fifteen-letters", b"-----", b"=> x",
    ],
)  # fmt: skip
def test_comm_is_the_first_16_bytes_whatever_they_are(comm):
    items, parser = parse(probe(b" a=1") + probe(b" a=2", comm=comm) + probe(b" a=3"), signature("a:dec"))
    assert [i["a"] for i in args_of(items)] == [1, 2, 3]
    assert items[1][7] == comm.lstrip(b" ").decode(errors="surrogateescape")
    assert parser.unparsed == 0


def test_negative_pid():
    assert only(probe(b" a=1", comm=b"<XXX>", pid=-7))[5] == -7


@pytest.mark.parametrize(
    ("flags", "want"), [(b"d..1", "d..1"), (b"d..1.", "d..1."), (None, ""), (b"....1..", "....1..")]
)
def test_flag_columns_of_all_kernels(flags, want):
    assert only(probe(b" a=1", flags=flags))[8] == want


def test_tgid_column_and_unknown_tgid():
    text = probe(b" a=1", tgid=b"77") + probe(b" a=2", tgid=b"-------")
    assert [item[6] for item in parse(text)[0]] == [77, None]


@pytest.mark.parametrize(
    ("time", "ts", "ticks"),
    [
        (b"    3.125954", 3_125_954_000, False),
        (b"    0.000000", 0, False),
        (b"123456.999999", 123_456_999_999_000, False),
        (b"1790000000.000001", 1_790_000_000_000_001_000, False),
        (b"          42", 42, True),
        (b"1234567890123456", 1_234_567_890_123_456, True),
    ],
)
def test_clocks(time, ts, ticks):
    item = only(probe(b" a=1", time=time))
    assert (item[3], item[12]) == (ts, ticks)


@pytest.mark.parametrize("time", [b"9223372036.854776", b"9999999999.000000", b"9223372036854775808"])
def test_time_that_no_clock_shows(time):
    items, _ = parse(probe(b" a=1") + probe(b" a=2", time=time) + probe(b" a=3"))
    assert [type(i[1]) for i in items] == [str, Unparsed, str]


@pytest.mark.parametrize("cpu", [0, 7, 127, 1024])
def test_cpu_numbers_of_any_width(cpu):
    assert only(probe(b" a=1", cpu=cpu))[4] == cpu


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("dec", b"0", 0), ("dec", b"-1", -1), ("dec", b"9223372036854775807", 2**63 - 1),
        ("dec", b"9223372036854775808", 2**63), ("dec", b"18446744073709551615", 2**64 - 1),
        ("dec", b"-9223372036854775808", -(2**63)), ("dec", b"12345678", 12345678),
        ("dec", b"1234567890123456", 1234567890123456), ("hex", b"0x0", 0), ("hex", b"0xf", 15),
        ("hex", b"0xffffffffffffffff", 2**64 - 1), ("hex", b"0xdeadbeef", 0xDEADBEEF),
        ("hex", b"0xabcdef012", 0xABCDEF012), ("str", b'""', ""), ("str", b'"/etc/passwd"', "/etc/passwd"),
        ("str", b"(fault)", None), ("str", b'"(fault)"', "(fault)"), ("char", b"'x'", "x"),
        ("char", b"'\xff'", "\udcff"), ("char", b"'''", "'"), ("char", b"'\n'", "\n"),
        ("char", b"'\0'", "\0"), ("sym", b"vfs_read+0x4/0x370", "vfs_read+0x4/0x370"),
        ("sym", b"ext4_x+0x0/0x10 [ext4]", "ext4_x+0x0/0x10 [ext4]"), ("sym", b"0xffff", "0xffff"),
        ("dec:3", b"{1,-2,3}", [1, -2, 3]), ("hex:2", b"{0x1,0xffffffffffffffff}", [1, 2**64 - 1]),
        ("str:2", b'{"a,b",(fault)}', ["a,b", None]), ("char:3", b"{'a',',','}'}", ["a", ",", "}"]),
        ("dec:2", b"{-1,18446744073709551615}", [-1, 2**64 - 1]),
    ],
)  # fmt: skip
def test_values_of_each_kind_between_others(kind, text, value):
    body = b" a=7 v=" + text + b" z=-9"
    for tail in (b"", probe(b" a=7 v=" + text + b" z=-9")):
        items, parser = parse(probe(body) + tail, signature("a:dec", f"v:{kind}", "z:dec"))
        assert args_of(items)[0] == {"a": 7, "v": value, "z": -9}
        assert parser.unparsed == 0


def test_unsigned_beyond_int64_next_to_negative_stays_exact():
    text = probe(b" a=-1") + probe(b" a=18446744073709551615") + probe(b" a=9223372036854775808")
    items, _ = parse(text, signature("a:dec"))
    assert args_of(items) == [{"a": -1}, {"a": 2**64 - 1}, {"a": 2**63}]


@pytest.mark.parametrize("number", [99999999999999999999, 2**64, -(2**63) - 1, -(2**64) + 1])
def test_number_that_no_column_holds_is_still_exact(number):
    items, _ = parse(probe(b" a=%d" % number), signature("a:dec"))
    assert args_of(items) == [{"a": number}]


@pytest.mark.parametrize("symbol", [b"a,b", b"a{", b"", b" [m]", b"f [m", b"f [m\nx]", b"f [m] "])
def test_what_is_no_symbol(symbol):
    items, parser = parse(probe(b" f=" + symbol + b" n=1") + probe(b" f=g n=2"), signature("f:sym", "n:dec"))
    assert args_of(items) == [{"f": "g", "n": 2}]
    assert parser.unparsed == 1 + symbol.count(b"\n")


@pytest.mark.parametrize(
    "string",
    [
        b'say "hi"', b'"', b'""', b'" n=5', b"a\nb", b"\n", b"\n\n", b"\nCPU:3 [LOST 5 EVENTS]\n",
        b"# tracer: x", b"\n# comment\n", b" => frame\n => frame", b"\x1b[31mred", b"\xff\xfe", b"a=1 b=2",
        b"[LINE TOO BIG]", b"x\n##### CPU 1 buffer started ####\ny", b"(fault)", b"{1,2}", b" [mod]",
        b'" m="', b"\\n",
    ],
)  # fmt: skip
def test_strings_hold_anything(string):
    sig = signature("p:str", "n:dec")
    text = probe(b' p="x" n=1') + probe(b' p="' + string + b'" n=2') + probe(b' p="y" n=3')
    items, parser = parse(text, sig)
    assert [a["p"] for a in args_of(items)] == ["x", string.decode(errors="surrogateescape"), "y"]
    assert [a["n"] for a in args_of(items)] == [1, 2, 3]
    assert (parser.unparsed, parser.lost) == (0, 0)


@pytest.mark.parametrize("string", [b'say "hi"', b'"', b"a\nb", b'a"\nb', b'" x=5', b"\n\n", b'"\n"\n'])
def test_last_string_ends_with_the_record(string):
    sig = signature("p:str")
    text = probe(b' p="' + string + b'"') + probe(b' p="y"')
    assert [a["p"] for a in args_of(parse(text, sig)[0])] == [string.decode(), "y"]


def test_string_with_a_whole_line_in_it_is_read_through_its_end():
    fake = probe(b' p="no" n=6').rstrip(b"\n").replace(b'"', b"'")
    text = probe(b' p="x\n' + fake + b'\ny" n=1') + probe(b' p="z" n=2')
    items, parser = parse(text, signature("p:str", "n:dec"))
    assert [a["n"] for a in args_of(items)] == [1, 2]
    assert items[0][-1]["p"] == "x\n" + fake.decode() + "\ny"
    assert parser.unparsed == 0


def test_unclosed_string_does_not_swallow_the_next_records():
    text = probe(b' p="x n=1') + probe(b" p=(fault) n=2") + probe(b" p=(fault) n=3")
    items, parser = parse(text, signature("p:str", "n:dec"))
    assert [a["n"] for a in args_of(items)] == [2, 3]
    assert parser.unparsed == 1


def test_two_strings_with_quotes():
    text = probe(b' a="x"y" b="1\n2" c=3')
    assert args_of(parse(text, signature("a:str", "b:str", "c:dec"))[0]) == [
        {"a": 'x"y', "b": "1\n2", "c": 3}
    ]


def test_string_array_with_quotes():
    text = probe(b' d={"a","b","c"}')
    want = [{"d": ["a", 'b","c']}]
    got = args_of(parse(text, signature("d:str:2"))[0])
    assert got in (want, [{"d": ['a","b', "c"]}])  # nothing tells which; both are its bytes


def test_lost_in_both_forms():
    text = b"CPU:3 [LOST 1785 EVENTS]\n" + probe(b" a=1") + b"CPU:10 [LOST EVENTS]\n" + probe(b" a=2")
    items, parser = parse(text)
    assert [i[1] for i in items if len(i) == 2] == [Lost(0, 3, 1785), Lost(2, 10, None)]
    assert (parser.events, parser.lost, parser.lost_unknown, parser.unparsed) == (2, 1785, 1, 0)


def test_stacks_of_kernel_and_user():
    text = (
        probe(b" a=1")
        + line(b"<stack trace>", comm=b"x y", pid=3) + b" => vfs_read\n => [FTRACE TRAMPOLINE]\n"
        + line(b"<user stack trace>") + b" =>  <0000000000433e3d>\n => /bin/true[+0x1]\n"
        + probe(b" a=2")
    )  # fmt: skip
    items, parser = parse(text)
    assert items[1][1] == Stack(
        1, 3_125_954_000, 1, 3, "x y", False, ("vfs_read", "[FTRACE TRAMPOLINE]"), ".....", None, False
    )
    assert items[2][1].user
    assert items[2][1].frames == ("<0000000000433e3d>", "/bin/true[+0x1]")
    assert (parser.events, parser.unparsed) == (2, 0)


def test_static_event_is_one_text():
    text = line(b"sched_switch: prev_comm=a prev_pid=1 ==> next_comm=b") + probe(b" a=1")
    items, _ = parse(text)
    assert items[0][1:3] == ("sched_switch", "text")
    assert items[0][-1] == {"body": "prev_comm=a prev_pid=1 ==> next_comm=b"}


@pytest.mark.parametrize(
    ("body", "event", "text"),
    [
        (b"tracing_mark_write: hello", "tracing_mark_write", "hello"),
        (b"tracing_mark_write+0xdf/0x280: hello", "tracing_mark_write", "hello"),
        (b"tracing_mark_write: one\n\n# two\n three", "tracing_mark_write", "one\n\n# two\n three"),
        (b"tracing_mark_write: (vfs_read+0x4/0x370) a=1", "tracing_mark_write", "(vfs_read+0x4/0x370) a=1"),
        (b"tracing_mark_write: ", "tracing_mark_write", ""),
        (b"# 1 buf: 72 61 77", "raw_data", "# 1 buf: 72 61 77"),
        (b"vfs_read <-ksys_read", "function", "vfs_read <-ksys_read"),
        (b"foo: (not a place) x", "foo", "(not a place) x"),
    ],
)
def test_bodies_that_are_text(body, event, text):
    items, parser = parse(line(body) + probe(b" a=1"))
    assert (items[0][1], items[0][2], items[0][-1]) == (event, "text", {"body": text})
    assert parser.unparsed == 0


@pytest.mark.parametrize(
    "odd",
    [
        b"[LINE TOO BIG]", b"", b"garbage", b"    bash-12      1d..1    5us : x: y", b"\0\0\0", b"\xff",
        line(b"Unknown type 1234")[:-1], line(b"no colon here")[:-1], line(b"")[:-1],
    ],
)  # fmt: skip
def test_what_is_not_understood_is_delivered(odd):
    items, parser = parse(probe(b" a=1") + odd + b"\n" + probe(b" a=2"))
    assert [i[1] for i in items if len(i) == 2] == [Unparsed(1, odd)]
    assert (parser.events, parser.unparsed) == (2, 1)


def test_broken_probe_line_is_unparsed_not_text():
    items, _ = parse(probe(b" a=1") + probe(b" a=zz") + probe(b" a=2"), signature("a:dec"))
    assert [type(i[1]) for i in items] == [str, Unparsed, str]


def test_annotation_is_no_event():
    items, parser = parse(probe(b" a=1") + b"##### CPU 1 buffer started ####\n" + probe(b" a=2"))
    assert len(items) == 2
    assert parser.unparsed == 0


HEADER = (
    b"# tracer: nop\n#\n# entries-in-buffer/entries-written: 15/17   #P:2\n#\n"
    b"#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION\n#              | |         |\n"
)


def test_header_of_trace_gives_the_account():
    items, parser = parse(HEADER + probe(b" a=1") + HEADER.replace(b"17", b"18") + probe(b" a=2"))
    assert len(items) == 2
    assert parser.account == BufferAccount(15, 18, 2)
    assert parser.unparsed == 0


def test_comment_after_the_first_record_is_no_header():
    _, parser = parse(HEADER + probe(b" a=1") + b"# hm\n")
    assert parser.unparsed == 1


def test_last_line_without_newline_was_cut():
    items, parser = parse(probe(b" a=1") + probe(b" a=10")[:-2])
    assert args_of(items) == [{"a": 1}]
    assert isinstance(items[1][1], Unparsed)
    assert parser.unparsed == 1


def test_idle_gives_the_last_record_once():
    parser = TextParser()
    assert len(parser.feed(probe(b" a=1"))) == 0
    assert len(parser.idle()) == 1
    assert len(parser.idle()) == 0
    parser.feed(probe(b" a=2")[:-3])
    assert len(parser.idle()) == 0
    parser.feed(probe(b" a=2")[-3:])
    assert args_of(flat([parser.finish()])) == [{"a": 2}]
    assert parser.events == 2


def test_event_of_two_groups_with_other_arguments():
    text = probe(b" a=1") + probe(b' s="x" n=0x5') + probe(b" a=2")
    assert args_of(parse(text, signature("a:dec"))[0]) == [{"a": 1}, {"s": "x", "n": 5}, {"a": 2}]


def test_signatures_of_two_groups_with_one_name():
    both = [*signature("a:dec").values(), *signature("s:str", "n:hex").values()]
    text = probe(b" a=1") + probe(b' s="x"y" n=0x5')
    assert args_of(parse(text, {"kp": both})[0]) == [{"a": 1}, {"s": 'x"y', "n": 5}]


def test_record_that_two_shapes_fit_comes_once():
    both = [*signature("a:dec").values(), *signature("a:sym").values()]
    assert args_of(parse(probe(b" a=1") * 3, {"kp": both})[0]) == [{"a": 1}] * 3


def test_entry_and_return_of_one_name():
    text = (probe(b" a=1", place=b"(f+0x0/0x1 <- g)") + probe(b" a=2")) * 3
    items, _ = parse(text)
    assert [(i[9], i[10], i[11]) for i in items] == [
        (None, "g", "f+0x0/0x1"),
        ("vfs_read+0x4/0x370", None, None),
    ] * 3


def test_string_that_closes_before_what_looks_like_the_kernels_line():
    text = probe(b' p="x"\nCPU:1 [LOST 5 EVENTS]\n" n=1') + probe(b' p="y" n=2')
    items, parser = parse(text, signature("p:str", "n:dec"))
    assert args_of(items) == [{"p": 'x"\nCPU:1 [LOST 5 EVENTS]\n', "n": 1}, {"p": "y", "n": 2}]
    assert parser.lost == 0


def test_long_place_at_the_end_of_a_buffer():
    place = b"(" + b"f" * 400 + b"+0x0/0x1)"
    assert [i["a"] for i in args_of(parse(probe(b" a=1", place=place) * 3)[0])] == [1, 1, 1]


def test_event_without_arguments_and_other_places():
    text = b"".join(
        probe(b"", place=p) for p in (SITE, b"(0x401136)", b"(sched.sched_switch)", b"(a+0x0/0x1 [m])")
    )
    items, parser = parse(text)
    assert [i[9] for i in items] == ["vfs_read+0x4/0x370", "0x401136", "sched.sched_switch", "a+0x0/0x1 [m]"]
    assert parser.unparsed == 0


def test_learned_address_becomes_a_symbol():
    text = probe(b" f=0x10") + probe(b" f=vfs_read+0x4/0x370") + probe(b" f=0x20")
    got = [a["f"] for a in args_of(parse(text)[0])]
    assert got[1:] == ["vfs_read+0x4/0x370", "0x20"]


def test_one_hostile_line_does_not_teach_arguments():
    text = probe(b' s="x" n="y"') + probe(b' s="plain"') + probe(b' s="" n=""')
    with reading("fast"):
        got = args_of(parse(text)[0])
    assert got[1] == {"s": "plain"}
    assert got[0] == {"s": 'x" n="y'}


def test_many_places_and_many_comms():
    lines = [
        probe(b" a=%d" % i, place=b"(f%d+0x0/0x10 <- g%d)" % (i, i % 3), comm=b"c%d" % i) for i in range(100)
    ]
    items, parser = parse(b"".join(lines))
    assert [(i[7], i[10], i[11], i[-1]["a"]) for i in items] == [
        (f"c{i}", f"g{i % 3}", f"f{i}+0x0/0x10", i) for i in range(100)
    ]
    assert parser.unparsed == 0


def test_endless_continuation_is_not_kept():
    parser = TextParser()
    parser.feed(line(b"tracing_mark_write: x"))
    chunks = [parser.feed(b"y" * 99 + b"\n") for _ in range(RECORD_MAX // 50)]
    assert any(chunk.marks for chunk in chunks)
    assert len(parser._carry) < 2 * RECORD_MAX


def test_endless_line_is_not_kept():
    parser = TextParser()
    chunks = [parser.feed(b"\0" * (LINE_MAX // 4)) for _ in range(9)]
    chunks.append(parser.finish())
    assert sum(len(m.line) for c in chunks for m in c.marks) == 9 * (LINE_MAX // 4)
    assert len(parser._carry) == 0


def test_the_parts_of_a_path_are_joined():
    parts = b'file="x" file__p1="dir" file__p2="/" file__m0="tmp" file__m1="/" file__n0="/"'
    known = signature("n:dec", *(f"{part.partition('=')[0]}:str" for part in parts.decode().split()))
    for given in (known, None):
        assert only(probe(b" n=1 " + parts), given)[-1] == {"n": 1, "file": "/tmp/dir/x"}
