import io

from ktrace.diagnostic import visible
from ktrace.model.batch import Chunk
from ktrace.output.formats.text import Text
from ktrace.tracefs.pipe_text import TextParser
from tests.unit.output.records import TEXT, chunks


def printed(parts):
    out = io.BytesIO()
    sink = Text(out)
    for part in parts:
        sink.write(part)
    sink.flush()
    return out.getvalue().decode()


def test_as_the_kernel_prints_it_but_for_escapes():
    want = "\n".join(
        visible(line.decode(errors="surrogateescape"))
        for line in TEXT.replace(b"one\ntwo", b"one\\ntwo").split(b"\n")
    )
    assert printed(chunks()) == want + "kp [MISSED 3 HITS]\n"


def test_nothing_steers_the_terminal():
    text = printed(chunks())
    assert "\\x1b[2J\\u202e" in text
    assert "caf\\xe9" in text
    assert all(ch.isprintable() or ch == "\n" for ch in text)


def test_hostile_names_and_frames_are_escaped():
    hostile = (
        b"          \x1b[31m\n-7       [000] .....     3.125959: kp: (f\x1b[0m+0x0/0x1) a=1\n"
        b"            \x1b[7m-7       [000] .....     3.125959: <stack trace>\n => \x1b[31m\n"
        b"\x1b]0;title\x07\n"
    )
    parser = TextParser()
    text = printed([parser.feed(hostile), parser.finish()])
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "\\x1b[31m\\n-7 " in text


def test_clock_that_counts():
    line = b"            bash-7       [000] .....           42: kp: (f+0x0/0x1) a=1\n"
    parser = TextParser()
    assert printed([parser.feed(line), parser.finish()]).encode() == line


def test_no_flag_columns():
    line = b"            bash-7       [000]      3.125959: kp: (f+0x0/0x1) a=1\n"
    parser = TextParser()
    got = printed([parser.feed(line), parser.finish()])
    assert got.encode() == line


def test_nothing_for_nothing():
    assert printed([Chunk()]) == ""
