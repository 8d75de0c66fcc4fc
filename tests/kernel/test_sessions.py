"""Sessions next to each other, those that others cannot see, and what dead ones leave.

That the kernel's files are as before is checked after every test (conftest, `untouched`).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ktrace.host.local import LocalHost
from ktrace.tracefs.instances import Owner


def session(tracing: Path) -> str:
    """Return the name of the only session."""
    (name,) = (p.name for p in (tracing / "instances").glob("ktrace_*"))
    return name


def private(tracing: Path, group: str) -> list[str]:
    """The definitions of a session's own probes."""
    return [line for line in (tracing / "kprobe_events").read_text().splitlines() if f":{group}/" in line]


def kill(run, tracing: Path) -> str:
    """End a session by SIGKILL; its name, by which it left things."""
    name = session(tracing)
    run.signal(signal.SIGKILL)
    os.waitpid(run.pid, 0)
    return name


def goes_on(run) -> None:
    seen = len(run.out)
    run.until(lambda: len(run.out) > seen)


@pytest.fixture
def buffer(tracing: Path) -> Iterator[Path]:
    """Create an instance of another user."""
    path = tracing / "instances/somebodys"
    path.mkdir()
    yield path
    path.rmdir()


def test_clean_leaves_a_session_of_another_pid_namespace(
    start: Callable, ktrace: Callable, tracing: Path, forks: None
) -> None:
    run = start("trace", "do_fork", "--json", elsewhere=True)
    run.until(lambda: run.out != "")
    name = session(tracing)
    assert name.startswith("ktrace_1_"), "it knows itself as process 1"
    told = ktrace("clean")
    assert name in told.err and "runs" in told.err and told.out == ""
    assert ktrace("clean", "--dry-run").out == "" and "runs" in ktrace("clean", "--force", name, status=6).err
    with pytest.raises(OSError, match="busy"):
        (tracing / "instances" / name).rmdir()
    goes_on(run)
    kill(run, tracing)
    deadline = time.monotonic() + 30
    while "1 instance(s), 1 probe(s)" not in ktrace("clean").out:
        assert time.monotonic() < deadline, "what it left is not removed"


def test_clean_in_another_pid_namespace_tells_the_living_from_the_dead(
    start: Callable, ktrace: Callable, tracing: Path, forks: None
) -> None:
    run = start("trace", "do_fork", "--json")
    run.until(lambda: run.out != "")
    assert session(tracing) in ktrace("clean", elsewhere=True).err
    goes_on(run)
    name = kill(run, tracing)
    assert name in ktrace("clean", elsewhere=True).out
    assert not private(tracing, name)


def test_clean_where_processes_are_hidden(
    start: Callable, ktrace: Callable, write: Callable, tracing: Path, forks: None
) -> None:
    """hidepid=2, and a user who may use tracefs, but not look at processes of others."""
    run = start("trace", "do_fork", "--json")
    run.until(lambda: run.out != "")
    name = session(tracing)
    living = Owner.of_process(LocalHost(), os.getpid())
    assert living is not None
    # As versions before made it, which held no instance.
    old = Owner(living.pid, living.starttime).name
    (tracing / "instances" / old).mkdir()
    write(tracing / "kprobe_events", f"p:{old}/theirs vfs_read")
    caps = "--inh-caps +dac_override --ambient-caps +dac_override"
    # Not in group 0 either, which hidepid lets see all.
    setpriv = f"setpriv --reuid 65534 --regid 65534 --clear-groups {caps}"
    script = f'mount -t proc -o hidepid=2 proc /proc && exec {setpriv} "$@"'
    hidden = ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-m", "ktrace", "clean"]
    told = subprocess.run(hidden, capture_output=True, text=True, check=False)
    text = " ".join(told.stderr.split())  # it is wrapped
    assert told.returncode == 6 and f"{name} runs" in text and f"{old} was left alone" in text, told
    assert f"ktrace clean --force {old}\n" in told.stderr, told
    assert (tracing / "instances" / old).is_dir() and private(tracing, old) and private(tracing, name)
    forced = subprocess.run([*hidden, "--force", old], capture_output=True, text=True, check=False)
    assert forced.returncode == 0 and old in forced.stdout, forced
    assert not (tracing / "instances" / old).exists() and not private(tracing, old)
    goes_on(run)
    run.signal(signal.SIGINT)
    assert run.wait().status == 0


