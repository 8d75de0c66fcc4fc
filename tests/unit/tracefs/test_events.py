import errno

import pytest

from ktrace.errors import NotFound, Refused
from ktrace.tracefs import events
from tests.unit.tracefs.scripted import Scripted

FORMAT = 'name: a\nID: 7\nformat:\n\tfield:int x;\toffset:8;\tsize:4;\tsigned:1;\n\nprint fmt: "x=%d"\n'


@pytest.fixture
def files(tmp_path):
    tree = {
        "events/enable": "0\n",
        "events/header_page": "",
        "events/g/enable": "X\n",
        "events/g/filter": "none\n",
        "events/sched/enable": "0\n",
    }
    for event in ("g/a", "g/b", "sched/sched_switch", "sched/sched_wakeup"):
        tree |= {
            f"events/{event}/enable": "0\n",
            f"events/{event}/filter": "none\n",
            f"events/{event}/trigger": "# Available triggers:\n# traceon traceoff\n",
            f"events/{event}/format": FORMAT,
        }
    return Scripted(tmp_path, tree)


def test_format_with_its_system(files):
    form = events.read_format(files, "g/a")
    assert (form.system, form.name, form.id) == ("g", "a", 7)


def test_no_such_event(files):
    with pytest.raises(NotFound, match="there is no event g/x") as error:
        events.read_format(files, "g/x")
    assert "ktrace list" in error.value.hint


@pytest.mark.parametrize(
    ("name", "found"),
    [("g/a", True), ("g/x", False), ("g", False), ("g/a/b", False), ("../events", False), ("g/..", False)],
)
def test_is_event(files, name, found):
    assert events.is_event(files, name) == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("sched:sched_switch", ["sched/sched_switch"]),
        ("sched/sched_switch", ["sched/sched_switch"]),
        ("sched:sched_*", ["sched/sched_switch", "sched/sched_wakeup"]),
        ("*:[ab]", ["g/a", "g/b"]),
        ("*:*", ["g/a", "g/b", "sched/sched_switch", "sched/sched_wakeup"]),
        ("sched:none", []),
        ("sched:enable", []),
        ("sched", []),
        ("sched:", []),
        ("*", []),
        ("..:*", []),
        ("g:../g/a", []),
    ],
)
def test_find_static(files, name, found):
    assert events.find_static(files, name) == found


def test_state_filter_and_triggers(files):
    assert events.enabled_state(files, "g/a") == "0"
    assert events.enabled_state(files, "g/none") == ""
    assert events.read_filter(files, "g/a") == "none"
    assert events.read_triggers(files, "g/a") == []
    files.put("events/g/a/trigger", "stacktrace:unlimited\ntraceoff:count=2 if x > 5\n\n")
    assert events.read_triggers(files, "g/a") == ["stacktrace:unlimited", "traceoff:count=2 if x > 5"]


def test_steps_are_undone_by_their_opposite():
    step = events.enable_step("g/a")
    assert (step.path, step.text, step.action) == ("events/g/a/enable", "1", "write")
    assert (step.undo.path, step.undo.text, step.undo.action) == ("events/g/a/enable", "0", "write")
    assert step.why == "switch g/a on" and events.enable_step("g/a", "so").why == "so"
    step = events.filter_step("g/a", "x > 1")
    assert (step.path, step.text, step.undo.path, step.undo.text) == (
        "events/g/a/filter",
        "x > 1",
        "events/g/a/filter",
        "0",
    )


def test_a_filter_that_is_taken(files):
    events.set_filter(files, "g/a", "x > 1")
    assert files.done == [("events/g/a/filter", "x > 1")]


@pytest.mark.parametrize(("before", "restored"), [("none\n", "0"), ("x > 1\n", "x > 1")])
def test_a_refused_filter_puts_the_one_before_back(files, before, restored):
    path = "events/g/a/filter"
    files.put(path, before)
    files.put(
        "error_log",
        "[99999999.000001] event filter parse error: error: Field not found\n"
        "  Command: y > 1\n           ^\n",
    )
    files.refuse[path, "y > 1"] = errno.EINVAL
    with pytest.raises(Refused) as error:
        events.set_filter(files, "g/a", "y > 1")
    assert files.done == [(path, restored)]
    refused = error.value
    assert (refused.message, refused.excerpt, refused.caret) == ("Field not found", "y > 1", 0)


def test_without_error_log_the_filter_file_says_what_is_wrong(files):
    path = "events/g/a/filter"

    class OldKernel(Scripted):
        def write(self, path, text):
            if text == "x >> 1":
                self.put(path, "x >> 1\n  ^\nparse_error: Invalid operator\n")
                raise OSError(errno.EINVAL, "Invalid argument")
            super().write(path, text)

    old = OldKernel(files.root)
    with pytest.raises(Refused) as error:
        events.set_filter(old, "g/a", "x >> 1")
    refused = error.value
    assert (refused.message, refused.excerpt, refused.caret) == ("Invalid operator", "x >> 1", 2)
    assert old.done == [(path, "0")]


def test_a_filter_file_without_a_caret(files):
    class OldKernel(Scripted):
        def write(self, path, text):
            if text == "x":
                self.put(path, "x\nparse_error: No filter found\n")
                raise OSError(errno.EINVAL, "Invalid argument")
            super().write(path, text)

    with pytest.raises(Refused) as error:
        events.set_filter(OldKernel(files.root), "g/a", "x")
    assert (error.value.message, error.value.caret) == ("No filter found", 0)


def test_without_any_words_the_errno_remains(files):
    files.refuse["events/g/a/filter", "y"] = errno.EPERM
    with pytest.raises(Refused) as error:
        events.set_filter(files, "g/a", "y")
    assert (error.value.message, error.value.errno) == ("Operation not permitted", errno.EPERM)


@pytest.mark.parametrize(
    ("field", "wanted"), [("const char * filename", False), ("__data_loc char[] __filename_val", True)]
)
def test_whether_texts_of_system_calls_are_recorded(tmp_path, field, wanted):
    path = "events/syscalls/sys_enter_openat/format"
    form = FORMAT + f"\tfield:{field};\toffset:24;\tsize:8;\tsigned:0;\n"
    assert events.has_call_texts(Scripted(tmp_path / "with", {path: form})) is wanted
    assert not events.has_call_texts(Scripted(tmp_path / "without", {"events/enable": "0\n"}))
