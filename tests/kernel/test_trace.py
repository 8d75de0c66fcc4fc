"""`ktrace trace`: what it records, whose, for how long, and what it says at the end."""

import ctypes
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

PR_SET_NAME = 15


def test_the_commands_children_and_nobody_else(ktrace: Callable, forks: None) -> None:
    outcome = ktrace("trace", "do_fork", "--json", "-c", "sh -c '/bin/true; /bin/true; exit 3'", status=3)
    events = outcome.records("event")
    assert events and {e["comm"] for e in events} <= {"sh"}
    assert "do_fork is kernel_clone" in outcome.err and "none lost" in outcome.err


def test_a_command_killed_by_a_signal_and_one_that_is_not_there(ktrace: Callable) -> None:
    ktrace("trace", "do_fork", "-c", "sh -c 'kill -9 $$'", status=137)
    assert "no-such-program" in ktrace("trace", "do_fork", "-c", "no-such-program", status=4).err


def test_count_is_exact(ktrace: Callable, forks: None) -> None:
    assert len(ktrace("trace", "vfs_read", "n=%dx", "--json", "--count", "7").records("event")) == 7


def test_duration(ktrace: Callable) -> None:
    outcome = ktrace("trace", "vfs_mkdir", "--duration", "0.5")
    assert outcome.out == "" and "0 events in 0.5" in outcome.err


def test_own_reads_are_never_recorded(start: Callable, ktrace: Callable, tmp_path: Path) -> None:
    """Probes on what the reader itself does, on an otherwise idle machine."""
    run = start("trace", "vfs_read", ",", "vfs_write", ",", "do_sys_poll", "--json", "-d", "2")
    events = run.wait().records("event")
    assert run.pid not in {e["pid"] for e in events}


def test_only_this_process(start: Callable, tracing: Path, forks: None) -> None:
    script = "while :; do read line < /proc/version; sleep 0.02; done"
    chosen = subprocess.Popen(["sh", "-c", script])
    other = subprocess.Popen(["sh", "-c", script])
    try:
        outcome = start("trace", "vfs_read", "--json", "-p", str(chosen.pid), "-n", "20").wait()
        assert {e["pid"] for e in outcome.records("event")} == {chosen.pid}
    finally:
        for process in (chosen, other):
            process.kill()
            process.wait()


def test_a_process_and_its_children(start: Callable) -> None:
    parent = subprocess.Popen(["sh", "-c", "while :; do /bin/true; sleep 0.02; done"])
    try:
        run = start("trace", "vfs_read", "--json", "-p", str(parent.pid), "--children", "-n", "20")
        pids = {e["pid"] for e in run.wait().records("event")}
        assert parent.pid not in pids and pids
    finally:
        parent.kill()
        parent.wait()


def test_no_such_process(ktrace: Callable) -> None:
    assert "there is no process 4194304" in ktrace("trace", "vfs_read", "-p", "4194304", status=4).err


def test_only_this_cpu(ktrace: Callable, forks: None) -> None:
    for cpu in (0, 1):
        reader = f"taskset -c {cpu} cat /proc/version /proc/version /proc/version"
        outcome = ktrace("trace", "vfs_read", "--json", "--cpu", str(cpu), "-n", "5", "-c", reader)
        events = outcome.records("event")
        assert {e["cpu"] for e in events} == {cpu}
    assert "CPUs 0 to" in ktrace("trace", "vfs_read", "--cpu", "999", status=3).err


def test_filter_and_its_error_with_a_caret(ktrace: Callable) -> None:
    outcome = ktrace("trace", "vfs_read", "n=%dx:u64", "--json", "--filter", "n == 77777", "-c",
                     "dd if=/dev/zero of=/dev/null bs=77777 count=3")  # fmt: skip
    assert [e["args"]["n"] for e in outcome.records("event")] == [77777] * 3
    err = ktrace("trace", "vfs_read", "n=%dx", "--filter", "n > 1 && nope == 3", status=3).err
    lines = err.splitlines()
    at = next(i for i, line in enumerate(lines) if line.strip() == "^")
    assert "Field not found" in err and "fields of" in err
    assert lines[at - 1][lines[at].index("^") :].startswith("nope")


