import errno
from pathlib import Path

import pytest

from ktrace.errors import Busy, Refused
from ktrace.tracefs.triggers import Trigger, explain, parse_trigger, times_left, trigger_step
from tests.unit.tracefs.scripted import Scripted

EVENT = "kprobes/vfs_read"
PATH = f"events/{EVENT}/trigger"


@pytest.mark.parametrize(
    ("trigger", "line"),
    [
        (Trigger("stacktrace"), "stacktrace"),
        (Trigger("snapshot", "n == 1", 1), "snapshot:1 if n == 1"),
        (Trigger("traceoff", "n == 1 && m > 2"), "traceoff if n == 1 && m > 2"),
        (Trigger("traceon", None, 3), "traceon:3"),
    ],
)
def test_spelling_and_undoing(trigger: Trigger, line: str) -> None:
    step = trigger_step(EVENT, trigger)
    assert (step.path, step.text, step.action) == (PATH, line, "append")
    assert step.undo is not None and step.undo.text == f"!{trigger.kind}"


def test_how_often_it_will_still_act(tmp_path: Path) -> None:
    text = "traceoff:unlimited if n == 1\nsnapshot:count=0 if n == 777\nstacktrace:count=3\n"
    files = Scripted(tmp_path, {PATH: text})
    assert times_left(files, EVENT, "snapshot") == 0
    assert times_left(files, EVENT, "stacktrace") == 3
    assert times_left(files, EVENT, "traceoff") is None
    assert times_left(files, EVENT, "traceon") is None


def test_what_others_have_set_is_named(tmp_path: Path) -> None:
    files = Scripted(tmp_path, {PATH: "traceoff:unlimited if n == 1\nhist:keys=n [active]\n"})
    there = Refused("File exists", errno=errno.EEXIST)
    found = explain(files, EVENT, Trigger("traceon"), there)
    assert isinstance(found, Busy) and "traceoff:unlimited if n == 1" in found.message


def test_what_is_refused_says_what_can_be_named(tmp_path: Path) -> None:
    files = Scripted(tmp_path, {PATH: ""})
    found = explain(files, EVENT, Trigger("snapshot", "m == 1"), Refused("Invalid", errno=errno.EINVAL))
    assert "snapshot if m == 1" in found.message and "ktrace show vfs_read" in (found.hint or "")
    told = Refused("Field not found", errno=errno.EINVAL, excerpt="m == 1", caret=0)
    assert explain(files, EVENT, Trigger("snapshot", "m == 1"), told) is told


def test_more_digits_than_python_reads_are_no_trigger() -> None:
    assert parse_trigger("snapshot:count=" + "9" * 20) is not None
    assert parse_trigger("snapshot:count=" + "9" * 5000) is None
