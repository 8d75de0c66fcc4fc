"""Kill commands at random: nothing is left in the kernel, and other tracers are not disturbed.

Each test is one kill: of a command that writes to the kernel, by SIGKILL, SIGTERM or two SIGINTs, at a
moment or at one of its writes. Next to it are a live session, a probe and an instance of somebody else's,
with filters, triggers and options. Twenty kills run with the other tests; `make kill` runs more. The seed is
in the report's head, and the same seed is the same kills.
"""

import os
import re
import signal
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ktrace.errors import Busy, NotFound
from tests.kernel.conftest import Outcome, Running, append, wipe
from tests.kernel.control_files import differences, whole_state
from tests.kernel.kills import Kill, Placed, choose, last_child
from tests.kernel.victims import DEAD, GROUP, VICTIMS, Victim

THEIRS = (
    ("buffer_size_kb", "1024"),
    ("snapshot", "0"),  # a test before may have allocated one
    ("kprobe_events", "p:theirs/hand vfs_read n=%dx:u64"),
    ("kprobe_events", "p:theirs/second vfs_rmdir"),
    ("uprobe_events", "p:theirs_too/program /bin/sh:0x1000"),
    ("synthetic_events", "theirs_took u64 lat"),
    ("events/theirs/hand/filter", "n == 987654321"),
    ("events/theirs/second/filter", "common_pid == 1"),
    ("set_graph_function", "vfs_rmdir"),
    ("instances/theirs/trace_clock", "global"),
    ("instances/theirs/trace_options", "event-fork"),
    ("instances/theirs/set_event_notrace_pid", "1"),
    ("instances/theirs/set_ftrace_filter", "vfs_rename"),
    ("instances/theirs/tracing_cpumask", "1"),
    ("instances/theirs/events/theirs/hand/filter", "n == 123456789"),
    ("instances/theirs/events/theirs/hand/trigger", "stacktrace if n == 123456789"),
    ("instances/theirs/events/theirs/hand/enable", "1"),
    ("instances/theirs/events/sched/sched_switch/filter", "next_pid == 1"),
    ("instances/theirs/events/sched/sched_switch/enable", "1"),
)
# An event with a trigger counts as one that is on. Where graph has to take the top buffer, it must be unused.
THEIR_TRIGGER = ("events/theirs/second/trigger", "hist:keys=common_pid:size=128")
GONE = (
    ("instances/theirs/events/enable", "0"),
    ("instances/theirs/events/theirs/hand/trigger", "!stacktrace"),
    ("set_graph_function", "!vfs_rmdir"),
    ("synthetic_events", "!theirs_took u64 lat"),
    ("uprobe_events", "-:theirs_too/program"),
)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "kill" in metafunc.fixturenames:
        config = metafunc.config
        count = config.getoption("--kills")
        victims = [v for v in VICTIMS if not v.slow or count > len(VICTIMS)]
        kills = choose(config.getoption("--seed"), count, victims)
        metafunc.parametrize("kill", kills, ids=str)


