"""Histograms set in an instance, read back, and added up."""

import errno
from dataclasses import dataclass, field

import pytest

from ktrace.aggregate.hist import HITCOUNT, Hist, Term
from ktrace.aggregate.keys import Counter
from ktrace.counting.kernel_counts import HistTally, ProfileTally, explained, missed, run_tally
from ktrace.errors import Damaged, Refused
from ktrace.model.plan import Step
from ktrace.model.tally import Row, Tally
from ktrace.session.run_context import RunContext
from ktrace.session.signals import StopSignals
from tests.unit.aggregate.hist_writer import write_hist
from tests.unit.session.ourselves import Ourselves
from tests.unit.tracefs.scripted import Scripted


@dataclass
class Session(Ourselves):
    tracing: Scripted
    events: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    refuse: Refused | None = None

    @property
    def files(self) -> Scripted:
        return self.tracing

    def apply(self, step: Step) -> None:
        if self.refuse:
            raise self.refuse
        self.steps.append(step)


@pytest.fixture
def session(tmp_path) -> Session:
    return Session(Scripted(tmp_path, {"kprobe_profile": "  calls  5  1\n  calls  0  0\n  other  9  2\n"}))


COUNTED = [Counter("g/e", Hist((Term("n"),), filter="n > 3"), lambda key: ("f", *key))]
SECOND = Counter("g/e", Hist((Term("n", "hex"),)), lambda key: ("h", *key))


def test_set_in_order_and_read_back_by_what_they_are(session: Session) -> None:
    source = HistTally(session, ("function", "n"), [*COUNTED, SECOND])  # type: ignore[arg-type]
    source.arm()
    assert [step.text for step in session.steps] == [
        "hist:keys=n:size=2048 if n > 3",
        "hist:keys=n.hex:size=2048",
    ]
    other = write_hist([Term("n", "hex")], [Term(HITCOUNT)], [([16], [7])], dropped=2)
    first = write_hist([Term("n")], [Term(HITCOUNT)], [([5], [3])]).replace(" [active]", " if n > 3 [active]")
    session.tracing.put("events/g/e/hist", other + "\n\n" + first)
    assert source.read() == Tally(("function", "n"), (Row(("f", 5), 3), Row(("h", 16), 7)), (), 2)


def test_a_histogram_that_is_not_there(session: Session) -> None:
    source = HistTally(session, ("function", "n"), COUNTED)  # type: ignore[arg-type]
    session.tracing.put("events/g/e/hist", write_hist([Term("m")], [Term(HITCOUNT)], []))
    with pytest.raises(Damaged, match="no histogram"):
        source.read()
    session.tracing.put("events/g/e/hist", "")
    with pytest.raises(Damaged, match="0 histograms, where 1"):
        source.read()


def test_a_refusal_says_which_event_and_what_to_do(session: Session) -> None:
    session.refuse = Refused("Field not found", errno=errno.EINVAL, excerpt="n > 3", caret=0)
    with pytest.raises(Refused, match="g/e cannot be counted like that: Field not found") as caught:
        HistTally(session, ("n",), COUNTED).arm()  # type: ignore[arg-type]
    assert "ktrace show g/e" in (caught.value.hint or "")
    plain = explained(Refused("Invalid argument"), "g/e", Hist((Term("n"),)))
    assert "three keys" in (plain.hint or "") and "field" not in (plain.hint or "")
    filtered = explained(Refused("Invalid argument"), "g/e", Hist((Term("n"),), filter="m < 0"))
    assert (filtered.hint or "").startswith("is each name in 'm < 0' a field? `ktrace show g/e` lists them")


def test_the_kernels_own_counts_by_place(session: Session) -> None:
    source = ProfileTally(session, [("g/calls", ("vfs_read", "vfs_write"))])  # type: ignore[arg-type]
    source.arm()
    assert [(step.path, step.text) for step in session.steps] == [("events/g/calls/enable", "1")]
    assert source.read() == Tally(("function",), (Row(("vfs_read",), 5),))


def test_missed_hits_of_the_sessions_events(session: Session) -> None:
    session.events = ["g/calls"]
    assert missed(session) == 1  # type: ignore[arg-type]


class Waits:
    """A loop of four rounds, each 0.2 s after the one before."""

    pressed, seconds, output_closed = False, 0.0, False

    def begin(self) -> None:
        pass

    def __call__(self) -> bool:
        self.seconds += 0.2
        return self.seconds < 0.9


def test_what_is_counted_is_shown_now_and_then(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[object] = []

    class Source:
        look_s, lost, untimed, unread = 0.05, 3, None, 8

        def arm(self) -> None:
            done.append("arm")

        def poll(self) -> None:
            done.append("poll")

        def stop(self, overdue) -> None:
            done.append("stop")

        def read(self) -> Tally:
            return Tally(("n",))

    ticks: list[float] = []

    def waiting(_context, every_s: float) -> Waits:
        ticks.append(every_s)
        return Waits()

    def show(tally: Tally | None, seconds: float) -> None:
        done.append("removed" if tally is None else round(seconds, 1))

    monkeypatch.setattr(RunContext, "waiting", waiting)
    with StopSignals() as stop:
        context = RunContext(session, stop, done.append)  # type: ignore[arg-type]
        answer = run_tally(context, Source(), "counting", show)
    # What was shown is removed before anything else is printed below it.
    assert done == ["arm", "poll", "poll", 0.4, "poll", "poll", 0.8, "removed", "stop"]
    assert (answer.outcome.lost, answer.outcome.unread, answer.method) == (3, 8, "counting")
    assert ticks == [0.05]
