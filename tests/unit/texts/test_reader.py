"""Texts as people have them: each kind, and what mails, logs and other systems make of it."""

import json

import pytest

from ktrace.errors import UsageError
from ktrace.texts.kind import Kind
from ktrace.texts.kinds import FORMS
from ktrace.texts.reader import SAMPLE, TextReader
from tests.unit.texts.reading import fields, rows

PLACE = b"(vfs_read+0x4/0x370)"
LINES = (
    b"            bash-3125    [000] d..3. 10961.350323: kp: " + PLACE + b" a=1\n"
    b"     kworker/0:1-12      [001] d..3. 10961.350324: kp: " + PLACE + b" a=2\n"
)
WANT = [(3125, "bash", 0, 10961350323000, {"a": 1}), (12, "kworker/0:1", 1, 10961350324000, {"a": 2})]

TEXTS = {
    Kind.TRACE: LINES,
    Kind.LATENCY: b"     cat-1234    3d..2.   12us : kp: " + PLACE + b" a=1\n"
    b"kworker/-12      0d..1. 9876us!: kp: " + PLACE + b" a=2\n",
    Kind.GRAPH: b" 0)               |  vfs_read() {\n 0)   0.500 us    |    rw_verify_area();\n"
    b" 0)   1.200 us    |  }\n",
    Kind.TRACE_CMD: b"cpus=2\n"
    b"          vmstat-1178  [000] 10000.021204: irq_handler_entry:    irq=26 name=virtio0 x\n",
    Kind.PERF_SCRIPT: b"my prog   287 [000]   245.129403:     irq:irq_handler_exit: irq=26 ret=handled\n"
    b"        ffffffff8509a7fc __schedule+0x5bc ([kernel.kallsyms])\n\n",
    Kind.MMIOTRACE: b"R 4 5.000200 1 0xfd000010 0x4a0200a1 0xffffffffa0123460 0\n",
    Kind.BLK: b"8,0    3   111.222333000  1234  Q  WS 12345678 + 8 [dd]\n",
    Kind.PERF_TRACE: b"  1233.520 ( 6.955 ms): my cat/333 close(fd: 3)                              = 0\n",
}


def brief(found):
    return [(r["pid"], r["comm"], r["cpu"], r["ts"], r["fields"]) for r in found if "fields" in r]


@pytest.mark.parametrize("kind", list(Kind))
def test_the_kind_is_found_and_said(kind):
    found, reader = rows(TEXTS[kind])
    assert reader.kind == kind
    assert reader.unparsed == 0
    assert reader.events == sum("fields" in row for row in found) > 0
    assert f"the text is of {FORMS[kind].title}" in reader.notes


@pytest.mark.parametrize("kind", list(Kind))
def test_a_kind_that_is_named_is_not_looked_for(kind):
    found, reader = rows(TEXTS[kind], kind=kind)
    assert found == rows(TEXTS[kind])[0]
    assert not reader.notes


def test_a_wrong_kind_leaves_lines_unparsed():
    found, reader = rows(LINES, kind=Kind.PERF_SCRIPT)
    assert [row["unparsed"] for row in found] == LINES.splitlines()
    assert reader.unparsed == 2


@pytest.mark.parametrize(
    "text", [b"what is this\n", b"Nov 30 09:15:45 host cron[1]: nothing here\n", b"\0\xff\n", b"x"]
)
def test_no_kind_at_all(text):
    found, reader = rows(text)
    assert reader.kind is None
    assert [row["unparsed"] for row in found] == text.splitlines()


@pytest.mark.parametrize("kind", list(Kind))
def test_pieces_do_not_matter(kind):
    whole = rows(TEXTS[kind])[0]
    for cut in range(len(TEXTS[kind])):
        assert rows(TEXTS[kind], cuts=(cut,))[0] == whole


def dressed(text, before, after=b"\n"):
    return b"".join(before + line + after for line in text.splitlines())


AROUND = [
    b"> ", b">> ", b"> > ", b">", b"<4>",
    b"[   12.345678] ", b"[   12.345678][  T123] ", b"[    1.000000][    C0] ",
    b"<6>[   12.345678] ", b"Nov 30 09:15:45 host kernel: ", b"Nov  3 09:15:45 host kernel: [   12.345678] ",
    b"Nov 30 09:15:45.123456 my-host trace[123]: ", b"2026-11-30T09:15:45+00:00 host prog[12]: ",
    b"2026-11-30T09:15:45.123456789Z ", b"2026-11-30T09:15:45.123456789Z stdout F ",
    b"2026-11-30 09:15:45,123+0100 host x: ", b"[Mon Nov 30 09:15:45 2026] ", b"tracer-1  | ",
    b"[pod/tracer-abc/main] ", b"[pod/tracer-abc/main] 2026-11-30T09:15:45.123456789Z ",
    b"12:", b"trace.txt:12:",
    b"a.dat:  ", b"> Nov 30 09:15:45 host kernel: [   12.345678] ", b"\x1b[32m",
]  # fmt: skip


@pytest.mark.parametrize("before", AROUND)
@pytest.mark.parametrize("indent", [True, False])
def test_what_is_before_each_line_is_taken_off(before, indent):
    lines = LINES if indent else b"".join(line.lstrip() + b"\n" for line in LINES.splitlines())
    found, reader = rows(dressed(lines, before))
    assert brief(found) == WANT
    assert reader.unparsed == 0
    assert len(reader.notes) == 2


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind != Kind.GRAPH])
@pytest.mark.parametrize("before", [b"> ", b"Nov 30 09:15:45 host kernel: [   12.345678] "])
def test_around_lines_of_each_kind(kind, before):
    assert rows(dressed(TEXTS[kind], before))[0] == rows(TEXTS[kind])[0]


