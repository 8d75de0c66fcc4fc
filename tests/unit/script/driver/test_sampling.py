"""timer.profile and watchpoints in a run; without perf events, a timer stands in where it can."""

import pytest

from ktrace.cli.main import main
from ktrace.errors import Unavailable
from ktrace.script.sampling.perf_events import PerfEvents
from tests.unit.unable import unable

BUSY = "python3 -c 'for i in range(40): sum(range(200000))'"
PROFILE = """
global users, all, addresses
probe timer.profile {
  all++
  if (pid() == target()) { users += user_mode(); addresses += (uaddr() != 0) }
  if (user_mode() && addr() != uaddr()) println("different")
}
probe end { printf("%d %d %d\\n", all > 0, users > 0, addresses > 0) }
"""


def test_a_profile_sees_what_the_command_does(capfd):
    status = main(["run", "-c", BUSY, "-e", PROFILE])
    out, err = capfd.readouterr()
    if "perf events failed" in err:
        unable(err)
    assert (status, out, err) == (0, "1 1 1\n", "")


@pytest.fixture
def refused(monkeypatch):
    def refuse(_self):
        raise Unavailable("perf events failed: not permitted")

    monkeypatch.setattr(PerfEvents, "__enter__", refuse)


def test_without_perf_events_a_timer_stands_in(refused, capfd):
    assert main(["run", "-e", "probe timer.profile { if (n++ > 2) { println(1) exit() } } global n"]) == 0
    out, err = capfd.readouterr()
    assert out == "1\n" and "timer.profile is a timer of 100 Hz here" in err and "not permitted" in err


@pytest.mark.parametrize("call", ["user_mode()", "uaddr()", "addr()"])
def test_without_perf_events_nothing_is_said_of_what_was_interrupted(call, refused, capfd):
    assert main(["run", "-e", f"probe timer.profile {{ println({call}) exit() }}"]) != 0
    out, err = capfd.readouterr()
    assert out == "" and "timer.profile cannot tell what was interrupted" in err


def test_a_variable_that_is_not_there(capfd):
    script = 'probe kernel.data("there_is_no_such_variable").write%s { } probe begin { println(1) exit() }'
    assert main(["run", "-e", script % ""]) != 0
    assert "there is no variable 'there_is_no_such_variable'" in capfd.readouterr().err
    assert main(["run", "-v", "-e", script % " ?"]) == 0
    out, err = capfd.readouterr()
    assert out == "1\n" and "is left out" in err


def test_a_watchpoint_that_is_refused(refused, capfd):
    assert main(["run", "-e", "probe kernel.data(0x1000).write { }"]) != 0
    assert "kernel.data(4096).write: perf events failed: not permitted" in capfd.readouterr().err
