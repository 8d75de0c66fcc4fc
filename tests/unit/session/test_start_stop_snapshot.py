import errno
import os
from pathlib import Path

import pytest

from ktrace.errors import Busy, NotFound, Unavailable, UsageError
from ktrace.probes.trigger_conditions import Conditions, find_events
from ktrace.session.start_stop_snapshot import set_snapshot, set_start_and_stop, snapshot_taken, until_stopped
from ktrace.tracefs.apply import Applied
from tests.unit.session.ourselves import Ourselves
from tests.unit.tracefs.scripted import Scripted

OWN = f"common_pid != {os.getpid()}"


class Session(Ourselves):
    """A stand-in for a session, with what conditions need."""

    name = "ktrace_1_2"

    def __init__(self, root: Path) -> None:
        self.tracing = Scripted(root, {"dynamic_events": "p:kprobes/open do_sys_open\n", "snapshot": ""})
        self.files = self.tracing
        self.events = ["kprobes/a", f"{self.name}/b"]
        self.waits = False
        self._applied = Applied(self.tracing)
        for event in (*self.events, "kprobes/open", "sched/sched_switch"):
            self.tracing.put(f"events/{event}/enable", "0\n")
            self.tracing.put(f"events/{event}/trigger", "")
        self.tracing.put("tracing_on", "1\n")

    def apply(self, step) -> None:
        self._applied.apply(step)

    def set(self, event: str, text: str) -> None:
        self.tracing.put(f"events/{event}/trigger", text)

    @property
    def done(self) -> list[tuple[str, str]]:
        return [(path.removeprefix("events/").removesuffix("/trigger"), t) for path, t in self.tracing.done]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return Session(tmp_path)


def test_nothing_is_set_where_nothing_is_said(session: Session) -> None:
    set_start_and_stop(session, Conditions(), ())
    set_snapshot(session, Conditions(), ())
    assert session.done == [] and not session.waits and not Conditions()


def test_stop_is_at_every_event_and_never_at_ktraces_own_hits(session: Session) -> None:
    set_start_and_stop(session, Conditions(stop_on="n == 1 || m == 2"), ())
    line = f"traceoff if (n == 1 || m == 2) && {OWN}"
    assert session.done == [("kprobes/a", line), ("ktrace_1_2/b", line)] and not session.waits


def test_conditions_are_spelled_for_each_event(session: Session) -> None:
    def spell(event: str, expression: str) -> str:
        return f"{expression}{event[-1]}"

    set_start_and_stop(session, Conditions(stop_on="n == "), (), spell)
    set_snapshot(session, Conditions(snapshot_on="m == "), (), spell)
    assert [line.partition(" &&")[0] for _, line in session.done] == [
        *("traceoff if (n == a)", "traceoff if (n == b)", "snapshot:1 if (m == a)", "snapshot:1 if (m == b)"),
    ]


def test_the_process_is_part_of_the_condition(session: Session) -> None:
    set_start_and_stop(session, Conditions(stop_on="n == 1"), (os.getpid(),))
    assert f"common_pid == {os.getpid()}" in session.done[0][1] and "!=" not in session.done[0][1]


@pytest.mark.parametrize(
    ("words", "event", "line"),
    [
        ("sched:sched_switch", "sched/sched_switch", "traceon:1"),
        ("open if n == 1", "kprobes/open", "traceon:1 if n == 1"),
        ("b", "ktrace_1_2/b", "traceon:1"),
    ],
)
def test_start_waits_for_an_event(session: Session, words: str, event: str, line: str) -> None:
    set_start_and_stop(session, Conditions(start_on=words), ())
    assert session.done == [(event, line)] and session.waits


def test_what_cannot_be(session: Session) -> None:
    with pytest.raises(NotFound, match="no event 'nope'"):
        set_start_and_stop(session, Conditions(start_on="nope"), ())
    with pytest.raises(UsageError, match="both start and stop the recording"):
        set_start_and_stop(session, Conditions(start_on="b", stop_on="n == 1"), ())
    session.tracing.refuse["events/kprobes/a/trigger"] = errno.EEXIST
    with pytest.raises(Busy, match="already has a trigger"):
        set_snapshot(session, Conditions(snapshot_on="n == 1"), ())
    Path(session.tracing.root, "snapshot").unlink()
    with pytest.raises(Unavailable, match="cannot take snapshots"):
        set_snapshot(session, Conditions(snapshot_on="n == 1"), ())


@pytest.mark.parametrize("name", ["..", "../kprobes", "", "open if"])
def test_names_stay_below_the_events(session: Session, name: str) -> None:
    with pytest.raises(NotFound):
        find_events(session.tracing, name, session.name)


def test_a_snapshot_is_known_by_its_count(session: Session) -> None:
    set_snapshot(session, Conditions(snapshot_on="n == 1"), ())
    assert session.done[0] == ("kprobes/a", f"snapshot:1 if (n == 1) && {OWN}")
    session.set("kprobes/a", "snapshot:count=1 if n == 1\n")
    assert snapshot_taken(session) == []
    session.set("kprobes/a", "snapshot:count=0 if n == 1\n")
    assert snapshot_taken(session) == ["kprobes/a"]


def test_the_run_ends_when_recording_has_stopped(session: Session) -> None:
    def wait() -> bool:
        return True

    assert until_stopped(session, Conditions(), wait) is wait
    going_on = until_stopped(session, Conditions(stop_on="n == 1"), wait)
    assert going_on()
    session.tracing.put("tracing_on", "0\n")
    assert not going_on()


def test_before_it_began_nothing_has_stopped(session: Session) -> None:
    session.tracing.put("tracing_on", "0\n")
    going_on = until_stopped(session, Conditions(start_on="open", stop_on="n == 1"), lambda: True)
    session.set("kprobes/open", "traceon:count=1\n")
    assert going_on()
    session.set("kprobes/open", "traceon:count=0\n")
    assert not going_on()