def test_a_filter_for_each_place(ktrace: Callable) -> None:
    words = ["vfs_read", "n=%dx:u64", "if", "n == 77777", ",", "vfs_write", "n=%dx:u64", "if", "n > 77776"]
    load = "dd if=/dev/zero of=/dev/null bs=77777 count=3; dd if=/dev/zero of=/dev/null bs=88888 count=2"
    events = ktrace("trace", "--json", *words, "-c", f"sh -c '{load}'").records("event")
    found = sorted((event["event"], event["args"]["n"]) for event in events)
    assert found == [("vfs_read", 77777)] * 3 + [("vfs_write", 77777)] * 3 + [("vfs_write", 88888)] * 2
    both = ktrace("trace", "--json", *words, "--filter", "n < 80000", "-c", f"sh -c '{load}'")
    assert {event["args"]["n"] for event in both.records("event")} == {77777}
    err = ktrace("trace", "vfs_read", "n=%dx", "if", "nope == 3", ",", "vfs_write", status=3).err
    assert "Field not found" in err and "vfs_read does not accept" in err


def test_a_command_after_two_dashes_and_everybody(ktrace: Callable, forks: None) -> None:
    words = ["trace", "--json", "sched:sched_process_fork", "--"]
    only = ktrace(*words, "sh", "-c", "/bin/true; sleep 1; /bin/true").records("event")
    assert only and {event["comm"] for event in only} == {"sh"}
    with_others = ktrace(*words[:2], "-a", *words[2:], "sleep", "1").records("event")
    assert {event["comm"] for event in with_others} - {"sleep"}


def test_existing_events_by_name_and_static_ones(ktrace: Callable, forks: None) -> None:
    ktrace("add", "vfs_read", "n=%dx")
    outcome = ktrace("trace", "vfs_read", "sched:sched_process_fork", "--json", "-n", "30")
    events = {e["event"]: e for e in outcome.records("event")}
    assert events["vfs_read"]["group"] == "kprobes" and "n" in events["vfs_read"]["args"]
    if "sched_process_fork" in events:
        assert events["sched_process_fork"]["args"]["child_pid"] > 0
    assert ktrace("list", "--json").records("probe")[0]["enabled"] is False
    ktrace("remove", "vfs_read")


def test_the_kernels_text_gives_the_same(ktrace: Callable) -> None:
    """The same command read both ways: all but times and thread ids is equal."""
    ktrace("add", "vfs_read", "n=%dx:u64", "c=$comm", "p=+0(%di):x8[2]")
    found = []
    for extra in ([], ["--text"]):
        outcome = ktrace("trace", "vfs_read", *extra, "--json", "--filter", "n == 77777", "-c",
                         "dd if=/dev/zero of=/dev/null bs=77777 count=3")  # fmt: skip
        found.append([{**e, "ts": 0, "wall_ns": 0, "pid": 0, "cpu": 0} for e in outcome.records("event")])
    assert len(found[0]) == 3 and found[0] == found[1]
    ktrace("remove", "vfs_read")
    outcome = ktrace(
        "trace", "--text", "sched:sched_process_fork", "--json", "-n", "1", "-c", "sh -c /bin/true"
    )
    assert "child_pid=" in outcome.records("event")[0]["body"]


