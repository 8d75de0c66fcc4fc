import os

import pytest

from ktrace.cli.commands import stack
from ktrace.errors import OutOfTime
from ktrace.model.tally import Row, Tally
from ktrace.session.signals import StopSignals
from tests.unit.cli.full import full_pipe


def test_a_profile_that_nobody_takes_is_given_up(monkeypatch):
    monkeypatch.setenv("KTRACE_GRACE", "0.3")
    tally = Tally(("stack",), (Row((("a" * 100_000, "b"),), 1),))
    with full_pipe() as end, StopSignals() as stop, os.fdopen(os.dup(end), "wb") as out:
        stop.end()
        with pytest.raises(OutOfTime):
            stack._write(tally, "a", {"fold": out}, stop)