@dataclass
class World:
    """A machine that others use, too.

    Attributes:
        live: a session of ktrace's that must go on.
        counting: another, which holds no buffer open: the kernel counts.
        made: folders since it counts.
        known: what is in the control files while no victim runs.
    """

    tracing: Path
    debugfs: Path
    folder: Path
    live: Running | None = None
    counting: Running | None = None
    made: int = 0
    known: dict[str, str] = field(default_factory=dict)

    def build(self) -> None:
        (self.tracing / "instances/theirs").mkdir()
        for name, line in THEIRS:
            self.append(name, line)
        if self.can_graph:
            append(self.tracing / THEIR_TRIGGER[0], THEIR_TRIGGER[1])
        self.live = Running(("trace", "vfs_rmdir", "--json"))
        self.counting = Running(("count", "vfs_rmdir", "--json"))
        self.known = {}
        self.check_live()
        triggers = f"instances/ktrace_{self.counting.pid}_*/events/ktrace_*/vfs_rmdir/trigger"
        self.counting.until(lambda: any("hist:" in p.read_text() for p in self.tracing.glob(triggers)))
        self.made = 0
        self.known = self.state()

    def append(self, name: str, line: str) -> None:
        """Write a line, where this kernel has the file."""
        if (self.tracing / name).exists():
            append(self.tracing / name, line)

    def tear_down(self) -> None:
        if self.live is not None:
            self.live.signal(signal.SIGINT)
            outcome = self.live.wait()
            self.live = None
            assert outcome.status == 0 and "none lost" in outcome.err, outcome.err
        if self.counting is not None:
            self.counting.signal(signal.SIGINT)
            (answer,) = self.counting.wait().records("answer")
            self.counting = None
            assert answer["hits"] >= self.made
        if self.can_graph:
            append(self.tracing / THEIR_TRIGGER[0], "!" + THEIR_TRIGGER[1])
        for name, line in GONE:
            self.append(name, line)
        (self.tracing / "instances/theirs").rmdir()
        for name in ("hand", "second"):
            append(self.tracing / "kprobe_events", f"-:theirs/{name}")

    def wreck(self) -> None:
        """After a failure: away with everything."""
        for run in (self.live, self.counting):
            with suppress(OSError, AttributeError):
                os.kill(run.pid, signal.SIGKILL)
                os.waitpid(run.pid, 0)
        self.live = self.counting = None
        append(self.debugfs / "kprobes/enabled", "1")
        for name in ("set_graph_function", "max_graph_depth"):
            with suppress(OSError):
                (self.tracing / name).write_text("0" if "depth" in name else "")
        (self.tracing / "tracing_on").write_text("1")
        for path in (self.tracing / "instances").iterdir():  # with the triggers that use each other
            for trigger in path.glob("events/*/*/trigger"):
                for line in reversed(trigger.read_text().splitlines()):
                    if line.startswith("hist:"):
                        with suppress(OSError):
                            append(trigger, "!" + line.rpartition(" [")[0])
        with suppress(OSError):
            append(self.tracing / THEIR_TRIGGER[0], "!" + THEIR_TRIGGER[1])
        wipe(self.tracing)

    @property
    def can_graph(self) -> bool:
        """Return whether an instance can have the function graph tracer."""
        return "function_graph" in (self.tracing / "instances/theirs/available_tracers").read_text()

    def state(self) -> dict[str, str]:
        return whole_state(self.tracing, self.debugfs, ["theirs"], static=("sched", "raw_syscalls"))

    def changed(self) -> list[str]:
        """Return what is not as it was; the kernel takes its time to let go of probes."""
        deadline = time.monotonic() + 5
        while (changed := differences(self.known, self.state())) and time.monotonic() < deadline:
            time.sleep(0.1)
        return changed

    def check_live(self) -> None:
        """Let something happen that the live session reports, and wait until it has."""
        assert self.live is not None
        seen = self.live.out.count('"event":"vfs_rmdir"')
        path = self.folder / "made"

        def reported() -> bool:
            path.mkdir()
            path.rmdir()
            self.made += 1
            return self.live.out.count('"event":"vfs_rmdir"') > seen

        self.live.until(reported)


