"""Lines that a mail program wrapped."""

import textwrap

import pytest

from ktrace.texts.wrapping import joined, last_begin
from tests.unit.texts.reading import rows

LINE = (
    b"            bash-3125    [000] d..3. 10961.350323: sched_switch: prev_comm=bash prev_pid=3125 "
    b"prev_prio=120 prev_state=S ==> next_comm=swapper/0 next_pid=%d next_prio=120\n"
)
PROBE = b"            bash-3125    [000] d..3. 10961.350324: kp: (vfs_read+0x0/0x10) a=2 bcd=3 efgh=%d\n"
TEXT = b"".join(LINE % n + PROBE % n for n in range(5))


def wrapped(text, width):
    lines = text.decode().splitlines()
    return "".join(
        line + "\n" for one in lines for line in textwrap.wrap(one, width, drop_whitespace=True)
    ).encode()


@pytest.mark.parametrize("width", [70, 72, 74, 76, 78, 79, 80])
def test_wrapped_lines_are_whole_again(width):
    text = wrapped(TEXT, width)
    assert text != TEXT
    for cuts in ((), (300, 301, 400)):
        found, reader = rows(text, cuts=cuts)
        assert [row["fields"] for row in found] == [row["fields"] for row in rows(TEXT)[0]]
        assert reader.unparsed == 0
        assert any("wrapped" in note for note in reader.notes)


def test_text_of_a_marker_that_looks_wrapped():
    head = b"            bash-3125    [000] d..3. 10961.350323: "
    text = (
        head + b"tracing_mark_write: one\nb=2\n" + head + b"tracing_mark_write: three four five six seven\n"
    )
    assert [row["fields"]["body"] for row in rows(text)[0]] == ["one\nb=2", "three four five six seven"]


def test_the_rest_of_a_line_is_kept_with_it():
    lines = b"x" * 70 + b"\nab=1\n"
    assert joined(lines, 72) == b"x" * 70 + b" ab=1\n"
    assert last_begin(b"one\n" + lines) == 4
    assert last_begin(b"") == 0