def test_a_bare_name_does_not_mean_a_sessions_own_probe(
    start: Callable, ktrace: Callable, tracing: Path, forks: None
) -> None:
    run = start("trace", "vfs_read", ",", "do_fork", "--json")
    run.until(lambda: "do_fork" in run.out)
    name = session(tracing)
    for command in ("enable", "disable", "remove", "show", "list"):
        refused = ktrace(command, "vfs_read", status=4).err
        assert "no probe called 'vfs_read'" in refused and f"{name}/vfs_read" in refused
    for words in ("vfs_*", "*", "*/vfs_read", "ktrace_*/*", "k*:vfs_read"):
        assert f"no probe called '{words}'" in ktrace("remove", words, status=4).err
    ktrace("add", "vfs_read")
    for command in ("enable", "disable"):
        assert ktrace(command, "vfs_read").err == ktrace(command, "--all").err == ""
    (shown,) = ktrace("show", "vfs_read", "--json").records("description")
    assert shown["event"] == "kprobes/vfs_read"
    other = start("trace", "vfs_read", "--json")
    other.until(lambda: other.out != "")
    other.signal(signal.SIGINT)
    assert {e["group"] for e in other.wait().records("event")} == {"kprobes"}
    removed = ktrace("remove", "vfs_read")
    assert removed.err == "" and len(private(tracing, name)) == 2
    (shown,) = ktrace("show", f"{name}/vfs_read", "--json").records("description")
    assert shown["state"].startswith("0"), "nobody has switched it on in the top buffer"
    goes_on(run)
    run.signal(signal.SIGINT)
    assert run.wait().status == 0


def test_a_session_undoes_its_probes_though_somebody_has_switched_them_on(
    start: Callable, ktrace: Callable, write: Callable, buffer: Path, tracing: Path, forks: None
) -> None:
    run = start("trace", "do_fork", "--json")
    run.until(lambda: run.out != "")
    event = f"events/{session(tracing)}/do_fork"
    ktrace("enable", f"{session(tracing)}/do_fork", "--stack")
    write(buffer / event / "trigger", "hist:keys=common_pid")
    write(buffer / event / "enable", "1")
    run.signal(signal.SIGINT)
    assert run.wait().status == 0


def test_what_a_session_cannot_undo_is_told_with_who_holds_it(
    start: Callable, ktrace: Callable, write: Callable, tracing: Path, forks: None
) -> None:
    run = start("trace", "do_fork", "--json")
    run.until(lambda: run.out != "")
    name = session(tracing)
    trigger = tracing / "events/sched/sched_process_hang/trigger"
    write(trigger, f"enable_event:{name}:do_fork")
    run.signal(signal.SIGINT)
    ended = run.wait()
    assert ended.status == 1 and "a trigger of sched/sched_process_hang" in ended.err
    told = ktrace("clean", status=6)
    assert "a trigger of sched/sched_process_hang" in told.err and private(tracing, name)
    write(trigger, f"!enable_event:{name}:do_fork")
    assert name in ktrace("clean").out


@pytest.mark.parametrize("by_hand", [False, True], ids=["clean", "the lines of --dry-run in sh"])
def test_clean_switches_off_what_a_dead_session_left(
    start: Callable,
    ktrace: Callable,
    write: Callable,
    buffer: Path,
    tracing: Path,
    forks: None,
    by_hand: bool,
) -> None:
    run = start("trace", "do_fork", ",", "vfs_read", "--json")
    run.until(lambda: "do_fork" in run.out)
    name = kill(run, tracing)
    ktrace("enable", f"{name}/*", "--stack")
    write(buffer / f"events/{name}/do_fork/trigger", "hist:keys=common_pid")
    write(buffer / f"events/{name}/vfs_read/enable", "1")
    if by_hand:
        lines = ktrace("clean", "--dry-run").out
        done = subprocess.run(["sh", "-e"], input=lines, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), lines
    else:
        assert f"{name}: 1 instance(s), 2 probe(s)" in ktrace("clean").out
    assert not private(tracing, name) and "nothing was left" in ktrace("clean").err


def test_clean_names_who_reads_what_a_dead_session_left(
    start: Callable, ktrace: Callable, tracing: Path, forks: None
) -> None:
    run = start("trace", "do_fork", "--json")
    run.until(lambda: run.out != "")
    name = kill(run, tracing)
    with (tracing / "instances" / name / "trace_clock").open():
        told = ktrace("clean", status=6)
        assert f"(pid {os.getpid()})" in told.err and private(tracing, name)
    assert name in ktrace("clean").out


def test_removing_next_to_a_session_that_traces_the_same_function(
    start: Callable, ktrace: Callable, tracing: Path, forks: None
) -> None:
    run = start("trace", "do_fork", "--json")
    run.until(lambda: run.out != "")
    ktrace("add", "do_fork", "--enable")
    removed = ktrace("remove", "do_fork")
    assert (removed.out, removed.err) == ("", "")
    assert "p:kprobes/do_fork" not in (tracing / "kprobe_events").read_text()
    goes_on(run)
    run.signal(signal.SIGINT)
    assert run.wait().status == 0