@pytest.fixture(scope="module")
def world(tracing: Path, debugfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    here = World(tracing, debugfs, tmp_path_factory.mktemp("world"))
    before = whole_state(tracing, debugfs)
    size = (tracing / "buffer_size_kb").read_text().split()[0]
    yield here
    if here.known:
        here.tear_down()
    append(tracing / "buffer_size_kb", size)
    after = whole_state(tracing, debugfs)
    for name in ("buffer_size_kb", "snapshot"):  # there is one from now on
        before.pop(name)
        after.pop(name)
    assert not differences(before, after)


@pytest.fixture(autouse=True)
def untouched(world: World) -> Iterator[None]:
    """Each kill leaves the control files as it found them; after a failure all begins again."""
    if not world.known:
        world.build()
    yield
    if changed := world.changed():
        world.wreck()
        world.known = {}
        told = "not as before:\n" + "\n".join(changed)
        print(told)
        pytest.fail(told, pytrace=False)


def test_a_kill(kill: Kill, world: World, start: Callable, ktrace: Callable, tmp_path: Path) -> None:
    placed = kill_once(kill, world, start, ktrace, tmp_path)
    if kill.at and not placed.struck:  # it makes fewer writes on this kernel
        again = replace(kill, at=1 + (kill.at - 1) % placed.writes)
        assert kill_once(again, world, start, ktrace, tmp_path).struck


def kill_once(kill: Kill, world: World, start: Callable, ktrace: Callable, folder: Path) -> Placed:
    victim = kill.victim
    if victim.name in DEAD:
        leave_something(victim, kill, start, world)
    for name, line in victim.setup:
        append(world.tracing / name, line)
    before = world.state() if victim.setup else world.known
    argv = tuple(str(folder / "k.dat") if word == "FILE" else word for word in victim.argv)
    if victim.name == "graph" and not world.can_graph:
        argv += ("--top-buffer",)
    outcome, placed = run_killed(kill, argv, start)
    told = f"{kill}: {placed.struck} signals at {placed.writes} writes; {outcome}"
    print(told)
    if victim.name in DEAD:
        ktrace("clean")
    elif not victim.back:
        check_session(kill, outcome, world, ktrace, told, folder)
    else:
        check_stays(kill, outcome, world, before, ktrace, told)
    world.check_live()
    for path in folder.iterdir():
        path.unlink()
    return placed


def leave_something(victim: Victim, kill: Kill, start: Callable, world: World) -> None:
    """Kill a running session, so that everything that it made is left."""
    argv = DEAD[victim.name]
    if victim.name == "clean-graph" and not world.can_graph:
        argv = (*argv, "--top-buffer")
    placed = Placed(Kill(kill.number, victim, "KILL"))
    run = start(*argv, before=placed.place)
    seen = [(0, 0.0)]

    def settled() -> bool:
        now = time.monotonic()
        if placed.writes != seen[0][0]:
            seen[0] = (placed.writes, now)
        assert not has_ended(run.pid), run.wait()
        return placed.writes > 5 and now - seen[0][1] > 0.7

    run.until(settled)
    run.signal(signal.SIGKILL)
    run.wait()


def run_killed(kill: Kill, argv: tuple[str, ...], start: Callable) -> tuple[Outcome, Placed]:
    placed = Placed(kill)
    terminal, out = os.openpty() if kill.victim.terminal else (-1, None)
    modes = termios.tcgetattr(terminal) if out is not None else None
    run = start(*argv, out=out, before=placed.place)
    if not kill.at:
        run.until(lambda: placed.ready)
        send_at(run, kill)
    outcome = run.wait()
    if out is not None:
        assert kill.means == "KILL" or termios.tcgetattr(terminal) == modes
        os.close(out)
        os.close(terminal)
    return outcome, placed


def send_at(run: Running, kill: Kill) -> None:
    """Send the signals at their moments, while the victim exists."""
    end = time.monotonic() + kill.after_s
    with suppress(AssertionError):
        run.until(lambda: time.monotonic() >= end or has_ended(run.pid))
    numbers = {"KILL": [signal.SIGKILL], "TERM": [signal.SIGTERM], "INT-INT": [signal.SIGINT, signal.SIGINT]}
    for number in numbers[kill.means]:
        if not has_ended(run.pid):
            os.kill(last_child(run.pid) if kill.apart == "victim" else run.pid, number)
            time.sleep(0.25 if kill.means == "INT-INT" else 0)


def has_ended(pid: int) -> bool:
    """Tell whether a child has ended, without taking its status."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def check_session(
    kill: Kill, outcome: Outcome, world: World, ktrace: Callable, told: str, folder: Path
) -> None:
    """A session undoes all of it itself, unless it is killed: then `clean` does."""
    files = sorted(path.name for path in folder.iterdir())
    if kill.means == "KILL":
        assert outcome.status in (0, -signal.SIGKILL, 128 + signal.SIGKILL), told
        assert all(name.startswith("k.dat") for name in files), files
        clean(kill, world, ktrace)
        return
    assert outcome.status in endings(kill), told
    assert not (changed := world.changed()), told + "\n" + "\n".join(changed)
    assert files in ([], ["k.dat"]), told


def clean(kill: Kill, world: World, ktrace: Callable) -> None:
    """Run `clean`. In another pid namespace than the victim, it may need to be told what to remove."""
    elsewhere = kill.apart == "clean"
    outcome = ktrace("clean", elsewhere=elsewhere, status=None if kill.apart else 0)
    assert outcome.status in (0, Busy.exit_code), outcome
    for name in set(re.findall(r"ktrace clean --force (\S+)", outcome.err)):
        assert not name.startswith((f"ktrace_{world.live.pid}_", f"ktrace_{world.counting.pid}_")), outcome
        ktrace("clean", "--force", name, elsewhere=elsewhere)


def check_stays(
    kill: Kill, outcome: Outcome, world: World, before: dict[str, str], ktrace: Callable, told: str
) -> None:
    """A command whose work stays does it or not, and what a kill left of it is taken back as any other."""
    folders = (path for path in (world.tracing / "events").glob(f"{GROUP}*/*") if path.is_dir())
    defined = {f"{path.parent.name}/{path.name}" for path in folders}
    lines = (world.tracing / "dynamic_events").read_text().splitlines()
    listed = {line.split()[0].partition(":")[2] for line in lines if f":{GROUP}" in line}
    assert defined == listed, told
    if kill.means == "KILL":
        assert outcome.status in (0, -signal.SIGKILL, *kill.victim.failures), told
    else:
        assert outcome.status in (*endings(kill), *kill.victim.failures), told
        if outcome.status and not kill.victim.partly:
            assert not (changed := differences(before, world.state())), told + "\n" + "\n".join(changed)
    for argv in kill.victim.back:
        assert ktrace(*argv, status=None).status in (0, NotFound.exit_code), told
    for name, line in kill.victim.by_hand:
        append(world.tracing / name, line)


def endings(kill: Kill) -> tuple[int, ...]:
    """Return how a command may end: its work done or not, in good order or before it began."""
    number = signal.SIGTERM if kill.means == "TERM" else signal.SIGINT
    return (0, 128 + number, -number)
