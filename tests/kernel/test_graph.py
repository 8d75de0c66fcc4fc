"""`ktrace graph`: trees of a known program, whose, how deep, and what it leaves of what all share."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from ktrace.host.local import LocalHost
from ktrace.tracefs.files import Files
from ktrace.tracefs.graph import can_graph, read_functions
from ktrace.tracefs.instances import Owner

ZERO = ("read_zero", "read_iter_zero")
READS = "dd if=/dev/zero of=/dev/null bs=4321 count=7 status=none"


@pytest.fixture
def instance(tracing: Path) -> Path:
    """Create another user's instance."""
    path = tracing / "instances" / "somebodys"
    path.mkdir()
    (path / "tracing_on").write_text("0")
    yield path
    path.rmdir()


@pytest.fixture
def own(instance: Path) -> bool:
    """Return whether an instance can have the tracer."""
    return can_graph(Files(LocalHost(), str(instance)))


@pytest.fixture
def where(own: bool, ktrace: Callable) -> tuple[str, ...]:
    """Return the option that requests the tracer. Without it, ktrace does not use the shared buffer."""
    if own:
        return ()
    err = ktrace("graph", "vfs_read", "-c", "true", status=5).err
    assert "in the top buffer only" in err and "--top-buffer" in err
    return ("--top-buffer",)


@pytest.fixture
def able(own: bool) -> None:
    """Skip a test of features that only an instance has."""
    if not own:
        pytest.skip("this kernel's instances have no function_graph tracer")


def following(tracing: Path) -> bool:
    """Return whether a session records calls."""
    if (tracing / "current_tracer").read_text().strip() == "function_graph":
        return True
    for path in (tracing / "instances").glob("ktrace_*"):
        with suppress(OSError):  # it may go while we look
            if (path / "current_tracer").read_text().strip() == "function_graph":
                return (path / "tracing_on").read_text().strip() == "1"
    return False


def children(records: list[dict]) -> dict[int, list[dict]]:
    found: dict[int, list[dict]] = {}
    for record in records:
        if record["parent"] is not None:
            found.setdefault(record["parent"], []).append(record)
    return found


def test_the_calls_of_a_known_program(where: tuple, ktrace: Callable) -> None:
    without = () if where else ("--exclude", "*lock*")
    outcome = ktrace(
        "graph", "vfs_read", "ksys_wri*", "--json", "--depth", "3", *without, *where, "-c", READS
    )
    assert "none lost" in outcome.err
    calls = outcome.records("call")
    assert {c["comm"] for c in calls} == {"dd"}
    roots = [c for c in calls if c["parent"] is None]
    below = children(calls)
    zeros = [r for r in roots if any(c["func"] in ZERO for c in below.get(r["id"], []))]
    assert len(zeros) == 7 and {r["func"] for r in zeros} == {"vfs_read"}
    assert sum(r["func"] == "ksys_write" for r in roots) == 7
    assert not any("incomplete" in r for r in roots)
    for call in calls:
        inner = below.get(call["id"], [])
        assert sum(c["duration_ns"] for c in inner) <= call["duration_ns"]
        assert {c["depth"] for c in inner} <= {call["depth"] + 1}
        assert all(c["ts"] >= call["ts"] for c in inner)
        assert where or "lock" not in call["func"]


def test_what_a_command_prints_is_no_tree(where: tuple, ktrace: Callable) -> None:
    outcome = ktrace("graph", "vfs_read", "--depth", "1", "--json", *where, "-c", "echo printed")
    assert outcome.records("call") and "printed" not in outcome.out and "printed\n" in outcome.err


def test_depth_and_time_of_a_call_that_sleeps(where: tuple, start: Callable, tracing: Path) -> None:
    run = start("graph", "hrtimer_nanosleep", "--depth", "2", "--above", "250ms", "-n", "1", *where)
    run.until(lambda: following(tracing))
    assert (tracing / "max_graph_depth").read_text() == "2\n"
    for seconds in ("0.02", "0.3"):
        subprocess.run(["sleep", seconds], check=True)
    outcome = run.wait()
    head, root, *calls = outcome.out.splitlines()
    assert head.startswith("sleep-") and root.endswith("   hrtimer_nanosleep")
    assert 300_000 <= float(root.split()[1]) < 2_000_000
    assert any(line.endswith("     do_nanosleep") for line in calls)
    assert not any(line.endswith("       schedule") for line in calls)
    assert "1 trees of" in outcome.err and "1 were faster" in outcome.err


