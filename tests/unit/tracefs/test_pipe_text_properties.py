"""Properties that hold for any text: the pieces and the way of reading do not matter, nothing is dropped."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ktrace.model.batch import Stack, Unparsed
from tests.unit.tracefs.textlines import SITE, args_of, line, parse, probe, reading, signature

SIGS = {
    **signature("s:str", "n:dec", "h:hex"),
    **signature("r:dec", "t:str", event="rp", is_return=True),
    **signature("c:char", "y:sym", "v:dec:2", event="odd"),
    **signature(event="bare"),
}

hostile = st.sampled_from(
    [b'"', b"\n", b" ", b'" n=', b"=", b"(fault)", b"x", b"0x1", b"\xff", b"\x1b[2J", b" h=0x",
     b'" n=1 h=0x2', b"CPU:1 [LOST 5 EVENTS]", b" => f", b"# ", b"-", b"[001]", b"\0", b'"\n',
     b"12345678", b"{", b","]
)  # fmt: skip
strings = st.lists(hostile, max_size=5).map(b"".join)
NAMELESS = (
    b"vfs_read <-ksys_read",
    b'f [ext4](a=1, b="x: y") <-g [jbd2]',
    b'f(name="<-x") <-g',
    b"<-g",
    b"a: b <-c",
    b"sys_read(fd: 3, count: 10)",
    b"sys_read -> 0x10",
    b"sys_read(fd: 3",
    b"sys_read: x",
    b"# 7 buf: 00 01",
)
ints = st.integers(-(2**63), 2**64 - 1) | st.integers(-5, 5)
places = st.sampled_from(
    [SITE, b"(f+0x0/0x1)", b"(f+0x0/0x1 [m])", b"(0x1)", b"(a+0x1/0x2 <- b)", b"(x", b"()"]
)
comms = st.sampled_from(
    [b"bash", b"<idle>", b"", b"a b", b"x\ny", b"-1 [0]", b"\xff", b"a:b: c", b"very-long-name!"]
)


@st.composite
def headers(draw):
    return {
        "comm": draw(comms),
        "pid": draw(st.sampled_from([0, 1, 12, 4194304, -1])),
        "cpu": draw(st.sampled_from([0, 1, 999, 1000])),
        "flags": draw(st.sampled_from([b".....", b"d..1.", b"....", None, b".......", b". ..."])),
        "time": draw(st.sampled_from([b"    3.125954", b"99999.000001", b"100000.000001", b"  7", b"99.1"])),
        "tgid": draw(st.sampled_from([None, None, b"12", b"-------", b"x"])),
    }  # fmt: skip


@st.composite
def any_line(draw):
    head = draw(headers()) if draw(st.booleans()) else {}
    which = draw(st.integers(0, 11))
    if which == 0:
        return draw(
            st.sampled_from([b"CPU:1 [LOST 5 EVENTS]\n", b"\n", b" => x\n", b"# x\n", b"[LINE TOO BIG]\n"])
        )
    if which == 1:
        return line(b"<stack trace>", **head) + b" => f\n => g\n"
    if which == 2:
        return line(b"tracing_mark_write: " + draw(strings), **head)
    if which == 3:
        return draw(strings) + b"\n"
    if which == 4:
        body = b" c='%b' y=%b v={%d,%d}" % (
            draw(st.sampled_from([b"x", b"\n", b"'", b"\xff"])),
            draw(st.sampled_from([b"f+0x1/0x2", b"f+0x0/0x1 [m]", b"0x12", b"[m]", b"f [m"])),
            draw(ints),
            draw(ints),
        )
        return probe(body, b"odd", draw(places), **head)
    if which == 5:
        return probe(draw(st.sampled_from([b"", b" x=1", b" "])), b"bare", draw(places), **head)
    if which == 6:
        value = draw(st.sampled_from([b"(fault)", b'""', b'"' + draw(strings) + b'"']))
        return probe(b" r=%d t=%b" % (draw(ints), value), b"rp", b"(a+0x1/0x2 <- b)", **head)
    if which >= 10:
        return line(
            draw(st.sampled_from(NAMELESS)) + draw(st.sampled_from([b"", b"", b" ", b"\xff"])), **head
        )
    value = draw(st.sampled_from([b"(fault)", b'"' + draw(strings) + b'"']))
    number = draw(st.sampled_from([b"%d" % draw(ints), b"", b"-", b"1x", b"00000000000000000000001"]))
    return probe(
        b" s=%b n=%b h=0x%x" % (value, number, draw(st.integers(0, 2**66))), place=draw(places), **head
    )


texts = st.lists(any_line(), max_size=12).map(b"".join)


@settings(max_examples=600, deadline=None)
@given(texts, st.booleans())
def test_fast_equals_slow(text, given_signatures):
    sigs = SIGS if given_signatures else None
    if not given_signatures and (b'"' in text or b" y=" in text):
        return  # what is learned from an ambiguous text depends on how much of it is seen at once
    with reading("fast"):
        fast, a = parse(text, sigs)
    with reading("slow"):
        slow, b = parse(text, sigs)
    assert fast == slow
    assert (a.events, a.unparsed, a.lost, a.account) == (b.events, b.unparsed, b.lost, b.account)


@settings(max_examples=150, deadline=None)
@given(texts, st.data())
def test_pieces_do_not_matter(text, data):
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=8))
    for how in ("fast", "slow"):
        with reading(how):
            assert parse(text, SIGS, cuts)[0] == parse(text, SIGS)[0]


def test_cut_at_every_byte():
    text = (
        b"# tracer: nop\n#\n# entries-in-buffer/entries-written: 3/3   #P:2\n"
        + probe(b' s="a\nb" n=1 h=0x2', comm=b"x\ny")
        + line(b"<stack trace>")
        + b" => f\n => g\n"
        + b"CPU:1 [LOST 5 EVENTS]\n"
        + line(b"tracing_mark_write: one\n two\n")
        + probe(b" s=(fault) n=18446744073709551615 h=0xff", tgid=b"12")
        + b"garbage\n"
        + b"# tracer: nop\n#\n"
        + probe(b' s="x\n' + line(b"y: z") + b'" n=1 h=0x2')
    )
    for how in ("fast", "slow"):
        with reading(how):
            whole = parse(text, SIGS)[0]
            assert len(whole) == 7
            for cut in range(len(text) + 1):
                assert parse(text, SIGS, [cut])[0] == whole, cut
            assert parse(text, SIGS, range(len(text)))[0] == whole


@pytest.mark.parametrize("before", [b"", b"junk\n# tracer: nop\n#\n"])
def test_cut_with_no_record_before(before):
    text = before + probe(b" a=1", comm=b"x\ny")
    whole = parse(text)[0]
    for cut in range(len(text)):
        items = parse(text, cuts=[cut])[0]
        assert args_of(items) == [{"a": 1}], cut
        assert items == whole, cut


layouts = st.sampled_from(
    [{}, {"tgid": b"12"}, {"tgid": b"-------"}, {"flags": None}, {"flags": b"d..1"}, {"cpu": 1024},
     {"time": b"          42"}, {"time": b"1790000000.000001"}]
)  # fmt: skip
damage = st.tuples(st.integers(0, 75), st.sampled_from(b" -:.[]()0123456789x\n#\xff\0")) | st.integers(0, 75)


@settings(max_examples=1000, deadline=None)
@given(layouts, st.lists(damage, min_size=1, max_size=4))
def test_damaged_lines_next_to_whole_ones(layout, damages):
    """Lines of one layout: each byte that is not as it should be must keep the fast way off."""
    whole = probe(b" a=-12 b=0x1f", **layout)
    text = whole
    for where in damages:
        if isinstance(where, int):
            text += whole[:where] + b"\n" + whole
        else:
            at = min(where[0], len(whole) - 2)
            text += whole[:at] + bytes([where[1]]) + whole[at + 1 :] + whole
    results = []
    for how in ("fast", "slow"):
        with reading(how):
            results.append(parse(text, signature("a:dec", "b:hex"))[0])
    assert results[0] == results[1]


@settings(max_examples=300, deadline=None)
@given(texts | st.binary(max_size=300), st.booleans())
@example(b" " * 16 + b"-" + b" " * 16, True)
def test_every_line_is_accounted_for(text, given_signatures):
    for how in ("fast", "slow"):
        with reading(how):
            items, parser = parse(text, SIGS if given_signatures else None)
        unparsed = [item[1].line for item in items if isinstance(item[1], Unparsed)]
        assert parser.unparsed == len(unparsed)
        assert parser.events == len(args_of(items))
        left = text
        for piece in unparsed:
            assert piece in left
        covered = sum(map(_lines_of, items))
        skipped = sum(1 for x in text.split(b"\n") if x.startswith(b"#"))
        total = text.count(b"\n") + (not text.endswith(b"\n") and text != b"")
        assert total - skipped <= covered <= total


def _lines_of(item):
    """Lines of the input that a record or mark stands for."""
    if isinstance(item[1], Stack):
        return 1 + len(item[1].frames) + item[1].comm.count("\n")
    if len(item) == 2:
        return 1
    texts = [item[7], *item[-1].values()]
    return 1 + sum(t.count("\n") for t in texts if isinstance(t, str))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(strings, ints, st.integers(0, 2**64 - 1)), max_size=6))
def test_values_come_back(rows):
    """If no string contains the end of its record, all values are read back unchanged."""
    rows = [row for row in rows if b'" n=' not in row[0]]
    text = b"".join(probe(b' s="%b" n=%d h=0x%x' % row) for row in rows)
    for how in ("fast", "slow"):
        with reading(how):
            items, parser = parse(text, SIGS)
        want = [{"s": s.decode(errors="surrogateescape"), "n": n, "h": h} for s, n, h in rows]
        assert args_of(items) == want
        assert parser.unparsed == 0
