"""Take off what logs, terminals and web pages put around and into the lines of a trace."""

import pytest

from ktrace.texts.cleaning import encoding_of, learn
from ktrace.texts.kind import Kind
from ktrace.texts.kinds import recognise
from tests.unit.texts.reading import fields, rows

HEADS = (
    b"            bash-3125    [000] d..3. 10961.350323: ",
    b"          <idle>-0       [001] d..3. 10961.350324: ",
)
LINES = b"".join(
    head + b"sched_waking: comm=ls pid=%d prio=120 target_cpu=001\n" % n for n, head in enumerate(HEADS)
)
WANT = [("bash", 3125, 0), ("<idle>", 0, 1)]


def read(text):
    found, reader = rows(text)
    assert reader.unparsed == 0, found
    assert [row["fields"] for row in found if "fields" in row] == [
        {"comm": "ls", "pid": n, "prio": 120, "target_cpu": 1} for n in range(2)
    ]
    assert [(row["comm"], row["fields"]["pid"], row["cpu"]) for row in found if "fields" in row] == [
        ("bash", 0, 0), ("<idle>", 1, 1)
    ]  # fmt: skip
    return reader


@pytest.mark.parametrize(
    "before",
    [b"| ", b"     7\t", b"09:15:45 ", b"09:15:46.123 ", b"[09:15:45] ", b"[2026-11-30 09:15:46.123] ",
     b"Nov 30 09:15:45 ", b"6,1234,12345678,-;", b"6,1234,12345678,-,caller=T12;",
     b"11-30 09:15:45.123  1234  1256 I tracer  : ", b"2026-11-30 09:15:45.123  1234  1256 I tracer: ",
     b"  a.dat: ", b"\0\0\0", b"> | ", b"> 09:15:45 "],
)  # fmt: skip
def test_what_is_before_each_line(before):
    read(b"".join(before + line + b"\n" for line in LINES.splitlines()))


def test_numbers_of_lines_even_if_the_lines_are_understood_with_them():
    line = b"bash-3125 [000] d..3. 1.350323: vec: vec=9\n"
    found, reader = rows(b"".join(b"%3d " % n + line for n in range(8, 12)))
    assert [row["comm"] for row in found] == ["bash"] * 4
    assert reader.notes[1:] == ["taken off each line: a number"]


def test_names_that_begin_with_numbers_stay():
    line = b" bash-3125 [000] d..3. 1.350323: vec: vec=9\n"
    found, _ = rows(b"1" + line + b"7" + line + b"9" + line)
    assert [row["comm"] for row in found] == ["1 bash", "7 bash", "9 bash"]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (lambda text: text.replace(b"sched_waking", b"\x1b[01;31m\x1b[Ksched_waking\x1b[m\x1b[K"), "colours"),
        (lambda text: text.replace(b"<", b"&lt;").replace(b">", b"&gt;"), "the escapes of HTML"),
        (lambda text: text.replace(b" [", b"\t[").replace(b": ", b":\t"), "tabs"),
        (lambda text: text.replace(b"\n", b"   \n"), "blanks at the end"),
        (lambda text: text.replace(b" ", b"\xc2\xa0"), "the blanks of a web page"),
        (lambda text: b"\x1b[32m" + text.replace(b"\n", b"\x1b[0m\n\x1b[32m", 1), "colours"),
    ],
)
def test_what_is_in_each_line(change, note):
    assert read(change(LINES)).notes[1:] == [f"replaced in each line: {note}"]


@pytest.mark.parametrize("body", [b"\x1b[31mred\x1b[m", b"a\tb", b"&lt;b&gt;", b"a\xc2\xa0b", b"x\r", b"| x"])
def test_the_text_of_a_marker_stays(body):
    text = HEADS[0] + b"tracing_mark_write: " + body + b"\n" + LINES
    assert fields(text)[0] == {"body": body.decode()}


def test_lines_of_windows_and_unix():
    read(LINES.replace(b"\n", b"\r\n", 1))


def test_lines_that_end_with_a_carriage_return_alone():
    read(LINES.replace(b"\n", b"\r"))


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark(encoding):
    data = LINES.decode().encode(encoding)
    assert encoding_of(data) == encoding
    found, _ = rows(data, cuts=(1, 5))
    assert [(row["comm"], row["pid"], row["cpu"]) for row in found] == WANT


def test_a_quoted_header_and_a_loss_after_a_blank():
    header = b"# tracer: nop\n#\n#           TASK-PID    CPU#\n"
    text = header + LINES + b" CPU:0 [LOST 12 EVENTS]\n"
    found, reader = rows(b"".join(b"> > " + line + b"\n" for line in text.splitlines()))
    assert (reader.events, reader.unparsed, found[-1]) == (2, 0, {"lost": 12, "cpu": 0})


def test_a_trace_between_the_words_of_a_mail():
    text = b"Hello,\n\n```text\n# tracer: nop\n#\n" + LINES + b"```\n\nRegards\n"
    found, reader = rows(text)
    assert [row["unparsed"] for row in found if "unparsed" in row] == [b"Hello,", b"Regards"]
    assert (reader.events, reader.kind) == (2, Kind.TRACE)
    assert [row["fields"]["pid"] for row in found if "fields" in row] == [0, 1]


def test_nothing_to_take_off():
    assert not learn(LINES, recognise).is_needed