def test_only_this_process_and_an_interrupt_keeps_what_came(where: tuple, start: Callable) -> None:
    loops = [
        subprocess.Popen(["sh", "-c", "while :; do read a < /proc/version; sleep 0.05; done"])
        for _ in range(2)
    ]
    try:
        run = start("graph", "vfs_read", "--depth", "1", "--json", "-p", str(loops[0].pid), *where)
        run.until(lambda: run.out.count("\n") > 3)
        run.signal(signal.SIGINT)
        outcome = run.wait()
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
    assert outcome.status == 0
    assert {c["pid"] for c in outcome.records("call")} == {loops[0].pid}


def test_what_was_lost_is_told_in_its_place(able: None, start: Callable, tracing: Path) -> None:
    reads = "dd if=/dev/zero of=/dev/null bs=1 count=3000 status=none"
    run = start("graph", "vfs_read", "--json", "--buffer-size", "8", "-c", reads)
    run.until(lambda: following(tracing))
    run.signal(signal.SIGSTOP)
    time.sleep(0.5)
    run.signal(signal.SIGCONT)
    outcome = run.wait()
    told = sum(r["count"] or 0 for r in outcome.records("lost"))
    calls = outcome.records("call")
    if told:  # a fast reader loses nothing
        assert f"{told} lost" in outcome.err
    assert sum(c["func"] == "vfs_read" for c in calls) <= 3000 + 20
    ids = {c["id"] for c in calls}
    assert all(c["parent"] in ids for c in calls if c["parent"] is not None)


def test_two_at_a_time_and_one_that_is_killed(
    able: None, start: Callable, ktrace: Callable, tracing: Path
) -> None:
    """A function that two sessions follow stays while one of them runs; `clean` finds what the other left."""
    files = Files(LocalHost(), str(tracing))
    run = start("graph", "vfs_read", "vfs_write", "-q", "--depth", "1")
    run.until(lambda: following(tracing))
    owner = Owner.of_process(LocalHost(), run.pid)
    assert sorted(read_functions(files)) == ["vfs_read", "vfs_write"] and owner is not None
    ktrace("graph", "vfs_read", "--depth", "1", "-c", "true")
    err = ktrace("graph", "vfs_read", "-c", "true", status=6).err
    assert "depth of 1" in err and owner.name in err
    assert sorted(read_functions(files)) == ["vfs_read", "vfs_write"]
    run.signal(signal.SIGKILL)
    os.waitpid(run.pid, 0)
    assert "2 instance(s)" in ktrace("clean").out
    assert read_functions(files) == [] and (tracing / "max_graph_depth").read_text() == "0\n"


def test_another_tools_list_stays(able: None, instance: Path, start: Callable, tracing: Path) -> None:
    (instance / "current_tracer").write_text("function_graph")
    reader = subprocess.Popen(["sh", "-c", "while read a; do :; done"], stdin=subprocess.PIPE)
    assert reader.stdin is not None
    try:
        run = start("graph", "vfs_read", "--depth", "1", "--json", "-n", "3", "-p", str(reader.pid))
        run.until(lambda: following(tracing))
        assert read_functions(Files(LocalHost(), str(tracing))) == []
        reader.stdin.write(b"words\n")
        reader.stdin.flush()
        outcome = run.wait()
        assert "another tool follows all functions" in outcome.err
        assert [c["func"] for c in outcome.records("call")] == ["vfs_read"] * 3
    finally:
        reader.stdin.close()
        reader.kill()
        reader.wait()
        (instance / "current_tracer").write_text("nop")


def test_what_cannot_be_followed(where: tuple, ktrace: Callable) -> None:
    ktrace = partial(ktrace, "graph", *where)
    assert "no function is called 'vfs_raed'" in ktrace("vfs_raed", status=4).err
    outcome = ktrace("do_fork", "--depth", "1", "-c", "sh -c '/bin/true; /bin/true'")
    assert "do_fork is kernel_clone" in outcome.err and "kernel_clone\n" in outcome.out
    err = ktrace("vfs_read", "--exclude", "vfs_*", "-c", "true", status=2).err
    assert "leaves out vfs_read itself" in err


