import errno
from pathlib import Path

import pytest

from ktrace.errors import Busy, Interrupted, Refused
from ktrace.model.probe import Probe
from ktrace.probes.enable_triggers import clear_triggers, set_triggers
from ktrace.probes.trigger_conditions import Conditions
from tests.unit.tracefs.scripted import Scripted

A, B = (Probe.from_line(f"p:kprobes/{name} vfs_read") for name in "ab")


@pytest.fixture
def files(tmp_path: Path) -> Scripted:
    tree = {f"events/kprobes/{name}/trigger": "" for name in "ab"}
    return Scripted(tmp_path, {**tree, "events/sched/fork/enable": "0", "events/sched/fork/trigger": "",
                               "tracing_on": "1\n", "error_log": ""})  # fmt: skip


def put(files: Scripted, name: str, text: str) -> None:
    files.put(f"events/kprobes/{name}/trigger", text)


def lines(files: Scripted) -> list[str]:
    return [path.removeprefix("events/").removesuffix("/trigger") + " " + text for path, text in files.done]


def enable(files: Scripted, *, stack: bool = False, **conditions: str) -> object:
    return set_triggers(files, [A, B], stack, Conditions(**conditions), between=lambda: None)


def test_each_event_gets_each_trigger(files: Scripted) -> None:
    enable(files, stack=True, stop_on="n == 1", snapshot_on="n == 2")
    each = ("stacktrace", "snapshot if n == 2", "traceoff if n == 1")
    assert lines(files) == [f"kprobes/{name} {line}" for name in "ab" for line in each]


def test_conditions_are_spelled_for_each_event(files: Scripted) -> None:
    conditions = Conditions(start_on="sched:fork if pid == me", stop_on="ret == ENOENT")

    def spell(event: str, expression: str) -> str:
        return f"{expression.partition(' ==')[0]} == {event}"

    set_triggers(files, [A], False, conditions, between=lambda: None, spell=spell)
    assert lines(files)[:2] == [
        "kprobes/a traceoff if ret == kprobes/a",
        "sched/fork traceon if pid == sched/fork",
    ]


def test_start_waits_with_the_buffer_off(files: Scripted) -> None:
    enable(files, start_on="sched:fork if pid == 1")
    assert lines(files) == ["sched/fork traceon if pid == 1", "tracing_on 0"]


def test_the_very_same_trigger_serves_and_is_not_taken_back(files: Scripted) -> None:
    put(files, "a", "traceoff:unlimited if n == 1\n")
    applied = enable(files, stop_on="n == 1")
    assert lines(files) == ["kprobes/b traceoff if n == 1"]
    files.done.clear()
    applied.undo_all()
    assert lines(files) == ["kprobes/b !traceoff"]


@pytest.mark.parametrize(
    "there", ["traceoff:unlimited if n == 2", "traceoff:count=3 if n == 1", "traceon:unlimited"]
)
def test_another_of_the_kind_is_somebodys(files: Scripted, there: str) -> None:
    put(files, "b", there + "\n")
    with pytest.raises(Busy, match="already has a trigger"):
        enable(files, stop_on="n == 1")
    assert lines(files) == ["kprobes/a traceoff if n == 1", "kprobes/a !traceoff"]


def test_a_refusal_half_way_takes_back_what_was_set(files: Scripted) -> None:
    files.refuse[("events/kprobes/b/trigger", "snapshot if n == 1")] = errno.EINVAL
    with pytest.raises(Refused, match="does not accept 'snapshot if n == 1'"):
        enable(files, snapshot_on="n == 1", start_on="sched:fork")
    assert lines(files)[-1] == "kprobes/a !snapshot" and "tracing_on 0" not in lines(files)


def test_undoing_lets_the_buffer_record_again(files: Scripted) -> None:
    enable(files, start_on="sched:fork").undo_all()
    assert lines(files)[-2:] == ["tracing_on 1", "sched/fork !traceon"]


def test_undoing_frees_a_snapshot_that_nobody_had(files: Scripted) -> None:
    files.put("snapshot", "# tracer: nop\n#\n# * Snapshot is freed *\n")
    enable(files, snapshot_on="n == 1").undo_all()
    assert lines(files)[-1] == "snapshot 0"
    files.put("snapshot", "# tracer: nop\n#\n# * Snapshot is allocated *\n")
    enable(files, snapshot_on="n == 1").undo_all()
    assert lines(files).count("snapshot 0") == 1


def test_taking_off_leaves_histograms(files: Scripted) -> None:
    put(files, "a", "snapshot:unlimited if n == 1\nhist:keys=n:vals=hitcount [active]\nstacktrace:count=2\n")
    clear_triggers(files, [A, B], between=lambda: None)
    assert lines(files) == ["kprobes/a !snapshot", "kprobes/a !stacktrace"]


def test_taking_off_that_is_interrupted_sets_them_again(files: Scripted) -> None:
    put(files, "a", "snapshot:unlimited if n == 1\n")
    put(files, "b", "stacktrace:count=2\n")

    def stop() -> None:
        if files.done:
            raise Interrupted(15)

    with pytest.raises(Interrupted):
        clear_triggers(files, [A, B], between=stop)
    assert lines(files) == ["kprobes/a !snapshot", "kprobes/a snapshot if n == 1"]
