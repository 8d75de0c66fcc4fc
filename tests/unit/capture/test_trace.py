import os
from dataclasses import dataclass, field

import pytest

from ktrace.capture.request import TraceRequest
from ktrace.capture.trace import trace
from ktrace.errors import Interrupted, NotFound, Refused, Unavailable
from ktrace.host.local import LocalHost
from ktrace.model.batch import Lost, Missed
from ktrace.model.format import Arg, Signature
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.probes.define import Defined
from ktrace.resolve.refusals import Refusals
from ktrace.resolve.spec import ProbeSpec
from ktrace.resolve.targets import Targets
from ktrace.session.command import Command
from ktrace.session.run_context import RunContext
from ktrace.session.signals import StopSignals
from ktrace.session.tasks import TaskFilter
from ktrace.tracefs.files import Files
from ktrace.tracefs.pipe import TextPipe
from ktrace.tracefs.stats import CpuStats
from tests.unit.session.ourselves import Ourselves
from tests.unit.tracefs.scripted import Scripted

LINE = "            bash-7       [000] d..1.     3.125954: kp: (vfs_read+0x4/0x370) x={}\n"


@dataclass
class Session(Ourselves):
    """A stand-in for a session, with what `trace` needs and a real pipe in place of trace_pipe."""

    tracing: Scripted
    text: bytes = b""
    rest: bytes = b""
    profiles: tuple[str, str] = ("", "")
    counts: tuple[CpuStats, ...] = ()
    refuse: dict[str, Exception] = field(default_factory=dict)
    done: list[object] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    with_stacks: frozenset[str] = frozenset()

    def add_probe(self, probe, move):
        if probe.event in self.refuse:
            raise self.refuse[probe.event]
        self.done.append(("add", probe.event))
        return Defined(probe, "old" if probe.name == "moved" else None)

    def trace_event(self, event, *, stack=False):
        self.done.append(("event", event, stack))
        if event not in self.events:
            self.events.append(event)

    def only_cpus(self, cpus):
        self.done.append(("cpus", list(cpus)))

    def only_tasks(self, pids, *, children):
        self.done.append(("tasks", list(pids), children))

    def filter(self, expression, events=None):
        self.done.append(("filter", expression, events))

    def signatures(self):
        return {"kp": [Signature("kp", (Arg("x", "dec"),))]}

    def groups(self):
        return {"kp": "g"}

    def start(self):
        self.done.append("start")
        self.tracing.put("kprobe_profile", self.profiles[1])
        os.mkfifo(f"{self.tracing.root}/trace_pipe")
        self.pipe = TextPipe(Files(LocalHost(), self.tracing.root))
        self.writer = os.open(f"{self.tracing.root}/trace_pipe", os.O_WRONLY)
        os.write(self.writer, self.text)
        return self.pipe

    def stop(self):
        self.done.append("stop")
        os.write(self.writer, self.rest)

    def stats(self):
        return list(self.counts)

    def saved_names(self):
        return ""


class Sink:
    def __init__(self):
        self.values, self.marks, self.groups = [], [], None

    def make(self, groups):
        self.groups = groups
        return self

    def write(self, chunk):
        self.values += [v for b in chunk.batches for v in b["x"].tolist()]
        self.marks += chunk.marks

    def flush(self):
        pass


@pytest.fixture
def session(tmp_path):
    made = Session(Scripted(tmp_path, {"kprobe_profile": ""}))
    yield made
    if "start" in made.done:
        made.pipe.close()
        os.close(made.writer)


@pytest.fixture
def sink():
    return Sink()


def wanted(name, *, one_of_many=False, notes=()):
    return ProbeSpec(Probe("p", "g", name, SymbolPlace("f")), one_of_many=one_of_many, notes=notes)


def run(session, sink, request, **options):
    notes = []
    with StopSignals() as stop:
        context = RunContext(session, stop, notes.append, **options)
        result = trace(context, request, sink.make, text=True)
    return result, notes


def test_events_before_and_after_the_stop(session, sink):
    session.text = (LINE.format(1) + LINE.format(2)).encode()
    session.rest = LINE.format(3).encode()
    result, notes = run(session, sink, TraceRequest(Targets({"g/kp": None}, ())), duration_s=0.05)
    assert sink.values == [1, 2, 3] and sink.groups == {"kp": "g"}
    assert (result.events, result.outcome.lost, result.outcome.missed, result.unparsed) == (3, 0, 0, 0)
    assert result.outcome.seconds > 0.04 and not result.outcome.output_closed
    assert notes == []
    assert session.done == [("event", "g/kp", False), "start", "stop"]


def test_a_number_of_events(session, sink):
    session.text = "".join(LINE.format(n) for n in range(5)).encode()
    session.counts = (CpuStats(0, 0, 9, 0, 0, 0),)
    result, _ = run(session, sink, TraceRequest(Targets({"g/kp": None}, ()), count=2))
    assert sink.values == [0, 1] and result.events == 2
    assert sink.marks == []  # events overwritten after the last wanted one are not reported as lost


def test_what_is_restricted_is_restricted_before_the_start(session, sink):
    request = TraceRequest(Targets({"g/kp": None}, ()), stack=True, filter="x > 1", cpus=[1])
    run(session, sink, request, tasks=TaskFilter([os.getpid()]), duration_s=0)
    assert [d[0] for d in session.done] == ["event", "cpus", "tasks", "filter", "s", "s"]
    assert session.done[0] == ("event", "g/kp", True)
    assert os.getpid() in session.done[2][1]


def test_each_place_has_its_own_condition(session, sink):
    targets = Targets({"g/kp": "x < 9", "g/b": None}, ())
    run(session, sink, TraceRequest(targets, filter="x > 1"), duration_s=0)
    filters = [done[1:] for done in session.done if done[0] == "filter"]
    assert filters == [("(x > 1) && (x < 9)", ["g/kp"]), ("x > 1", ["g/b"])]


