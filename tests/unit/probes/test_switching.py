import errno
import os

import pytest

from ktrace.errors import Busy, Interrupted, NotFound, Refused
from ktrace.host.local import LocalHost
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.probes import switching
from ktrace.probes.switching import busy, perf_users, remove_probe, set_enabled
from ktrace.tracefs.files import Files
from tests.unit.tracefs.scripted import Scripted

AVAILABLE = "# Available triggers:\n# stacktrace\n"


def probe(event):
    group, name = event.split("/")
    return Probe("p", group, name, SymbolPlace("f"))


A, B, C = probe("g/a"), probe("g/b"), probe("other/c")


@pytest.fixture
def files(tmp_path):
    tree = {
        "kprobe_events": "",
        "events/enable": "0\n",
        "events/g/enable": "0\n",
        "events/other/enable": "0\n",
    }
    for event in ("g/a", "g/b", "other/c"):
        tree |= {f"events/{event}/enable": "0\n", f"events/{event}/trigger": AVAILABLE}
    return Scripted(tmp_path, tree)


@pytest.fixture
def nobody(monkeypatch):
    monkeypatch.setattr(switching, "perf_users", lambda proc: [])


def nothing():
    pass


@pytest.mark.parametrize(("on", "value"), [(True, "1"), (False, "0")])
def test_a_whole_group_is_switched_with_one_write(files, on, value):
    assert set_enabled(files, [A, C, B], on, between=nothing) == []
    assert files.done == [("events/g/enable", value), ("events/other/c/enable", value)]


def test_a_part_of_a_group_is_switched_one_by_one(files):
    files.put("events/g/z/enable", "0\n")
    assert set_enabled(files, [A, B], True, between=nothing) == []
    assert files.done == [("events/g/a/enable", "1"), ("events/g/b/enable", "1")]


def test_where_a_group_is_refused_it_is_found_out_which(files):
    files.refuse |= {"events/g/enable": errno.EINVAL, "events/g/b/enable": errno.EINVAL}
    ((failed, error),) = set_enabled(files, [A, B], True, between=nothing)
    assert failed == B
    assert files.done == [("events/g/a/enable", "1")]
    assert isinstance(error, Refused) and error.errno == errno.EINVAL
    assert error.message == "g/b cannot be switched on: Invalid argument"
    assert "dmesg" in error.hint


def test_problems_of_switching(files):
    files.refuse |= {"events/g/a/enable": errno.ENODEV, "events/other/c/enable": errno.EINVAL}
    (_, gone), (_, refused) = set_enabled(files, [A, C], False, between=nothing)
    assert isinstance(gone, NotFound) and gone.message == "g/a has gone"
    assert refused.message == "other/c cannot be switched off: Invalid argument"
    assert refused.hint is None


def test_between_is_asked_before_each_group(files):
    def stop():
        if files.done:
            raise Interrupted(2)

    with pytest.raises(Interrupted):
        set_enabled(files, [A, C], True, between=stop)
    assert files.done == [("events/g/a/enable", "1"), ("events/g/a/enable", "0")]


def test_an_interrupt_leaves_on_what_was_on(files):
    files.put("events/g/b/enable", "1\n")

    def stop():
        if files.done:
            raise Interrupted(2)

    with pytest.raises(Interrupted):
        set_enabled(files, [A, B, C], True, between=stop)
    assert files.done == [("events/g/enable", "1"), ("events/g/a/enable", "0")]


def test_a_probe_that_is_off_is_only_removed(files):
    remove_probe(files, A)
    assert files.done == [("kprobe_events", "-:g/a")]


STACKS = {  # printed: written
    "stacktrace:unlimited": "stacktrace",
    "stacktrace:count=3": "stacktrace:3",
    "stacktrace:unlimited if x > 5": "stacktrace if x > 5",
    "stacktrace:count=3 if x > 5": "stacktrace:3 if x > 5",
}


@pytest.mark.parametrize("printed", STACKS)
def test_a_probe_that_is_on_with_stacks_is_taken_down_first(files, printed):
    files.put("events/g/a/enable", "1*\n")
    files.put("events/g/a/trigger", printed + "\n")
    remove_probe(files, A)
    assert files.done == [
        ("events/g/a/trigger", "!stacktrace"),
        ("events/g/a/enable", "0"),
        ("kprobe_events", "-:g/a"),
    ]


def test_triggers_of_somebody_else_are_left_alone(files):
    files.put("events/g/a/trigger", "traceoff:unlimited\nhist:keys=x [active]\n")
    remove_probe(files, A)
    assert files.done == [("kprobe_events", "-:g/a")]


