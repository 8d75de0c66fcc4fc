"""Texts and files that are not traces: they are named, with what to do."""

import pytest

from ktrace.errors import UsageError
from ktrace.texts.foreign import is_perfetto
from tests.unit.texts.reading import rows

HEADER = b"# tracer: nop\n#\n"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (b"# event histogram\n#\n\n{ common_pid:       1234 } hitcount:          1\n", "a histogram"),
        (b"{ common_pid:       1234 } hitcount:          1\n", "a histogram"),
        (b"  Function                               Hit    Time            Avg\n", "the function profiler"),
        (b"# Overhead  Command  Symbol\n    12.34%  cat  [k] vfs_read\n", "perf report"),
        (b" Performance counter stats for 'ls':\n", "perf stat"),
        (b"\n Summary of events:\n\n cat (1234), 128 events, 94.1%\n", "perf trace's summary"),
        (HEADER + b"1234 0 10961350323123 type: 312\n", "option raw, hex or bin"),
        (b"00000c35 00000000 000009f8ab 0001\n", "option raw, hex or bin"),
        (HEADER + b"sched_waking: comm=ls pid=12 prio=120\n", "option context-info"),
        (b"[09:15:45.123456789] (+?.?????????) host sched_switch: { cpu_id = 1 }\n", "LTTng"),
        (b"Attaching 1 probe...\n@[comm]: 12\n", "bpftrace"),
        (b'openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3\n', "strace"),
        (b"main;foo;bar 12\n", "folded stacks"),
        (b"[   12.345678] usb 1-1: new device\n", "the kernel's log"),
    ],
)
def test_other_texts_are_named(text, what):
    found, reader = rows(text)
    assert reader.events == 0
    assert all("unparsed" in row for row in found)
    assert any(what in note for note in reader.notes), reader.notes


def test_an_unknown_text_is_said_to_be_unknown():
    _, reader = rows(b"hello\n")
    assert reader.notes == ["no line is of a kind that ktrace knows; if you know it, name it: --format KIND"]


@pytest.mark.parametrize("text", [b"", b"\n\n", HEADER])
def test_nothing_is_said_of_a_text_without_events(text):
    assert rows(text)[1].notes == []


@pytest.mark.parametrize(
    "begin", [b"PERFILE2\0\0", b"\x17\x08\x44tracing7\0", b"\x7fELF\2\1", b"\n\x03\x08\0\x01\n\x02\x08\0"]
)
def test_binary_files_are_refused(begin):
    with pytest.raises(UsageError, match="not a text") as caught:
        rows(begin + bytes(100))
    assert caught.value.hint


def test_an_empty_line_before_text_is_not_perfetto():
    assert not is_perfetto(b"\n  bash-1 [000]")
    assert not is_perfetto(b"\n")
