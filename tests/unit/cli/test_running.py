"""The exit status of a run, and what is said about the records that it left."""

import signal
from types import SimpleNamespace

import pytest

from ktrace.cli.run_options import RunOptions
from ktrace.cli.running import exit_status
from ktrace.errors import UsageError
from ktrace.model.muted import Muted
from ktrace.model.outcome import Outcome

MUTED = (Muted(("g/a",), "it is switched off", "echo 1"),)


def status(outcome: Outcome, received: int | None = None, command: int | None = None) -> int:
    done: list[str] = []
    child = None if command is None else SimpleNamespace(finish=lambda: done.append("ended") or command)
    session = SimpleNamespace(close=lambda: done.append("undone"))
    context = SimpleNamespace(session=session, stop=SimpleNamespace(received=received), command=child)
    found = exit_status(context, outcome)  # type: ignore[arg-type]
    assert done[0] == "undone" and done.count("undone") == 1  # before the command is ended
    return found


@pytest.mark.parametrize(
    ("outcome", "received", "command", "expected"),
    [
        (Outcome(1.0), None, None, 0),
        (Outcome(1.0), signal.SIGINT, None, 0),  # Ctrl-C is how a run is meant to end
        (Outcome(1.0), signal.SIGTERM, None, 143),
        (Outcome(1.0), signal.SIGTERM, 3, 143),
        (Outcome(1.0), None, 3, 3),
        (Outcome(1.0, output_closed=True), None, 3, 141),
        (Outcome(1.0, given_up=True), None, None, 1),
        (Outcome(1.0, given_up=True), signal.SIGINT, None, 130),
    ],
)
def test_how_it_ended(outcome: Outcome, received: int | None, command: int | None, expected: int) -> None:
    assert status(outcome, received, command) == expected


def test_events_that_could_not_be_hit_are_a_failure() -> None:
    assert status(Outcome(1.0, muted=MUTED)) != 0


def test_records_that_were_left_are_reported(capsys: pytest.CaptureFixture[str]) -> None:
    status(Outcome(1.0, unread=5))
    assert "5 records were left unread" in (err := capsys.readouterr().err) and "KTRACE_GRACE=60" in err
    status(Outcome(1.0, unread=5, given_up=True))
    assert "5 records were not written" in capsys.readouterr().err
    status(Outcome(1.0))
    assert capsys.readouterr().err == ""


def test_options_that_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="-c and -p"):
        RunOptions("ls", [1])
    with pytest.raises(UsageError, match="--children does nothing without -p PID"):
        RunOptions(children=True)
    RunOptions(None, [1], True)
