import errno
import shutil

import pytest

from ktrace.errors import Busy, Interrupted, KtraceError, Refused
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.probes import add as add_module
from ktrace.probes import define as define_module
from ktrace.probes.add import Wishes, add_probes, plan
from ktrace.resolve.spec import ProbeSpec
from ktrace.symbols.kallsyms import Kallsyms
from tests.unit.tracefs.scripted import Scripted

PROBES = [Probe("p", "g", name, SymbolPlace(name)) for name in "abc"]
DEFINED = [("kprobe_events", p.to_line()) for p in PROBES]
REMOVED = [("kprobe_events", p.to_delete_line()) for p in PROBES]
SPECS = [ProbeSpec(probe) for probe in PROBES]
SYMBOLS = Kallsyms(b"".join(b"ffffffff81000000 T %c\n" % c for c in b"abc"))


class Kernel(Scripted):
    """Makes an event's directory when it is defined, and takes it away when it is removed."""

    def write(self, path, text):
        super().write(path, text)
        if path == "kprobe_events":
            event = text.split(" ")[0].partition(":")[2]
            if text.startswith("-:"):
                shutil.rmtree(f"{self.root}/events/{event}")
            else:
                self.put(f"events/{event}/enable", "0\n")
                self.put(f"events/{event}/trigger", "")


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(add_module.Kallsyms, "load", lambda host: SYMBOLS)
    monkeypatch.setattr(define_module, "is_pending", lambda host, probe: False)
    return Kernel(tmp_path, {"kprobe_events": "", "events/g/enable": "0\n"})


def nothing():
    pass


def add(files, wishes=Wishes(), between=nothing):  # noqa: B008 -- a frozen value
    return add_probes(files, None, SPECS, wishes, between)


def test_one_write_each(files):
    added = add(files)
    assert files.done == DEFINED
    assert [d.probe for d in added.done] == PROBES
    assert added.failed == ()


def test_one_that_is_refused_does_not_take_the_others_with_it(files):
    files.refuse["kprobe_events", PROBES[1].to_line()] = errno.EINVAL
    added = add(files)
    assert files.done == [DEFINED[0], DEFINED[2]]
    ((failed, error),) = added.failed
    assert failed == PROBES[1] and isinstance(error, Refused)


def test_atomic_all_or_nothing(files):
    files.refuse["kprobe_events", PROBES[2].to_line()] = errno.EINVAL
    added = add(files, Wishes(atomic=True, stack=True, enable=True))
    assert files.done == [*DEFINED[:2], REMOVED[1], REMOVED[0]]
    assert added.done == () and len(added.failed) == 1


def test_an_event_that_is_there_is_not_extended_without_being_asked(files):
    files.put("events/g/b/enable", "0\n")
    added = add(files)
    ((_, error),) = added.failed
    assert isinstance(error, Busy)
    assert files.done == [DEFINED[0], DEFINED[2]]
    assert "--append" in error.hint


def test_appended_where_it_is_asked_for(files):
    files.put("events/g/b/enable", "0\n")
    assert add(files, Wishes(append=True)).failed == ()
    assert files.done == DEFINED


def test_stacks_and_switches_come_behind_all_definitions(files):
    added = add(files, Wishes(stack=True, enable=True))
    assert added.failed == ()
    assert files.done == [
        *DEFINED,
        *[(f"events/g/{name}/trigger", "stacktrace") for name in "abc"],
        ("events/g/enable", "1"),
    ]


def test_a_trigger_that_is_there_is_good(files):
    files.refuse["events/g/a/trigger"] = errno.EEXIST
    assert add(files, Wishes(stack=True)).failed == ()


def test_a_trigger_that_is_refused_is_told(files):
    files.refuse["events/g/b/trigger"] = errno.ENOMEM
    ((failed, error),) = add(files, Wishes(stack=True)).failed
    assert failed == PROBES[1]
    assert error.message == "g/b: no stacks: Cannot allocate memory"


def test_a_refused_trigger_undoes_all_if_atomic(files):
    files.refuse["events/g/b/trigger", "stacktrace"] = errno.ENOMEM
    added = add(files, Wishes(stack=True, atomic=True))
    assert added.done == ()
    assert [write for write in files.done if write in REMOVED] == REMOVED[::-1]


@pytest.mark.parametrize("after", range(4))
def test_an_interrupt_at_any_time_removes_what_was_added(files, after):
    calls = []

    def between():
        calls.append(None)
        if len(calls) > after:
            raise Interrupted(15)

    with pytest.raises(Interrupted):
        add(files, Wishes(enable=True), between)
    taken = min(after, 3)
    assert files.done == [*DEFINED[:taken], *REMOVED[:taken][::-1]]


def test_what_is_on_is_switched_off_before_it_is_removed(files):
    def between():
        if ("events/g/enable", "1") in files.done:
            raise Interrupted(15)

    def stop(path, text):
        if path == "events/g/enable":
            for name in "abc":
                files.put(f"events/g/{name}/enable", f"{text}\n")
            if text == "1":
                raise Interrupted(2)

    files.after = stop
    with pytest.raises(Interrupted):
        add(files, Wishes(enable=True), between)
    assert files.done[4:] == [
        ("events/g/enable", "0"),
        *(("kprobe_events", f"-:g/{name}") for name in "cba"),
    ]


def test_an_event_that_was_there_keeps_neither_switch_nor_stacks(files):
    """If a probe point was appended to an event, only that point is removed."""
    files.put("events/g/a/enable", "0\n")

    def between():
        if ("events/g/a/trigger", "stacktrace") in files.done:
            raise Interrupted(15)

    with pytest.raises(Interrupted):
        add_probes(files, None, SPECS[:1], Wishes(append=True, stack=True, enable=True), between)
    assert files.done[1:] == [
        ("events/g/a/trigger", "stacktrace"),
        ("events/g/a/trigger", "!stacktrace"),
        ("kprobe_events", f"{PROBES[0].to_delete_line()} {PROBES[0].place.to_text()}"),
    ]


def test_what_has_gone_meanwhile_does_not_stop_the_undoing(files):
    files.refuse |= {
        ("kprobe_events", PROBES[2].to_line()): errno.EINVAL,
        ("kprobe_events", PROBES[1].to_delete_line()): errno.ENOENT,
    }
    add(files, Wishes(atomic=True))
    assert files.done == [*DEFINED[:2], REMOVED[0]]


def test_symbols_are_loaded_once_for_all_refusals(files, monkeypatch):
    loaded = []
    monkeypatch.setattr(add_module.Kallsyms, "load", lambda host: loaded.append(1) or SYMBOLS)
    files.refuse["kprobe_events"] = errno.EINVAL
    added = add(files)
    assert len(added.failed) == 3 and all(isinstance(e, KtraceError) for _, e in added.failed)
    assert loaded == [1]


def test_the_same_as_a_plan():
    wished = plan(PROBES[0], Wishes(stack=True, enable=True))
    assert [(s.path, s.text) for s in wished.steps] == [
        ("kprobe_events", "p:g/a a"),
        ("events/g/a/trigger", "stacktrace"),
        ("events/g/a/enable", "1"),
    ]
    assert [(s.path, s.text) for s in wished.undo().steps] == [
        ("events/g/a/enable", "0"),
        ("events/g/a/trigger", "!stacktrace"),
        ("kprobe_events", "-:g/a"),
    ]
    assert len(plan(PROBES[0], Wishes()).steps) == 1
