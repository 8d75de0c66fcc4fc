import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.tracefs.error_log import LogEntry, find_entry, parse_error_log
from tests.unit.tracefs.scripted import Scripted

SECOND = 1_000_000_000
LINE = st.text(st.characters(codec="utf-8", exclude_characters="\n"))


def entry(text: str, command: str, caret: int, seconds: int = 5, micros: int = 12, subsystem="trace_kprobe"):
    return (
        f"[{seconds:5d}.{micros:06d}] {subsystem}: error: {text}\n"
        f"  Command: {command}\n{' ' * (11 + caret)}^\n"
    )


def test_an_entry_as_the_kernel_prints_it():
    text = (
        "[ 1234.567890] trace_kprobe: error: Invalid register name\n"
        "  Command: p:kprobes/x vfs_read a=%foo\n"
        "                                  ^\n"
    )
    (found,) = parse_error_log(text)
    assert found == LogEntry(
        1234 * SECOND + 567890000,
        "trace_kprobe",
        "Invalid register name",
        "p:kprobes/x vfs_read a=%foo",
        23,
    )
    assert found.command[found.caret :] == "%foo"


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["trace_kprobe", "hist:sched:sched_switch", "event filter parse error"]),
        LINE,
        LINE,
        st.integers(0, 200),
        st.integers(0, 10**7),
        st.integers(0, 999_999),
    ),
    max_size=8,
)


@given(ENTRIES)
def test_any_entries_with_any_caret_come_back_in_order(wanted):
    text = "".join(entry(t, c, caret, s, us, name) for name, t, c, caret, s, us in wanted)
    assert parse_error_log(text) == tuple(
        LogEntry(s * SECOND + us * 1000, name, t, c, caret) for name, t, c, caret, s, us in wanted
    )


@given(st.text() | st.text("[]0. :^\n Commandtrace_kprobeerror"))
def test_any_text_is_read_without_a_crash(text):
    parse_error_log(text)


def test_what_is_damaged_does_not_hide_the_next():
    text = "[ 1.5] x\n" + entry("a", "b", 0) + "noise\n" + entry("c", "d", 1)
    assert [e.command for e in parse_error_log(text)] == ["b", "d"]


@pytest.fixture
def log(tmp_path):
    files = Scripted(tmp_path)

    def find(command, *entries, since=0):
        files.put("error_log", "".join(entries))
        return find_entry(files, command, since)

    return find


def test_the_newest_entry_of_a_command(log):
    found = log(
        "p:a f", entry("old", "p:a f", 0, 5), entry("new", "p:a f", 3, 6), entry("other", "p:b f", 0, 7)
    )
    assert (found.text, found.caret) == ("new", 3)


def test_no_entry_of_that_command(log):
    assert log("p:a f", entry("other", "p:b f", 0)) is None
    assert log("p:a f") is None


def test_the_kernel_joins_words_with_single_blanks(log):
    assert log("p:a   f  x=%di ", entry("no", "p:a f x=%di", 0)).text == "no"
    assert log("p:a f", entry("no", "p:a f ", 0)).text == "no"


def test_entries_from_long_before_are_not_about_this_write(log):
    old = entry("old", "p:a f", 0, 100)
    assert log("p:a f", old, since=100 * SECOND).text == "old"
    assert log("p:a f", old, since=109 * SECOND).text == "old"  # the two clocks may differ a little
    assert log("p:a f", old, since=111 * SECOND) is None


def test_a_kernel_without_the_file(tmp_path):
    assert find_entry(Scripted(tmp_path), "p:a f") is None


def test_the_end_of_anothers_command_is_not_this_one(log):
    """Texts for triggers and switches are so short that many commands end with them."""
    assert log("1", entry("other", "p:a f x=%di 1", 0), entry("other", "a == 1", 5)) is None


def test_a_time_of_more_digits_than_python_reads_is_none():
    assert parse_error_log(f"[{'9' * 5000}.567890] trace_kprobe: error: x\n  Command: y\n  ^\n") == ()


def test_an_entry_begins_its_line():
    entry = "[ 1.567890] trace_kprobe: error: x\n  Command: y\n           ^\n"
    assert len(parse_error_log("z\n" + entry)) == 1 and parse_error_log("z" + entry) == ()
