"""Find the events that nothing can hit, from the kernel's files."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from ktrace.model.muted import Muted
from ktrace.session import muted as module
from ktrace.session.muted import DISARMED, FTRACE_OFF, LEFT, Watch, find_muted, top_muted, unknown
from tests.unit.tracefs.scripted import Scripted

PROBES = """\
p:kprobes/entry vfs_read
r8:kprobes/back vfs_read
p:kprobes/inside vfs_read+9
p:ktrace_7_8/own vfs_write
p:kprobes/module nosuch:f
f:fprobes/fentry vfs_read
t:tracepoints/point sched_switch
e:eprobes/attached kprobes.entry n=$n
p:uprobes/prog /bin/true:0x0000000000001000
"""
LIST = """\
ffffffff81000004  k  vfs_read+0x4    [FTRACE]
ffffffff81000004  r  vfs_read+0x4    [FTRACE]
ffffffff81000009  k  vfs_read+0x9
ffffffff81000104  k  vfs_write+0x4    [DISABLED][FTRACE]
"""
ALL = [line.split()[0].partition(":")[2] for line in PROBES.splitlines()]
KPROBES = {"kprobes/entry", "kprobes/back", "kprobes/inside", "own", "kprobes/module", "eprobes/attached"}
ON_FTRACE = {
    "kprobes/entry",
    "kprobes/back",
    "own",
    "fprobes/fentry",
    "tracepoints/point",
    "eprobes/attached",
}


@dataclass
class Machine:
    """The kernel's files, with both switches."""

    tracing: Scripted
    debug: Scripted
    ftrace: Path

    def found(self, **options: bool) -> dict[str, set[str]]:
        return {
            one.why: set(one.events) for one in find_muted(self.tracing, self.debug, [*ALL, "s/e"], **options)
        }


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for name in ("tracing", "debug"):
        (tmp_path / name).mkdir()
    tracing = Scripted(tmp_path / "tracing", {"dynamic_events": PROBES, "tracing_on": "1\n"})
    debug = Scripted(tmp_path / "debug", {"kprobes/list": LIST, "kprobes/enabled": "1\n"})
    ftrace = tmp_path / "ftrace_enabled"
    ftrace.write_text("1\n")
    monkeypatch.setattr(module, "ftrace_enabled", lambda host: ftrace.read_text().strip() != "0")
    return Machine(tracing, debug, ftrace)


def test_all_is_well(machine: Machine) -> None:
    assert machine.found() == {}
    assert top_muted(machine.tracing, machine.debug, ["kprobes/entry"]) == ()


def test_kprobes_are_disarmed(machine: Machine) -> None:
    machine.debug.put("kprobes/enabled", "0\n")
    assert machine.found() == {DISARMED: KPROBES}


def test_ftrace_is_off(machine: Machine) -> None:
    machine.ftrace.write_text("0\n")
    assert machine.found() == {FTRACE_OFF: ON_FTRACE}


def test_where_the_list_is_hidden_an_entry_is_taken_for_one_on_ftrace(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.ftrace.write_text("0\n")
    places = [*ALL]
    found = find_muted(machine.tracing, None, places)
    assert set(found[0].events) - {"kprobes/module"} <= ON_FTRACE and "kprobes/inside" not in found[0].events


def test_what_the_kernel_left_disarmed_and_what_waits_for_its_module(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "is_pending", lambda host, probe: probe.name == "module")
    assert machine.found(enabled=True) == {LEFT: {"own"}}
    assert machine.found(pending=True) == {"module nosuch is not loaded": {"kprobes/module"}}


def test_the_top_buffer_takes_nothing(machine: Machine) -> None:
    machine.tracing.put("tracing_on", "0\n")
    machine.tracing.put("events/kprobes/entry/trigger", "")
    (one,) = top_muted(machine.tracing, machine.debug, ["kprobes/entry"])
    assert "tracing_on is 0" in one.why
    assert top_muted(machine.tracing, machine.debug, ["kprobes/entry"], waits=True) == ()
    machine.tracing.put("events/kprobes/entry/trigger", "traceon:unlimited\n")
    assert top_muted(machine.tracing, machine.debug, ["kprobes/entry"]) == ()


def test_what_cannot_be_known_is_said_of_kprobes_alone(machine: Machine) -> None:
    assert unknown(machine.tracing, machine.debug, ["kprobes/entry"]) is None
    assert "debugfs is not mounted" in (unknown(machine.tracing, None, ["kprobes/entry"]) or "")
    assert unknown(machine.tracing, None, ["uprobes/prog", "s/e"]) is None
    (Path(machine.debug.root) / "kprobes/enabled").unlink()
    assert "cannot be read" in (unknown(machine.tracing, machine.debug, ["kprobes/entry"]) or "")


def test_a_run_says_it_at_its_start_and_at_its_end() -> None:
    said: list[str] = []
    off, fine = [Muted(("a",), "why", "how")], list[Muted]()
    watch = Watch(lambda _: off, said.append)
    assert watch.begin() == watch.end(0) == tuple(off)
    assert said == ["a cannot be hit: why\nhint: how", "a could not be hit: why\nhint: how"]

    now = [off, fine]
    watch = Watch(lambda _: now.pop(0), said.append)
    watch.begin()
    assert watch.end(3) == ()  # it was switched on, and hit
    now[:] = [off, fine]
    watch.begin()
    assert watch.end(0) == tuple(off)

    unsure = Watch(lambda _: fine, said.append, lambda: "not known")
    assert unsure.begin() == unsure.end(1) == () and said[-1] != "not known"
    assert unsure.end(0) == () and said[-1] == "not known"


def test_many_are_counted() -> None:
    assert Muted(tuple("abcde"), "w", "h").to_text("cannot") == "a, b, c and 2 more cannot be hit: w"
