import errno
from dataclasses import replace

import pytest

from ktrace.host.local import LocalHost
from ktrace.probes.clean import clean, find_leftovers, find_sessions
from ktrace.tracefs import apply
from ktrace.tracefs.holding import Held, Life
from ktrace.tracefs.instances import Owner
from tests.unit.tracefs.scripted import Scripted

ME = Owner.of_this_process(LocalHost())
DEAD = replace(ME, starttime=ME.starttime - 1)  # this id, but another process
OLDER = replace(ME, starttime=1)


@pytest.fixture
def files(tmp_path):
    lines = [
        f"p:{DEAD.name}/a vfs_read",
        f"p:{DEAD.name}/a vfs_write",
        f"f:{DEAD.name}/b vfs_read",
        f"p:{ME.name}/mine vfs_read",
        "p:kprobes/theirs vfs_read",
        f"p:{OLDER.name}/old vfs_read",
    ]
    tree = {"dynamic_events": "".join(line + "\n" for line in lines), "kprobe_events": ""}
    files = Scripted(tmp_path, tree)
    for name in (DEAD.name, f"{DEAD.name}_2", ME.name, "somebodys"):
        (tmp_path / "instances" / name).mkdir(parents=True)
    return files


def test_only_what_dead_sessions_left_oldest_first(files):
    old, dead = find_leftovers(files)
    assert (old.owner, old.instances, [p.event for p in old.probes]) == (OLDER, (), [f"{OLDER.name}/old"])
    assert dead.owner == DEAD
    assert dead.instances == (DEAD.name, f"{DEAD.name}_2")
    assert [p.name for p in dead.probes] == ["a", "a", "b"]


def test_instances_go_before_the_probes_that_they_may_hold(files):
    _, dead = find_leftovers(files)
    assert clean(files, dead) == []
    assert files.done == [
        (f"instances/{DEAD.name}", "rmdir"),
        (f"instances/{DEAD.name}_2", "rmdir"),
        ("kprobe_events", f"-:{DEAD.name}/a"),
        ("dynamic_events", f"-:{DEAD.name}/b"),
    ]
    assert dead.to_plan().steps[0].why == f"left by process {DEAD.pid}, which has ended"
    assert dead.to_plan().undo().steps == ()


def test_an_instance_that_somebody_reads_keeps_its_probes(files, monkeypatch):
    _, dead = find_leftovers(files)
    monkeypatch.setattr(apply.time, "sleep", lambda seconds: None)
    files.refuse[f"instances/{DEAD.name}"] = errno.EBUSY
    ((step, error),) = clean(files, dead)
    assert (step.action, error.errno) == ("rmdir", errno.EBUSY)
    assert files.done == []


def test_what_has_gone_already_is_no_failure(files):
    _, dead = find_leftovers(files)
    files.refuse |= {
        f"instances/{DEAD.name}": errno.ENOENT,
        ("kprobe_events", f"-:{DEAD.name}/a"): errno.ENOENT,
    }
    assert clean(files, dead) == []
    assert files.done[-1] == ("dynamic_events", f"-:{DEAD.name}/b")


def test_one_probe_in_use_does_not_keep_the_others(files, monkeypatch):
    monkeypatch.setattr(apply.time, "sleep", lambda seconds: None)
    _, dead = find_leftovers(files)
    files.refuse["kprobe_events"] = errno.EBUSY
    ((step, _),) = clean(files, dead)
    assert step.text == f"-:{DEAD.name}/a"
    assert files.done[-1] == ("dynamic_events", f"-:{DEAD.name}/b")


def test_nothing_left(tmp_path):
    assert find_leftovers(Scripted(tmp_path, {"dynamic_events": ""})) == []


def test_histograms_that_use_each_other_go_in_order_and_their_event_behind_them(files, tmp_path):
    lat = f"{DEAD.name}_lat"
    with (tmp_path / "dynamic_events").open("a") as out:
        out.write(f"s:synthetic/{lat}\tu64 lat\ns:synthetic/somebodys\tu64 x\n")
    first = "hist:keys=common_pid:vals=hitcount:ts0=common_timestamp:size=128 [active]"
    action = f"onmatch(g.a).trace({lat},$taken)"
    second = f"hist:keys=common_pid:vals=hitcount:taken=common_timestamp-$ts0:{action} [active]"
    events = f"instances/{DEAD.name}/events"
    files.put(f"{events}/g/a/trigger", first + "\n")
    files.put(f"{events}/g/b/trigger", "# Available triggers:\n# traceon\n")
    files.put(f"{events}/sched/c/trigger", second + "\nstacktrace:unlimited\n")
    files.put(f"{events}/ftrace/function/format", "")
    _, dead = find_leftovers(files)
    assert dead.synthetic == (lat,)
    steps = [(step.path, step.text) for step in dead.to_plan().steps]
    assert steps[:3] == [
        (f"{events}/sched/c/trigger", "!" + second.removesuffix(" [active]")),
        (f"{events}/g/a/trigger", "!" + first.removesuffix(" [active]")),
        (f"instances/{DEAD.name}", ""),
    ]
    assert steps[4] == ("dynamic_events", f"-:synthetic/{lat}")


def test_what_is_switched_on_elsewhere_is_switched_off_before_it_is_removed(files):
    event = f"events/{DEAD.name}/a"
    files.put(f"{event}/enable", "1*\n")
    files.put(
        f"{event}/trigger", "stacktrace:unlimited\nenable_event:sched:sched_switch:count=1 if pid > 1\n"
    )
    files.put(f"instances/somebodys/{event}/enable", "0*\n")
    files.put(
        f"instances/somebodys/{event}/trigger", "hist:keys=common_pid:vals=hitcount:size=2048 [active]\n"
    )
    files.put(f"instances/{DEAD.name}/{event}/enable", "1\n")  # goes with the instance
    _, dead = find_leftovers(files)
    steps = [(step.path, step.text) for step in dead.to_plan().steps]
    assert steps[2:6] == [
        (f"{event}/trigger", "!stacktrace"),
        (f"{event}/trigger", "!enable_event:sched:sched_switch"),
        (f"{event}/enable", "0"),
        (f"instances/somebodys/{event}/trigger", "!hist:keys=common_pid:vals=hitcount:size=2048"),
    ]
    assert steps[6] == ("kprobe_events", f"-:{DEAD.name}/a")


def test_sessions_that_cannot_be_seen(files):
    held, other = replace(ME, namespace=4026540000), replace(ME, pid=1, namespace=4026540000)
    hold = Held(files)
    hold.make(f"instances/{held.name}")
    files.put(f"instances/{held.name}/tracing_on", "1\n")
    hold.let_go(f"instances/{held.name}")
    files.rmdir = lambda path: None
    again = Held(files)
    files.mkdir = lambda path: None
    again.make(f"instances/{held.name}")
    files.put("dynamic_events", files.read("dynamic_events") + f"p:{other.name}/left vfs_read\n")
    lives = {one.owner: one.verdict.life for one in find_sessions(files)}
    assert lives == {OLDER: Life.DEAD, DEAD: Life.DEAD, held: Life.ALIVE, other: Life.DEAD}
    again.let_go(f"instances/{held.name}")
    assert {one.owner for one in find_leftovers(files)} == {OLDER, DEAD, held, other}


def test_instances_that_cannot_be_listed_are_an_error(files, monkeypatch):
    """Without them a session would seem to have none."""

    def refuse(path):
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(files, "list", refuse)
    with pytest.raises(PermissionError):
        find_sessions(files)