def test_the_top_buffer_is_taken_with_consent_where_nobody_uses_it(
    own: bool, start: Callable, ktrace: Callable, tracing: Path, write: Callable
) -> None:
    """Every test checks afterwards that the buffer has been restored."""
    if own:
        assert (
            "shares"
            not in ktrace("graph", "vfs_read", "--top-buffer", "-n", "1", "-c", "cat /etc/passwd").err
        )
        return
    run = start("graph", "vfs_read", "--top-buffer", "--depth", "1", "-q", "-c", "sleep 300")
    run.until(lambda: following(tracing))
    again = ktrace("graph", "vfs_read", "--top-buffer", "-d", "0.1", status=6)
    assert "in use: it has the tracer function_graph" in again.err
    run.signal(signal.SIGTERM)
    assert run.wait().status == 128 + signal.SIGTERM
    write(tracing / "events/sched/sched_process_exec/enable", "1")
    try:
        err = ktrace("graph", "vfs_read", "--top-buffer", "-d", "0.1", status=6).err
    finally:
        write(tracing / "events/sched/sched_process_exec/enable", "0")
        os.close(os.open(tracing / "trace", os.O_WRONLY | os.O_TRUNC))
    assert "events are on in it, such as sched:sched_process_exec" in err


def test_what_a_killed_one_left_in_the_top_buffer(
    own: bool, start: Callable, ktrace: Callable, tracing: Path
) -> None:
    if own:
        pytest.skip("this kernel's instances have the tracer")
    me = str(os.getpid())
    run = start("graph", "vfs_read", "--top-buffer", "--depth", "1", "-q", "-p", me, "--children")
    run.until(lambda: following(tracing))
    pids = (tracing / "set_ftrace_pid").read_text().split()
    assert me in pids and str(run.pid) not in pids  # it is a child, but does not record itself
    run.signal(signal.SIGKILL)
    os.waitpid(run.pid, 0)
    ktrace("clean")
    assert not following(tracing)
    # And again, as if nothing had been.
    ktrace("graph", "vfs_read", "--top-buffer", "--depth", "1", "-c", "cat /etc/passwd")


def test_interrupts_hidden_functions_and_short_calls_are_left_out(where: tuple, ktrace: Callable) -> None:
    reads = "dd if=/dev/zero of=/dev/null bs=64k count=20 status=none"
    words = (
        ("graph", "vfs_read", "--exclude", "*lock*", "--json")
        if not where
        else ("graph", "vfs_read", "--json")
    )
    hidden = ktrace(*words, "--hide", "rw_verify*", *where, "-c", reads)
    found = hidden.records("call")
    assert found and not any("interrupt" in c["func"] or "irq_enter" in c["func"] for c in found)
    assert not any(c["func"] == "rw_verify_area" for c in found) and "calls left out" in hidden.err
    whole = ktrace(*words, "--irqs", "--min", "20us", *where, "-c", reads).records("call")
    roots = [c for c in whole if c["parent"] is None]
    assert len(roots) >= 5 and all(c["duration_ns"] >= 20_000 for c in whole if c["parent"] is not None)
    outcome = ktrace("graph", "vfs_read", "--hide", "vfs_*", *where, "-c", "true", status=2)
    assert "--hide 'vfs_*' hides vfs_read itself" in outcome.err


def test_one_level_changes_only_the_functions_themselves(able: None, start: Callable, tracing: Path) -> None:
    run = start("graph", "vfs_read", "vfs_writ*", "--depth", "1", "--json")
    run.until(lambda: following(tracing))
    owner = Owner.of_process(LocalHost(), run.pid)
    assert owner is not None
    files = Files(LocalHost(), str(tracing / "instances" / owner.name))
    assert {"vfs_read", "vfs_write", "vfs_writev"} >= set(read_functions(files, "set_ftrace_filter")) > set()
    subprocess.run(["cat", "/proc/version"], check=True, stdout=subprocess.DEVNULL)
    run.until(lambda: '"vfs_read"' in run.out)
    run.signal(signal.SIGINT)
    outcome = run.wait()
    assert {c["func"] for c in outcome.records("call")} <= {"vfs_read", "vfs_write", "vfs_writev"}