def test_an_event_called_like_a_function_hides_none_of_its_arguments(
    start: Callable, ktrace: Callable, tracing: Path, forks: None
) -> None:
    ktrace("add", "vfs_read", "count")
    for words in (("vfs_read", "count"), ("vfs_read", "count", "pos=%cx"), ("vfs_read+0", "count")):
        traced = ktrace("trace", "--json", *words, "-c", "cat /proc/version").records("event")
        assert traced and all("count" in e["args"] and e["group"] != "kprobes" for e in traced)
    plain = ktrace("trace", "--json", "vfs_read", "-c", "cat /proc/version").records("event")
    assert plain and all(e["group"] == "kprobes" for e in plain)
    both = ktrace("trace", "--json", "vfs_read", "do_fork", "-c", "sh -c '/bin/true; true'").records("event")
    assert {e["event"] for e in both} == {"vfs_read", "do_fork"}
    unknown = ktrace("trace", "vfs_read", "cuont", "-c", "true", status=4)
    assert "'cuont'" in unknown.err and "kprobes/vfs_read" in unknown.err and "vfs_read+0" in unknown.err
    counted = ktrace("count", "vfs_read", "--by", "file->f_flags", "-c", "cat /proc/version", "--json")
    assert counted.records("row")
    lacking = ktrace("hist", "vfs_read", "cuont", "-c", "true", status=4)
    assert "kprobes/vfs_read" in lacking.err and "vfs_read+0" in lacking.err
    ktrace("remove", "vfs_read")
    # A dead session's does not count, either.
    run = start("trace", "vfs_read", "--json")
    run.until(lambda: run.out != "")
    name = kill(run, tracing)
    traced = ktrace("trace", "--json", "vfs_read", "count", "-c", "cat /proc/version").records("event")
    assert traced and all(e["group"] != name and "count" in e["args"] for e in traced)
    assert name in ktrace("clean").out


def addresses(name: str) -> int:
    lines = (line.split() for line in Path("/proc/kallsyms").read_text().splitlines())
    return next(int(words[0], 16) for words in lines if words[2] == name)


def test_a_probe_by_address_is_listed_and_read_back(
    ktrace: Callable, foreign: Callable, tracing: Path, debugfs: Path
) -> None:
    address = addresses("vfs_fsync_range")
    assert ktrace("add", f"0x{address:x}", "a=%di").out == f"kprobes/addr_{address:x}\n"
    first = ktrace("list", "--json")
    (kprobe,), (probe,) = first.records("kprobe"), first.records("probe")
    assert kprobe["event"] == probe["event"] and probe["address"] == kprobe["address"]
    assert int(probe["address"], 16) - address in (0, 4)
    assert "vfs_fsync_range" in ktrace("list").out and "no event" not in ktrace("list").out
    lines = (tracing / "kprobe_events").read_text()
    ktrace("remove", "addr_*")
    ktrace("add", "--from", "-", stdin=lines.encode())
    (again,) = ktrace("list", "--json").records("probe")
    assert again == probe and (tracing / "kprobe_events").read_text() == lines
    ktrace("remove", "addr_*")
    dry = ktrace("add", "--dry-run", f"0x{address:x}").out
    assert "_text+" in dry


def test_a_foreign_probe_by_address(ktrace: Callable, foreign: Callable, tracing: Path) -> None:
    address = addresses("vfs_fsync_range")
    foreign(f"p:mine/there 0x{address:x} a=%di")
    (line,) = (tracing / "kprobe_events").read_text().splitlines()
    assert f"{address:x}" not in line, "the kernel prints a hash"
    listing = ktrace("list", "--json")
    (kprobe,), (probe,) = listing.records("kprobe"), listing.records("probe")
    assert kprobe["event"] == "mine/there"
    assert int(probe["place"], 16) - address in (0, 4)
    assert "vfs_fsync_range" in ktrace("list").out and "no event" not in ktrace("list").out
    refused = ktrace("add", "--from", "-", stdin=(line + "\n").encode(), status=2)
    assert "hash" in refused.err
    ktrace("add", "--from", "-", stdin=probe["definition"].replace("there", "again").encode())
    foreign(f"p:mine/other 0x{addresses('vfs_write'):x}")
    two = {p["event"]: p for p in ktrace("list", "--json").records("probe")}
    assert two["mine/there"].get("hashed") and two["mine/other"].get("hashed"), "one of two cannot be told"
    assert "its address is not known" in ktrace("list").out
    ktrace("remove", "mine/again")


def test_counts_of_events_of_one_name_are_told_apart(
    ktrace: Callable, foreign: Callable, forks: None
) -> None:
    """Two sessions count the same functions, and the kernel's profile has no groups."""
    foreign("p:mine/calls vfs_fsync_range")  # the first line of the name, and never hit
    counted = ktrace("count", "vfs_rea[d]*", "-d", "2", "--json")
    # Where the kernel has fprobes these count, and no profile is read.
    assert counted.records("answer")[0]["method"] in ("kprobe_profile", "hist triggers of fprobes")
    counts = {row["key"]["function"]: row["count"] for row in counted.records("row")}
    assert counts["vfs_read"] > 0, counts
