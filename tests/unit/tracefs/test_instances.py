import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.host.local import LocalHost
from ktrace.tracefs import instances
from ktrace.tracefs.instances import Owner
from tests.unit.tracefs.scripted import Scripted


@given(st.integers(0, 1 << 22), st.integers(0, 1 << 63), st.none() | st.integers(0xEFFFFFFC, (1 << 32) - 1))
def test_an_owner_is_found_by_its_name(pid, starttime, namespace):
    owner = Owner(pid, starttime, namespace)
    assert Owner.of_name(owner.name) == owner
    assert Owner.of_name(owner.name + "_second") == owner


@pytest.mark.parametrize(
    "name", ["", "ktrace", "ktrace_1", "ktrace_1_2x", "xktrace_1_2", "ktrace_1_2\n", "kprobes"]
)
def test_names_of_others(name):
    assert Owner.of_name(name) is None


def test_this_process():
    owner = Owner.of_this_process(LocalHost())
    assert owner.pid == os.getpid()
    assert owner == Owner.of_process(LocalHost(), os.getpid())
    namespace = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    assert owner.name == f"ktrace_{os.getpid()}_{owner.starttime}_{namespace}"
    assert len(owner.name) <= 63


def test_names_of_older_versions_have_no_namespace():
    assert Owner.of_name("ktrace_7_8_2") == Owner.of_name("ktrace_7_8") == Owner(7, 8)


def test_a_process_that_has_ended():
    child = subprocess.Popen(["true"])
    child.wait()
    assert Owner.of_process(LocalHost(), child.pid) is None


def test_a_command_may_be_named_anything(tmp_path):
    program = tmp_path / "a) R 1 (b"
    program.symlink_to("/bin/sleep")
    child = subprocess.Popen([str(program), "5"])
    try:
        plain = subprocess.Popen(["/bin/sleep", "5"])
        try:
            odd, straight = Owner.of_process(LocalHost(), child.pid), Owner.of_process(LocalHost(), plain.pid)
            assert 0 <= straight.starttime - odd.starttime < 1000
            ticks = float(Path("/proc/uptime").read_text().split()[0]) * os.sysconf("SC_CLK_TCK")
            assert abs(ticks - odd.starttime) < 6000  # it has only just begun
        finally:
            plain.kill()
            plain.wait()
    finally:
        child.kill()
        child.wait()


AVAILABLE = "# Available triggers:\n# traceon traceoff\n"


@pytest.fixture
def files(tmp_path):
    tree = {}
    for buffer in ("", "instances/one/", "instances/two/"):
        tree[f"{buffer}events/enable"] = "0\n"
        for event in ("g/a", "g/ab", "sched/sched_switch"):
            tree[f"{buffer}events/{event}/enable"] = "0\n"
            tree[f"{buffer}events/{event}/trigger"] = AVAILABLE
    return Scripted(tmp_path, tree)


def test_buffers(files, tmp_path):
    assert instances.list_instances(files) == ["one", "two"]
    assert [(name, buffer.root) for name, buffer in instances.all_buffers(files)] == [
        ("", str(tmp_path)),
        ("one", f"{tmp_path}/instances/one"),
        ("two", f"{tmp_path}/instances/two"),
    ]
    assert instances.list_instances(Scripted(tmp_path / "none")) == []


def test_make_and_remove():
    step = instances.make_step("x", "why")
    assert (step.path, step.action, step.undo.path, step.undo.action) == (
        "instances/x",
        "mkdir",
        "instances/x",
        "rmdir",
    )


@pytest.mark.parametrize(
    ("state", "trigger", "held"),
    [
        ("0\n", AVAILABLE, False),
        ("1\n", AVAILABLE, True),
        ("1*\n", AVAILABLE, True),
        ("0*\n", AVAILABLE, False),
        ("0*\n", "stacktrace:unlimited\n", True),
        ("0\n", "", False),
    ],
)
def test_holders(files, state, trigger, held):
    files.put("events/g/a/enable", state)
    files.put("events/g/a/trigger", trigger)
    files.put("instances/two/events/g/a/enable", state)
    files.put("instances/two/events/g/a/trigger", trigger)
    assert instances.holders(files, "g/a") == (["top", "two"] if held else [])


def test_holders_of_an_event_that_has_gone(files):
    assert instances.holders(files, "g/none") == []


@pytest.mark.parametrize(
    ("trigger", "mentions"),
    [
        ("hist:keys=x:onmatch(g.a).trace(lat,$y)\n", True),
        ("enable_event:g:a:unlimited\n", True),
        ("enable_event:g:a\n", True),
        ("enable_event:g:ab:unlimited\n", False),
        ("hist:keys=x:onmatch(bg.a).trace(lat,$y)\n", False),
        ("hist:keys=x:onmatch(my-g.a).trace(lat,$y)\n", False),
        ("# enable_event:g:a\n", False),
    ],
)
def test_triggers_that_name_an_event(files, trigger, mentions):
    files.put("events/sched/sched_switch/trigger", trigger)
    files.put("instances/one/events/g/ab/trigger", trigger)
    expected = ["sched/sched_switch", "g/ab in instance one"] if mentions else []
    assert instances.trigger_mentions(files, "g/a") == expected


def test_an_instance_that_goes_while_it_is_looked_at(files, monkeypatch):
    monkeypatch.setattr(instances, "list_instances", lambda files: ["one", "gone"])
    files.put("instances/one/events/g/ab/trigger", "enable_event:g:a\n")
    assert instances.trigger_mentions(files, "g/a") == ["g/ab in instance one"]
    assert instances.holders(files, "g/a") == []
