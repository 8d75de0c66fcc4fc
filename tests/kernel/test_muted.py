"""Switches of the whole system that mute probes: a run that could not have seen anything says so."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ktrace import Session
from ktrace.errors import Unavailable

from .conftest import Outcome, Running

FTRACE = Path("/proc/sys/kernel/ftrace_enabled")
DISARMED = "kprobes/enabled is 0"
FTRACE_OFF = "kernel.ftrace_enabled is 0"
READ = "cat /proc/uptime"
BLIND = 5

Run = Callable[..., Outcome]


@pytest.fixture
def disarmed(debugfs: Path) -> Iterator[Path]:
    """All kprobes of the system are disarmed; gives the switch."""
    switch = debugfs / "kprobes/enabled"
    switch.write_text("0")
    yield switch
    switch.write_text("1")


@pytest.fixture
def ftrace_off() -> Iterator[None]:
    """Ftrace calls nobody."""
    try:
        FTRACE.write_text("0")
    except OSError:  # some kernels refuse: they have users of ftrace that cannot be without it
        pytest.skip("this kernel does not let ftrace be switched off")
    yield
    FTRACE.write_text("1")


def test_streams_say_that_kprobes_are_disarmed(ktrace: Run, disarmed: Path, tmp_path: Path) -> None:
    traced = ktrace("trace", "vfs_read", "-c", READ, "--json", status=BLIND)
    (muted, *_) = records = traced.records()
    assert {r["type"] for r in records} == {"muted"}
    assert muted["events"] == ["vfs_read"] and DISARMED in muted["why"]
    assert muted["hint"] == "ktrace switch on"
    assert "vfs_read cannot be hit" in traced.err and "vfs_read could not be hit" in traced.err
    assert "hint: ktrace switch on" in traced.err

    frozen = ktrace("trace", "vfs_read", "count", "-c", READ, "--snapshot-on", "count > 0", status=BLIND)
    assert DISARMED in frozen.err
    # The command's own failure is its own; an event of the kernel's is not muted by it.
    assert ktrace("trace", "vfs_read", "-c", "sh -c 'exit 3'", status=3).err.count(DISARMED) == 2
    assert "not be hit" not in ktrace("trace", "sched:sched_switch", "-n", "1").err

    path = tmp_path / "trace.dat"
    recorded = ktrace("record", "-o", str(path), "vfs_read", "-c", READ, status=BLIND)
    assert DISARMED in recorded.err and "vfs_read could not be hit" in recorded.err


def test_counts_say_that_kprobes_are_disarmed(ktrace: Run, disarmed: Path) -> None:
    for argv in ("count vfs_read", "hist vfs_read count", "latency vfs_read", "stack vfs_read"):
        done = ktrace(*argv.split(), "-c", READ, "--json", status=BLIND)
        (answer,) = done.records("answer")
        assert answer["hits"] == 0
        assert all(DISARMED in one["why"] for one in answer["muted"]) and answer["muted"]
        assert done.err.count(DISARMED) == 2 * len(answer["muted"])


def test_scripts_say_that_kprobes_are_disarmed(ktrace: Run, disarmed: Path) -> None:
    text = 'global n probe kernel.function("vfs_read") { n++ } probe end { println(n) }'
    for more in ((), ("--no-pushdown",)):
        done = ktrace("run", *more, "-e", text, "-c", READ, status=BLIND)
        assert done.out.split("\n")[-2] == "0" and done.err.count(DISARMED) == 2


def test_an_event_that_is_switched_on_cannot_be_hit(ktrace: Run, disarmed: Path, tracing: Path) -> None:
    added = ktrace("add", "--enable", "vfs_read", status=BLIND)
    assert DISARMED in added.err and added.out == "kprobes/vfs_read\n"
    ktrace("disable", "vfs_read")
    assert DISARMED in ktrace("enable", "vfs_read", status=BLIND).err
    for more in ((), ("--stack",)):
        ktrace("disable", "--triggers", "vfs_read")
        # A name that means nothing does not hide that the other cannot be hit.
        assert DISARMED in ktrace("enable", "nothing_of_it", "vfs_read", *more, status=4).err
    ktrace("disable", "--triggers", "vfs_read")
    disarmed.write_text("1")
    (tracing / "tracing_on").write_text("0")
    try:
        assert "tracing_on is 0" in ktrace("enable", "vfs_read", status=BLIND).err
    finally:
        (tracing / "tracing_on").write_text("1")
    ktrace("disable", "vfs_read")
    assert not ktrace("enable", "vfs_read").err
    ktrace("remove", "vfs_read")


def test_the_kernel_leaves_disarmed_what_was_switched_on_meanwhile(
    start: Callable[..., Running], armed: Callable[[], bool], disarmed: Path
) -> None:
    running = start("trace", "vfs_read", ",", "sched:sched_switch", "--json")
    running.until(armed)
    disarmed.write_text("1")
    running.until(lambda: '"sched_switch"' in running.out)
    running.signal(signal.SIGINT)
    done = running.wait()
    events = {record["event"] for record in done.records("event")}
    if "vfs_read" in events:  # a kernel that arms it
        assert done.status == 0 and "could not be hit" not in done.err
    else:
        assert done.status == BLIND and "has not armed it since" in done.err
    assert events


def test_ftrace_that_is_off_mutes_entries_and_returns(ktrace: Run, ftrace_off: None) -> None:
    done = ktrace("trace", "vfs_read", ",", "-r", "vfs_read", "-c", READ, status=BLIND)
    assert FTRACE_OFF in done.err and "sysctl kernel.ftrace_enabled=1" in done.err
    calls = ktrace("graph", "vfs_read", "-c", READ, "--json", "--top-buffer", status=BLIND)
    assert {r["type"] for r in calls.records()} == {"muted"} and FTRACE_OFF in calls.err


def test_a_loop_over_events_that_nothing_can_hit_ends_in_an_error(disarmed: Path) -> None:
    with Session() as session:
        session.add("vfs_read")
        with pytest.warns(UserWarning) as told, pytest.raises(Unavailable, match="could not be hit"):
            list(session.stream(command=READ))
        assert "cannot be hit" in str(told[0].message) and told[0].filename == __file__


def test_a_cpu_that_is_offline_gives_no_events(ktrace: Run) -> None:
    cpu = max(os.sched_getaffinity(0))
    switch = Path(f"/sys/devices/system/cpu/cpu{cpu}/online")
    switch.write_text("0")
    try:
        assert f"CPU {cpu} is not online" in ktrace("trace", "vfs_read", "--cpu", str(cpu), status=4).err
    finally:
        switch.write_text("1")