def test_output_goes_to_a_file(ktrace: Callable, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    outcome = ktrace("trace", "do_fork", "--json", "-o", str(path), "-c", "sh -c '/bin/true; /bin/true'")
    assert outcome.out == "" and path.read_text().count('"event"') >= 1


def test_what_a_command_prints_is_not_among_the_events(ktrace: Callable, tmp_path: Path) -> None:
    for to_stdout in ((), ("-o", "-")):
        outcome = ktrace("trace", "vfs_read", "--json", *to_stdout, "-c", "echo printed")
        assert outcome.records("event") and "printed" not in outcome.out and "printed\n" in outcome.err
    outcome = ktrace("trace", "vfs_read", "-o", str(tmp_path / "events"), "-c", "echo printed")
    assert outcome.out == "printed\n" and "printed" not in outcome.err


def test_a_full_disk_is_said_and_cleaned_up(ktrace: Callable, forks: None) -> None:
    err = ktrace("trace", "vfs_read", "--json", "-o", "/dev/full", "-n", "1000", status=1).err
    assert "No space left on device" in err


def test_lost_events_are_shown_where_they_are_and_counted(start: Callable, tracing: Path) -> None:
    """A buffer of one page a CPU, a reader that is stopped, and a program that reads at full speed."""
    import signal
    import time

    script = "import os\nf = os.open('/dev/zero', 0)\nwhile True: os.read(f, 1)"
    reader = subprocess.Popen([sys.executable, "-S", "-c", script])
    try:
        run = start("trace", "vfs_read", "--json", "--buffer-size", "4", "-p", str(reader.pid), "-d", "4")
        run.until(lambda: run.out != "")
        run.signal(signal.SIGSTOP)
        time.sleep(1)
        run.signal(signal.SIGCONT)
        time.sleep(0.3)
        reader.send_signal(signal.SIGSTOP)  # enough of it
        outcome = run.wait()
    finally:
        reader.kill()
        reader.wait()
    lost = [r["count"] for r in outcome.records("lost")]
    events = len(outcome.records("event"))
    assert lost and all(n is None or n > 0 for n in lost)
    said = int(outcome.err.split(" lost")[0].rsplit(None, 1)[-1])
    assert said >= sum(n or 0 for n in lost) > 0 and f"{events} events" in outcome.err


def test_ctrl_c_at_full_speed_loses_nothing_that_was_recorded(start: Callable, tmp_path: Path) -> None:
    """Everything in the buffer is still shown, however long that takes, with a correct summary."""
    import signal

    script = "import os\nf = os.open('/dev/zero', 0)\nwhile True: os.read(f, 1)"
    reader = subprocess.Popen(["taskset", "-c", "0", sys.executable, "-S", "-c", script])
    path = tmp_path / "out"
    try:
        run = start("trace", "vfs_read", "--json", "-o", str(path), "-p", str(reader.pid))
        run.until(lambda: path.exists() and path.stat().st_size > 1 << 20)
        run.signal(signal.SIGINT)
        outcome = run.wait()
    finally:
        reader.kill()
        reader.wait()
    assert outcome.status == 0, outcome
    events = int(outcome.err.split(" events")[0].rsplit(None, 1)[-1])
    assert path.read_text().count('"type":"event"') == events > 5000


def test_text_equals_the_kernels_own(ktrace: Callable, tracing: Path, write: Callable) -> None:
    """The same hits in another instance, made by hand: our lines equal those of `trace`, except for times."""
    ktrace("add", "vfs_read", "n=%dx:u64", "c=$comm", "p=+0(%di):x8[4]", "s=+0($stack):symbol")
    other = tracing / "instances/oracle"
    other.mkdir()
    try:
        write(other / "events/kprobes/vfs_read/filter", "COMM == 'dd'")
        write(other / "events/kprobes/vfs_read/enable", "1")
        outcome = ktrace("trace", "vfs_read", "--filter", "COMM == 'dd'", "-c",
                         "dd if=/dev/zero of=/dev/null bs=512 count=50")  # fmt: skip
        write(other / "events/kprobes/vfs_read/enable", "0")
        theirs = [line.partition(": vfs_read: ")[2] for line in (other / "trace").read_text().splitlines()]
    finally:
        other.rmdir()
    ours = [line.partition(": vfs_read: ")[2] for line in outcome.out.splitlines()]
    assert len(ours) >= 50 and ours == [line for line in theirs if line]
    ktrace("remove", "vfs_read")


@pytest.mark.parametrize("name", [b"a\x1b[2J\n\"q'x", b"]-12 [000] : ", b"\xff\xfe\x07bell", b"<...>"])
def test_hostile_names(
    armed: Callable, start: Callable, ktrace: Callable, tracing: Path, tmp_path: Path, name: bytes
) -> None:
    """comm and file name with escapes, newlines, quotes: escaped on the terminal, exact in JSON."""
    directory = os.fsencode(tmp_path)
    path = directory + b'/f\x1b]0;t\x07\n"x" y=1 \\ \xfe.txt'
    Path(os.fsdecode(path)).touch()

    def open_it() -> None:
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(PR_SET_NAME, name, 0, 0, 0)
            os.access(path, os.R_OK)  # the page that holds the name is resident then
            os.close(os.open(path, os.O_RDONLY))
            os._exit(0)
        os.waitpid(child, 0)

    arguments = ["path=+0(%si):ustring", "fd=%di:s32", "who=$comm"]
    ktrace("add", "do_sys_openat2", *arguments, "--name", "hostile")
    filter_ = ["--filter", 'path ~ "*txt"', "-n", "1"]
    found = []
    for extra in (["--json"], []):
        run = start("trace", "hostile", *extra, *filter_)
        run.until(armed)
        open_it()
        found.append(run.wait())
    (event,) = found[0].records("event")
    assert os.fsencode(event["args"]["path"]) == path and event["args"]["fd"] == -100
    assert os.fsencode(event["comm"]) == name and os.fsencode(event["args"]["who"]) == name
    text = found[1].out
    assert text.count("\n") == 1 and all(ch.isprintable() for ch in text.rstrip("\n"))
    ktrace("remove", "hostile")
