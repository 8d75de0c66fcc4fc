import errno
import os
from pathlib import Path

import pytest

from ktrace.model.plan import Step
from ktrace.probes import holders as held
from ktrace.probes import switching
from ktrace.probes.holders import blame, let_go, let_go_steps, openers
from ktrace.tracefs.files import Files
from tests.unit.tracefs.scripted import Scripted

AVAILABLE = "# Available triggers:\n"
REMOVE = Step("kprobe_events", "-:g/a", "remove g/a")
BUSY = OSError(errno.EBUSY, "Device or resource busy")


@pytest.fixture
def files(tmp_path: Path) -> Scripted:
    tree = {"dynamic_events": "e:eprobes/on_a g.a\np:g/a f\n", "kprobe_events": "", "events/enable": "0\n"}
    for buffer in ("", "instances/one/", "instances/mine/"):
        tree[f"{buffer}events/g/a/enable"] = "1*\n" if buffer == "" else "1\n"
        tree[f"{buffer}events/g/a/trigger"] = AVAILABLE
    tree["events/g/a/trigger"] = "hist:keys=x:vals=hitcount:size=2048 [paused]\nsnapshot:count=2\n"
    return Scripted(tmp_path, tree)


def test_an_event_is_switched_off_wherever_it_is_on(files: Scripted) -> None:
    steps = let_go_steps(files, "g/a", "why", ["mine"])
    assert [(step.path, step.text) for step in steps] == [
        ("events/g/a/trigger", "!hist:keys=x:vals=hitcount:size=2048"),
        ("events/g/a/trigger", "!snapshot"),
        ("events/g/a/enable", "0"),
        ("instances/one/events/g/a/enable", "0"),
    ]
    assert let_go_steps(files, "g/none", "why") == []


def test_one_buffer_that_refuses_does_not_keep_the_others(files: Scripted) -> None:
    files.refuse["events/g/a/enable"] = errno.EPERM
    let_go(files, REMOVE)
    assert [path for path, _ in files.done[2:]] == [
        "instances/mine/events/g/a/enable",
        "instances/one/events/g/a/enable",
    ]
    files.done.clear()
    let_go(files, Step("instances/one", "", "remove", action="rmdir"))
    assert files.done == []


def test_who_is_to_blame(files: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(switching, "perf_users", lambda proc: [])
    assert blame(files, REMOVE, OSError(errno.EINVAL, "Invalid argument")) == "Invalid argument"
    told = blame(files, REMOVE, BUSY)
    assert told.startswith("Device or resource busy: g/a is in use by the top buffer (ktrace disable g/a)")
    assert "instance one" in told and "the event probe eprobes/on_a (ktrace remove eprobes/on_a)" in told
    assert blame(files, Step("tracing_on", "1", ""), BUSY) == "Device or resource busy"


def test_who_has_files_of_an_instance_open(files: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step("instances/one", "", "remove", action="rmdir")
    with Path(files.root, "instances/one/events/g/a/enable").open():
        assert os.getpid() in [
            pid for pid, _ in openers(Files(files.host, "/proc"), f"{files.root}/instances/one")
        ]
        assert f"(pid {os.getpid()})" in blame(files, step, BUSY)
    monkeypatch.setattr(held, "openers", lambda proc, folder: [])
    assert "cannot be seen from here" in blame(files, step, BUSY)
