"""However a run ends, nothing is left behind; and sessions do not disturb each other.

After every test, `untouched` (conftest) checks that the kernel's files are as before.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest


def sessions(tracing: Path) -> list[str]:
    return sorted(p.name for p in (tracing / "instances").glob("ktrace_*"))


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, 0), (signal.SIGTERM, 128 + 15), (signal.SIGHUP, 128 + 1)],
    ids=["INT", "TERM", "HUP"],
)
def test_signals(start: Callable, tracing: Path, forks: None, number: int, status: int) -> None:
    run = start("trace", "do_fork", "flags=+0(%di)", ",", "vfs_read%return", "--json")
    run.until(lambda: run.out != "")
    run.signal(number)
    outcome = run.wait()
    assert outcome.status == status and sessions(tracing) == []
    assert outcome.records("event") and "events in" in outcome.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_is_still_arming(
    start: Callable, tracing: Path, number: int, tmp_path: Path
) -> None:
    """At each of many moments: the first probe, the instance, the options."""
    for delay in (0.0, 0.05, 0.1, 0.2, 0.4):
        run = start("trace", "vfs_read", ",", "vfs_write", ",", "vfs_open", "-d", "20")
        run.until(lambda: (tracing / "kprobe_events").read_text() != "" or bool(sessions(tracing)))
        time.sleep(delay)
        run.signal(number)
        assert run.wait().status in (0, 128 + number)
        assert sessions(tracing) == [] and (tracing / "kprobe_events").read_text() == ""


def test_add_that_is_interrupted_undoes_its_probes(start: Callable, tracing: Path, tmp_path: Path) -> None:
    path = tmp_path / "many.txt"
    path.write_text("".join(f"p:many/a{n} vfs_read a=%di b=\\{n}\n" for n in range(400)))
    run = start("add", "--from", str(path))
    run.until(lambda: (tracing / "kprobe_events").read_text().count("\n") > 20)
    run.signal(signal.SIGTERM)
    assert run.wait().status == 128 + 15
    assert (tracing / "kprobe_events").read_text() == ""


def test_a_closed_pipe_ends_it_quietly(start: Callable, tracing: Path, forks: None) -> None:
    run = start("trace", "do_fork", "--json")
    run.until(lambda: run.out != "")
    run.close_out()
    outcome = run.wait()
    assert outcome.status == 128 + 13 and "rror" not in outcome.err


def test_a_closed_pipe_is_noticed_while_no_event_comes(
    armed: Callable, start: Callable, tracing: Path
) -> None:
    run = start("trace", "vfs_mkdir", "--json")
    run.until(armed)
    run.close_out()
    assert run.wait().status == 128 + 13


def test_a_reader_that_neither_reads_nor_goes_away(
    armed: Callable, start: Callable, tracing: Path, forks: None
) -> None:
    """Its pipe is full, so that ktrace is stuck in write(2) when the signal comes."""
    read_end, write_end = os.pipe()
    run = start("trace", "vfs_read", "--json", out=write_end)
    os.close(write_end)
    run.until(armed)
    time.sleep(3)
    run.signal(signal.SIGTERM)
    assert run.wait().status == 128 + 15
    os.close(read_end)


def test_an_exception_in_the_middle(tracing: Path) -> None:
    from tests.kernel.inner_session import InnerSession

    with pytest.raises(ZeroDivisionError), InnerSession() as session:
        session.add("vfs_read", "n=%dx")
        session.start()
        assert sessions(tracing) and "vfs_read" in (tracing / "kprobe_events").read_text()
        _ = 1 / 0
    assert sessions(tracing) == []


def test_a_refusal_in_the_middle(ktrace: Callable, tracing: Path) -> None:
    """The other place is traced on, and the exit status is the refusal's."""
    ktrace("trace", "vfs_read", ",", "vfs_write", "a=%nope", "-d", "0.5", status=3)
    ktrace("trace", "vfs_read", "n=%dx", "--filter", "nope", status=3)
    assert sessions(tracing) == []


def test_after_sigkill_clean_removes_exactly_what_that_process_made(
    start: Callable, ktrace: Callable, foreign: Callable, tracing: Path, forks: None
) -> None:
    foreign("p:mine/hand vfs_write")
    killed = start("trace", "do_fork", ",", "vfs_read", "--json")
    living = start("trace", "do_fork", "--json")
    for run in (killed, living):
        run.until(lambda r=run: r.out != "")
    killed.signal(signal.SIGKILL)
    os.waitpid(killed.pid, 0)
    left = f"ktrace_{killed.pid}_"
    assert any(name.startswith(left) for name in sessions(tracing))
    plan = ktrace("clean", "--dry-run").out
    assert left in plan and f"ktrace_{living.pid}_" not in plan and "mine" not in plan
    assert any(name.startswith(left) for name in sessions(tracing))
    (record,) = ktrace("clean", "--json").records("leftover")
    assert record["pid"] == killed.pid and len(record["probes"]) == 2
    assert not any(name.startswith(left) for name in sessions(tracing))
    events = (tracing / "kprobe_events").read_text()
    assert left not in events and "p:mine/hand" in events and f"ktrace_{living.pid}_" in events
    seen = len(living.out)
    living.until(lambda: len(living.out) > seen)
    living.signal(signal.SIGINT)
    assert living.wait().status == 0
    assert "nothing was left behind" in ktrace("clean").err


def test_two_sessions_and_a_foreign_probe(
    start: Callable, foreign: Callable, write: Callable, tracing: Path, forks: None
) -> None:
    foreign("p:mine/forked kernel_clone")
    write(tracing / "events/mine/forked/enable", "1")
    first = start("trace", "do_fork", "--json", "--filter", "common_pid > 0")
    second = start("trace", "do_fork", "x=%di", ",", "vfs_read", "--json")
    for run in (first, second):
        run.until(lambda r=run: r.out.count("\n") > 3)
    first.signal(signal.SIGINT)
    ended = first.wait()
    seen = second.out.count('"do_fork"')
    second.until(lambda: second.out.count('"do_fork"') > seen)
    assert (tracing / "events/mine/forked/enable").read_text().strip() == "1"
    hits = [line.split() for line in (tracing / "kprobe_profile").read_text().splitlines()]
    assert any(words[0] == "forked" and int(words[1]) > 0 for words in hits)
    assert "forked" in (tracing / "trace").read_text()
    second.signal(signal.SIGINT)
    other = second.wait()
    assert {e["event"] for e in ended.records("event")} == {"do_fork"}
    assert all(e["args"] == {} for e in ended.records("event"))
    assert {e["event"] for e in other.records("event")} == {"do_fork", "vfs_read"}
    write(tracing / "events/mine/forked/enable", "0")


def test_remove_all_leaves_other_sessions_alone(
    start: Callable, ktrace: Callable, tracing: Path, forks: None
) -> None:
    run = start("trace", "do_fork", "--json")
    run.until(lambda: run.out != "")
    ktrace("add", "vfs_read")
    ktrace("remove", "--all")
    assert f"ktrace_{run.pid}_" in (tracing / "kprobe_events").read_text()
    run.signal(signal.SIGINT)
    assert run.wait().status == 0