def test_a_command_is_followed_started_last_and_ends_the_run(session, sink, tmp_path):
    with Command(f"touch {tmp_path}/mark") as command:
        run(session, sink, TraceRequest(Targets({"g/kp": None}, ())), command=command)
        assert command.wait() == 0
    assert ("tasks", [command.pid], True) in session.done
    assert (tmp_path / "mark").exists()


def test_the_runs_own_probes(session, sink):
    targets = Targets({}, (wanted("a", notes=("look",)), wanted("moved")))
    _, notes = run(session, sink, TraceRequest(targets, stack=True), duration_s=0)
    assert session.done[:4] == [
        ("add", "g/a"),
        ("add", "g/moved"),
        ("event", "g/a", True),
        ("event", "g/moved", True),
    ]
    assert notes == ["look", "old is f in this kernel: g/moved probes f"]


def test_a_probe_that_was_asked_for_by_name_must_be_taken(session, sink):
    session.refuse["g/b"] = NotFound("no b")
    with pytest.raises(NotFound, match="no b"):
        run(session, sink, TraceRequest(Targets({}, (wanted("a"), wanted("b")))))
    assert "start" not in session.done


def test_the_others_go_on_without_a_refused_one(session, sink):
    told = []
    targets = Targets({"g/kp": None}, (wanted("a"), wanted("b")), refusals=Refusals(told.append))
    session.refuse["g/a"] = NotFound("no a")
    run(session, sink, TraceRequest(targets), duration_s=0)
    assert told == [session.refuse["g/a"]] and ("add", "g/b") in session.done


def test_an_error_that_would_meet_every_place_ends_the_run(session, sink):
    told = []
    targets = Targets({"g/kp": None}, (wanted("a"), wanted("b")), refusals=Refusals(told.append))
    session.refuse["g/a"] = Unavailable("locked down")
    with pytest.raises(Unavailable, match="locked down"):
        run(session, sink, TraceRequest(targets), duration_s=0)
    assert told == [] and session.done == []


def test_of_a_wildcards_probes_some_may_be_refused(session, sink):
    many = [wanted(name, one_of_many=True) for name in "abc"]
    session.refuse = {"g/a": Refused("not a"), "g/c": Refused("not c")}
    _, notes = run(session, sink, TraceRequest(Targets({}, tuple(many))), duration_s=0)
    assert notes == ["2 of 3 functions were refused; the first: not a"]
    session.refuse["g/b"] = Refused("not b")
    with pytest.raises(Refused, match="not a"):
        run(session, sink, TraceRequest(Targets({}, tuple(many))), duration_s=0)


def test_losses_that_the_text_did_not_tell_of(session, sink):
    session.text = b"CPU:1 [LOST 5 EVENTS]\n" + LINE.format(1).encode()
    session.counts = (CpuStats(0, 0, 0, 0, 0, 9), CpuStats(1, 0, 6, 1, 1, 9))
    result, _ = run(session, sink, TraceRequest(Targets({"g/kp": None}, ())), duration_s=0.02)
    assert result.outcome.lost == 8
    assert [(m.cpu, m.count) for m in sink.marks if isinstance(m, Lost)] == [(1, 5), (1, 3)]


def test_losses_that_it_did_tell_of_are_not_told_twice(session, sink):
    session.text = b"CPU:1 [LOST 5 EVENTS]\n" + LINE.format(1).encode()
    session.counts = (CpuStats(1, 0, 5, 0, 0, 9),)
    result, _ = run(session, sink, TraceRequest(Targets({"g/kp": None}, ())), duration_s=0.02)
    assert result.outcome.lost == 5 and len(sink.marks) == 1


def test_losses_of_several_cpus(session, sink):
    session.counts = (CpuStats(0, 0, 1, 0, 0, 0), CpuStats(1, 0, 2, 0, 0, 0))
    result, _ = run(session, sink, TraceRequest(Targets({"g/kp": None}, ())), duration_s=0)
    assert result.outcome.lost == 3
    assert [(m.cpu, m.count) for m in sink.marks] == [(None, 3)]


def test_missed_hits_of_this_run_alone(session, sink):
    session.tracing.put("kprobe_profile", "  kp  10  4\n  other  1  1\n")
    session.profiles = ("", "  kp  20  7\n  other  2  9\n")
    result, _ = run(session, sink, TraceRequest(Targets({"g/kp": None}, ())), duration_s=0)
    assert result.outcome.missed == 3
    assert [(m.event, m.count) for m in sink.marks if isinstance(m, Missed)] == [("kp", 3)]


def test_a_signal_before_the_start(session, sink):
    with StopSignals() as stop:
        os.kill(os.getpid(), 15)
        with pytest.raises(Interrupted):
            context = RunContext(session, stop, print)
            trace(context, TraceRequest(Targets({"g/kp": None}, ())), sink.make, text=True)
    assert "start" not in session.done


def test_a_signal_during_the_run_still_shows_what_was_recorded(session, sink, monkeypatch):
    session.text = LINE.format(1).encode()
    session.rest = LINE.format(2).encode()
    real = session.start

    def start():
        pipe = real()
        os.kill(os.getpid(), 2)
        return pipe

    monkeypatch.setattr(session, "start", start)
    result, _ = run(session, sink, TraceRequest(Targets({"g/kp": None}, ())))
    assert sink.values == [1, 2] and result.events == 2


def test_an_output_that_nobody_reads_any_more(session, sink):
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as output:
        result, _ = run(session, sink, TraceRequest(Targets({"g/kp": None}, ())), output=output)
    assert result.outcome.output_closed