@pytest.mark.parametrize(("printed", "written"), STACKS.items())
def test_a_refused_removal_leaves_it_as_it_was(files, nobody, printed, written):
    files.put("events/g/a/enable", "1*\n")
    files.put("events/g/a/trigger", printed + "\n")
    files.refuse["kprobe_events"] = errno.EBUSY
    with pytest.raises(Busy):
        remove_probe(files, A)
    assert files.done == [
        ("events/g/a/trigger", "!stacktrace"),
        ("events/g/a/enable", "0"),
        ("events/g/a/enable", "1"),
        ("events/g/a/trigger", written),
    ]


def test_a_probe_that_was_off_is_not_switched_on_by_a_refusal(files, nobody):
    files.refuse["kprobe_events"] = errno.EBUSY
    with pytest.raises(Busy):
        remove_probe(files, A)
    assert files.done == []


@pytest.mark.parametrize("path", ["events/g/a/trigger", "events/g/a/enable"])
def test_a_failure_on_the_way_is_made_good_too(files, path):
    files.put("events/g/a/enable", "1\n")
    files.put("events/g/a/trigger", "stacktrace:unlimited\n")
    files.refuse[path, "!stacktrace" if "trigger" in path else "0"] = errno.EIO
    with pytest.raises(Refused) as error:
        remove_probe(files, A)
    assert error.value.errno == errno.EIO
    assert files.done[-2:] == [("events/g/a/enable", "1"), ("events/g/a/trigger", "stacktrace")]
    assert ("kprobe_events", "-:g/a") not in files.done


@pytest.mark.parametrize("gone", [errno.ENOENT, errno.ENODEV])
def test_a_probe_that_has_gone(files, gone):
    files.refuse["kprobe_events"] = gone
    with pytest.raises(NotFound, match="g/a has gone already"):
        remove_probe(files, A)


def test_a_probe_whose_directory_has_gone(files):
    files.refuse["kprobe_events"] = errno.ENOENT
    with pytest.raises(NotFound):
        remove_probe(files, probe("g/none"))


def test_other_refusals_keep_the_kernels_words(files):
    files.refuse["kprobe_events"] = errno.EINVAL
    with pytest.raises(Refused, match="Invalid argument"):
        remove_probe(files, A)


def test_what_fails_while_it_is_put_back_is_not_hidden(files):
    files.put("events/g/a/enable", "1\n")
    files.refuse |= {"kprobe_events": errno.EBUSY, ("events/g/a/enable", "1"): errno.EIO}
    with pytest.raises(OSError, match="Input/output"):
        remove_probe(files, A)
    # what has gone meanwhile is nothing to put back
    files.refuse["events/g/a/enable", "1"] = errno.ENODEV
    files.put("events/g/a/enable", "1\n")
    with pytest.raises(Busy):
        remove_probe(files, A)


def test_who_holds_it(files, nobody):
    files.put("events/g/a/enable", "1\n")
    files.put("instances/one/events/g/a/enable", "1\n")
    files.put("instances/one/events/g/a/trigger", AVAILABLE)
    files.put("events/other/c/trigger", "hist:keys=x:onmatch(g.a).trace(l,$y)\n")
    message = busy(files, A).message
    assert message == (
        "g/a is in use by the top buffer (ktrace disable g/a); instance one; a trigger of other/c"
    )


def test_who_may_hold_it(files, monkeypatch):
    monkeypatch.setattr(switching, "perf_users", lambda proc: [(7, "perf")])
    assert busy(files, A).message == "g/a is in use by perhaps perf (pid 7), which has perf events open"
    monkeypatch.setattr(switching, "perf_users", lambda proc: [])
    assert busy(files, A).message.endswith("nobody that can be seen: a program through perf or BPF")
    assert "ktrace clean" in busy(files, A).hint


def test_programs_with_perf_events(tmp_path):
    for pid, target in {
        7: "anon_inode:[perf_event]",
        8: "/dev/null",
        9: "anon_inode:bpf_link",
        10: "anon_inode:bpf-perf-event",
    }.items():
        (tmp_path / f"{pid}/fd").mkdir(parents=True)
        (tmp_path / f"{pid}/fd/3").symlink_to(target)
        (tmp_path / f"{pid}/comm").write_bytes(b"caf\xe9\n")
    (tmp_path / "11").mkdir()  # gone meanwhile, or not ours to look into
    (tmp_path / "self").mkdir()
    proc = Files(LocalHost(), str(tmp_path))
    assert perf_users(proc) == [(pid, os.fsdecode(b"caf\xe9")) for pid in (7, 9, 10)]
