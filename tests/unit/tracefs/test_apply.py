import errno

import pytest

from ktrace.errors import Interrupted, Refused
from ktrace.model.plan import Step
from ktrace.tracefs import apply
from ktrace.tracefs.apply import Applied
from tests.unit.tracefs.scripted import Scripted


def step(path):
    return Step(path, "1", "on", Step(path, "0", "off"))


@pytest.fixture
def files(tmp_path):
    return Scripted(tmp_path, {"a": "", "b": "", "c": ""})


@pytest.fixture
def pauses(monkeypatch):
    seen = []
    monkeypatch.setattr(apply.time, "sleep", seen.append)
    return seen


def test_undone_newest_first_once(files):
    applied = Applied(files)
    for one in (step("a"), Step("c", "x", "no undo"), step("b")):
        applied.apply(one)
    assert files.done == [("a", "1"), ("c", "x"), ("b", "1")]
    assert applied.undo_all() == []
    assert files.done[3:] == [("b", "0"), ("a", "0")]
    assert applied.undo_all() == []
    assert len(files.done) == 5


def test_directories(files, tmp_path):
    applied = Applied(files)
    undo = Step("d", "", "away", action="rmdir")
    applied.apply(Step("d", "", "make", undo, action="mkdir"))
    assert (tmp_path / "d").is_dir()
    assert applied.undo_all() == []
    assert not (tmp_path / "d").exists()


def test_a_refused_step_has_nothing_to_undo(files):
    files.refuse["b"] = errno.EINVAL
    files.put("error_log", "[99999999.000001] trace_kprobe: error: No\n  Command: 1\n           ^\n")
    applied = Applied(files)
    applied.apply(step("a"))
    with pytest.raises(Refused, match="No") as error:
        applied.apply(step("b"))
    assert error.value.errno == errno.EINVAL
    applied.undo_all()
    assert files.done == [("a", "1"), ("a", "0")]


def test_a_refused_directory_is_named_by_its_path(files):
    with pytest.raises(Refused) as error:
        Applied(files).apply(Step("no/d", "", "make", action="mkdir"))
    assert (error.value.excerpt, error.value.errno) == ("no/d", errno.ENOENT)


def test_the_undo_is_noted_before_the_write(files):
    """An exception that ends the process between the write and the note must not leave anything."""

    def stop(path, text):
        if text == "1":
            raise Interrupted(15)

    files.after = stop
    applied = Applied(files)
    with pytest.raises(Interrupted):
        applied.apply(step("a"))
    applied.undo_all()
    assert files.done == [("a", "1"), ("a", "0")]


def test_what_the_caller_does_is_undone_too(files):
    applied = Applied(files)
    applied.apply(step("a"))
    applied.will_undo(Step("b", "-:x", "remove"))
    applied.undo_all()
    assert files.done[1:] == [("b", "-:x"), ("a", "0")]


def test_kept_steps_stay(files):
    applied = Applied(files)
    applied.apply(step("a"))
    applied.keep()
    assert applied.undo_all() == []
    assert files.done == [("a", "1")]


def test_one_failure_does_not_keep_the_others_from_being_undone(files):
    applied = Applied(files)
    for name in "abc":
        applied.apply(step(name))
    files.refuse["b"] = errno.EIO
    ((failed, error),) = applied.undo_all()
    assert (failed.path, error.errno) == ("b", errno.EIO)
    assert files.done[3:] == [("c", "0"), ("a", "0")]


@pytest.mark.parametrize("gone", [errno.ENOENT, errno.ENODEV])
def test_what_has_gone_counts_as_undone(files, gone):
    applied = Applied(files)
    applied.apply(step("a"))
    files.refuse["a"] = gone
    assert applied.undo_all() == []


def test_busy_is_tried_again(files, pauses):
    applied = Applied(files)
    applied.apply(step("a"))
    files.refuse |= {("a", number): errno.EBUSY for number in range(2, 7)}
    assert applied.undo_all() == []
    assert files.done == [("a", "1"), ("a", "0")]
    assert len(pauses) == 5


def test_patience_ends_after_about_a_second(files, pauses):
    applied = Applied(files)
    applied.apply(step("a"))
    files.refuse["a"] = errno.EBUSY
    ((_, error),) = applied.undo_all()
    assert error.errno == errno.EBUSY
    assert 0.5 < sum(pauses) < 2
    assert files.tries["a"] == len(pauses) + 2


def test_other_failures_are_not_waited_for(files, pauses):
    applied = Applied(files)
    applied.apply(step("a"))
    files.refuse["a"] = errno.EIO
    applied.undo_all()
    assert pauses == []


def test_a_first_write_is_not_waited_for(files, pauses):
    files.refuse["a"] = errno.EBUSY
    with pytest.raises(Refused):
        Applied(files).apply(step("a"))
    assert pauses == [] and files.tries == {"a": 1}
