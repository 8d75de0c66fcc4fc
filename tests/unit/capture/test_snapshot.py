import io
from pathlib import Path

import pytest

from ktrace.capture.request import TraceRequest
from ktrace.capture.snapshot import Taken, run_snapshot
from ktrace.model.batch import Chunk
from ktrace.probes.trigger_conditions import Conditions
from ktrace.resolve.targets import Targets
from ktrace.session.run_context import RunContext
from ktrace.session.signals import StopSignals
from tests.unit.session.ourselves import Ourselves
from tests.unit.tracefs.scripted import Scripted

TEXT = """\
# tracer: nop
#
# entries-in-buffer/entries-written: 2/2   #P:2
            bash-7       [000] d..1.     3.125954: sched_one: x=1
            bash-7       [001] d..1.     3.125955: sched_one: x=2
"""


class Session(Ourselves):
    """A stand-in for a session, with what a run needs; the snapshot exists after a few polls."""

    def __init__(self, root: Path, looks: int) -> None:
        self.tracing = self.files = Scripted(root, {"snapshot": TEXT, "events/s/one/trigger": ""})
        self.events = ["s/one"]
        self.with_stacks: set[str] = set()
        self.done: list[str] = []
        self._looks = looks

    def signatures(self) -> dict:
        return {}

    def arm(self) -> None:
        self.done.append("armed")

    def stop(self) -> None:
        self.done.append("stopped")

    def apply(self, step) -> None:
        self.done.append(step.text)
        self.set(1)

    def set(self, count: int) -> None:
        self.files.put("events/s/one/trigger", f"snapshot:count={count} if x == 2\n")

    def saved_names(self) -> str:
        return ""


class Sink:
    def __init__(self) -> None:
        self.chunks: list[Chunk] = []
        self.out = io.BytesIO()

    def write(self, chunk: Chunk) -> None:
        self.chunks.append(chunk)

    def flush(self) -> None:
        pass


def run(session: Session, sink: Sink, notes: list[str], count: int | None = None, **ends: float) -> Taken:
    request = TraceRequest(Targets({}, ()), count=count, conditions=Conditions(snapshot_on="x == 2"))
    with StopSignals() as stop:
        return run_snapshot(RunContext(session, stop, notes.append, **ends), request, sink)


def test_the_snapshot_is_read_back_as_a_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session, sink = Session(tmp_path, 0), Sink()
    looks = []

    def look(_) -> list[str]:
        looks.append(1)
        return ["s/one"] if len(looks) > 2 else []

    monkeypatch.setattr("ktrace.capture.snapshot.snapshot_taken", look)
    taken = run(session, sink, [])
    assert (taken.events, taken.unparsed, taken.given_up) == (2, 0, False)
    assert [x for c in sink.chunks for b in c.batches for x in b["body"]] == ["x=1", "x=2"]
    assert session.done[0] == "armed" and session.done[1].startswith("snapshot:1 if (x == 2)")
    assert session.done[-1] == "stopped"


def test_only_as_many_events_as_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ktrace.capture.snapshot.snapshot_taken", lambda _: ["s/one", "s/two"])
    notes: list[str] = []
    assert run(Session(tmp_path, 0), Sink(), notes, count=1).events == 1
    assert "2 events took a snapshot" in notes[0]


def test_a_run_without_such_a_hit_says_so(tmp_path: Path) -> None:
    session, sink, notes = Session(tmp_path, 0), Sink(), []
    assert run(session, sink, notes, duration_s=0.05).events == 0
    assert sink.chunks == [] and "no hit passed the filter" in notes[0]
    assert session.done[-1] == "stopped"
