"""The line at the end of a run."""

from ktrace.model.muted import Muted
from ktrace.model.outcome import Outcome
from ktrace.output.views.summary import lost_text, shortcomings, summary_text


def test_what_came_and_how_fast() -> None:
    assert summary_text(10, Outcome(2.0)) == "10 events in 2.00 s (5/s), none lost"
    assert summary_text(10, Outcome(0.0), ["1 KiB"]) == "10 events in 0.00 s (0/s), 1 KiB, none lost"


def test_what_could_not_be_had_is_counted() -> None:
    muted = (Muted(("g/a",), "it is switched off", "echo 1"),)
    outcome = Outcome(1.0, lost=2, missed=3, unread=4, untimed=5, muted=muted)
    assert summary_text(1, outcome) == (
        "1 events in 1.00 s (1/s), 2 lost, 4 left unread, 3 hits missed, 5 calls not timed, "
        "g/a could not be hit"
    )
    assert lost_text(Outcome(1.0)) == "none lost"
    assert shortcomings(outcome, "calls of {} were not seen")[-1] == "calls of g/a were not seen"
    assert shortcomings(Outcome(1.0, untimed=0)) == []