@pytest.mark.parametrize(
    "before", [b"> ", b"Nov 30 09:15:45 host kernel: [   12.345678] ", b"[    1.000000] "]
)
def test_indentation_of_a_graph_stays(before):
    assert rows(dressed(TEXTS[Kind.GRAPH], before))[0] == rows(TEXTS[Kind.GRAPH])[0]


@pytest.mark.parametrize("kind", list(Kind))
def test_carriage_returns(kind):
    found, reader = rows(dressed(TEXTS[kind], b"", b"\r\n"))
    assert found == rows(TEXTS[kind])[0]
    assert "taken off each line: a carriage return" in reader.notes


def test_a_carriage_return_in_one_string_is_part_of_it():
    text = LINES.replace(b"kp: " + PLACE + b" a=2", b"tracing_mark_write: x\r") + LINES
    assert rows(text)[0][1]["fields"] == {"body": "x\r"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_encodings_of_windows(encoding):
    text = LINES.decode().encode(encoding)
    for cuts in ((), (1, 2, 3, 77)):
        assert brief(rows(text, cuts=cuts)[0]) == WANT


def test_indentation_lost_and_tabs():
    text = (
        b"bash-3125 [000] d..3. 10961.350323: kp: "
        + PLACE
        + b" a=1\n\t   kworker/0:1-12\t[001] d..3. 10961.350324: kp: "
        + PLACE
        + b" a=2\n"
    )
    assert brief(rows(text)[0]) == WANT


@pytest.mark.parametrize(
    "comm", [b"a-1", b"my prog", b"a:b", b"x]", b"-", b"[1]", b"7", b"\xc3\xa9t\xc3\xa9", b"a 1 [000] b"]
)
def test_odd_names_without_indentation(comm):
    text = comm + b"-77 [003] d..3. 5.000001: kp: " + PLACE + b" a=1\n"
    assert brief(rows(text)[0]) == [(77, comm.decode(), 3, 5000001000, {"a": 1})]


def test_other_lines_between_are_delivered_and_counted():
    text = LINES + b"so I looked at this:\n" + LINES
    found, reader = rows(text)
    assert {"unparsed": b"so I looked at this:"} in found
    assert (reader.events, reader.unparsed) == (4, 1)
    assert reader.summary() == "4 events, 1 lines not understood"


SYSTRACE = b"""<!DOCTYPE html>
<html><head><script>var x = "[000] not this";</script></head><body>
<script class="trace-data" type="application/text">
USER PID NAME
root 1 init
</script>
<script class="trace-data" type="application/text">
# tracer: nop
#
%b</script>
</body></html>
"""


def test_html_of_systrace():
    assert brief(rows(SYSTRACE % LINES)[0]) == WANT
    assert brief(rows(SYSTRACE % LINES, cuts=(3, 200, 333))[0]) == WANT


def test_html_of_old_systrace_and_of_a_page():
    script = (
        b'<html><script>var linuxPerfData = "\\\n# tracer: nop\\n\\\n'
        + LINES.replace(b"\n", b"\\n\\\n")
        + b'";</script></html>'
    )
    assert brief(rows(script)[0]) == WANT
    page = b"<html><body><pre>" + LINES.replace(b"bash", b"&lt;idle&gt;") + b"</pre></body></html>"
    assert [row["comm"] for row in rows(page)[0]] == ["<idle>", "kworker/0:1"]


def test_json_of_chrome():
    text = json.dumps(
        {"traceEvents": [], "systemTraceEvents": "# tracer: nop\n#\n" + LINES.decode()}
    ).encode()
    assert brief(rows(text)[0]) == WANT


@pytest.mark.parametrize(
    "document", [b'{"traceEvents": []}', b"<html><p>hello</p></html>", b'{"a', b'[{"a":1}]']
)
def test_documents_without_lines(document):
    with pytest.raises(UsageError):
        rows(document)


def test_lines_of_atrace_around_the_trace_are_no_records():
    text = b"capturing trace... done\nTRACE:\n# tracer: nop\n#\n" + LINES
    found, reader = rows(text)
    assert brief(found) == WANT
    assert reader.unparsed == 0


def test_a_pipe_shows_what_it_has():
    reader = TextReader()
    assert len(reader.feed(b"# tracer: nop\n#\n")) == 0
    assert len(reader.idle()) == 0
    assert len(reader.feed(LINES)) == 0
    assert len(reader.idle()) == 2
    assert len(reader.feed(LINES)) == 1  # the second one may go on
    assert len(reader.idle()) == 1
    assert reader.events == 4


def test_a_pipe_without_known_lines_is_kept_up_to_the_sample():
    reader = TextReader()
    reader.feed(b"?\n" * 10)
    assert reader.idle().marks == ()
    assert len(reader.feed(b"?\n" * SAMPLE).marks) + len(reader.finish().marks) == 10 + SAMPLE


def test_last_line_that_was_cut():
    found, reader = rows(LINES + LINES[:50])
    assert found[-1] == {"unparsed": LINES[:50]}
    assert reader.unparsed == 1


def test_fields_of_static_events_are_numbers():
    text = (
        b"          <idle>-0       [001] d..2.   136.848466: sched_switch: "
        b"prev_comm=swapper/1 prev_pid=0 prev_prio=120 prev_state=R ==> "
        b"next_comm=a b prev_pid=7 next_pid=18 next_prio=-1\n"
    )
    assert fields(text) == [
        {"prev_comm": "swapper/1", "prev_pid": 0, "prev_prio": 120, "prev_state": "R",
         "next_comm": "a b prev_pid=7", "next_pid": 18, "next_prio": -1}
    ]  # fmt: skip
