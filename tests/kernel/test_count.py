"""`ktrace count`: counts that are known beforehand; nothing is left in the kernel."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

HISTS = Path("/sys/kernel/tracing/events/sched/sched_switch/hist").exists()
WIDE = HISTS and "f[:[<group>/]" in Path("/sys/kernel/tracing/README").read_text()
in_kernel = pytest.mark.skipif(not HISTS, reason="no hist triggers")


def dd(size: int, count: int) -> str:
    return f"dd if=/dev/zero of=/dev/null bs={size} count={count} status=none"


def rows(outcome, **key: object) -> dict[object, int]:
    """Counts by what is left of the key."""
    found: dict[object, int] = {}
    for row in outcome.records("row"):
        if all(row["key"][name] == value for name, value in key.items()):
            rest = tuple(v for name, v in row["key"].items() if name not in key and name != "function")
            found[rest[0] if len(rest) == 1 else rest] = row["count"]
    return found


def test_a_hundred_thousand_calls_by_program_and_size(ktrace: Callable, tmp_path: Path) -> None:
    """The shell and the loader read, too, but nothing of these sizes."""
    count = 25_000 if HISTS else 2_000
    other = tmp_path / "other program"
    shutil.copy(shutil.which("dd") or "", other)
    script = tmp_path / "reads.sh"
    reads = [dd(size, count).partition(" ")[2] for size in (777, 1000)]
    script.write_text("".join(f"dd {words}\n'{other}' {words}\n" for words in reads))
    outcome = ktrace("count", "vfs_read", "--by", "comm,count", "--json", "-c", f"sh {script}")
    for comm in ("dd", "other program"):
        sizes = rows(outcome, comm=comm)
        assert sizes[777] == count and sizes[1000] == count
    (answer,) = outcome.records("answer")
    assert answer["dropped"] == answer["missed"] == answer["lost"] == 0
    assert answer["hits"] == sum(row["count"] for row in outcome.records("row"))
    assert answer["method"] == ("hist triggers" if HISTS else "streamed events")
    assert ("streamed" in outcome.err) is not HISTS


def test_system_calls_by_name(ktrace: Callable) -> None:
    outcome = ktrace("count", "raw_syscalls:sys_enter", "--by", "id.syscall", "--json", "-c", dd(100, 30))
    counts = {row["key"]["id.syscall"]: row["count"] for row in outcome.records("row")}
    assert counts["sys_read"] >= 30 and counts["sys_write"] >= 30 and counts["sys_exit_group"] == 1


def test_functions_of_a_wildcard_and_where_they_return(ktrace: Callable) -> None:
    outcome = ktrace("count", "vfs_re[a]d*", "-r", "--json", "--filter", "common_pid > 1", "-c", dd(100, 30))
    counts = {row["key"]["function"]: row["count"] for row in outcome.records("row")}
    assert counts["vfs_read"] >= 30 and "vfs_readlink" not in counts


def test_the_cheapest_count_of_many(start: Callable, tracing: Path) -> None:
    run = start("count", "vfs_[rw]*", "--json")
    run.until(lambda: bool(triggers(tracing) if WIDE else any(b"vfs_read" in line for line in profile())))
    subprocess.run(dd(100, 400).split(), check=True)
    run.signal(signal.SIGINT)
    outcome = run.wait()
    counts = {row["key"]["function"]: row["count"] for row in outcome.records("row")}
    assert outcome.status == 0 and counts["vfs_read"] >= 400 and counts["vfs_write"] >= 400
    method = "hist triggers of fprobes" if WIDE else "kprobe_profile"
    assert outcome.records("answer")[0]["method"] == method


def test_many_functions_are_counted_to_the_hit(ktrace: Callable) -> None:
    """The shell and the loader read, too, but only dd writes."""
    count = 50_000 if HISTS else 500
    command = f"sh -c '{dd(1, count)}; {dd(2, count)}'"
    outcome = ktrace("count", "vfs_[rw]*", "--by", "comm", "--json", "-c", command)
    counts = {(r["key"]["function"], r["key"]["comm"]): r["count"] for r in outcome.records("row")}
    assert counts["vfs_write", "dd"] == 2 * count
    assert 2 * count < counts["vfs_read", "dd"] < 2 * count + 100
    (answer,) = outcome.records("answer")
    assert answer["hits"] == sum(counts.values())
    assert answer["dropped"] == answer["missed"] == answer["lost"] == 0
    if WIDE:
        assert answer["method"] == "hist triggers of fprobes"


def test_functions_that_are_not_meant_are_not_shown(ktrace: Callable) -> None:
    """A wildcard that also matches a function of which there are two, which every program's start hits."""
    outcome = ktrace("count", "[lv]*_[er][el][af]*", "--json", "-c", dd(100, 300))
    counts = {row["key"]["function"]: row["count"] for row in outcome.records("row")}
    assert counts["vfs_read"] >= 300 and "load_elf_binary" not in counts
    assert "several functions of one name" in outcome.err


@pytest.mark.skipif(not WIDE, reason="no fprobe events")
def test_after_sigkill_what_counted_many_is_found_and_removed(
    start: Callable, ktrace: Callable, tracing: Path
) -> None:
    run = start("count", "vfs_[rw]*")
    run.until(lambda: bool(triggers(tracing)))
    run.signal(signal.SIGKILL)
    os.waitpid(run.pid, 0)
    (probe,) = [p for p in ktrace("list", "--json").records("probe") if f"ktrace_{run.pid}_" in p["group"]]
    assert probe["place"] == "vfs_[rw]*"
    (record,) = ktrace("clean", "--json").records("leftover")
    assert record["pid"] == run.pid and len(record["probes"]) == 1
    assert (tracing / "dynamic_events").read_text() == ""
    assert "vfs_read" not in (tracing / "enabled_functions").read_text()


def profile() -> list[bytes]:
    """Enabled probes of sessions, as debugfs lists them; each line with its function."""
    lines = Path("/sys/kernel/debug/kprobes/list").read_bytes().splitlines()
    return [line + b" ktrace" for line in lines if b"DISABLED" not in line]


@in_kernel
def test_what_is_counted_when_it_is_stopped_is_shown_and_nothing_is_left(
    start: Callable, tracing: Path
) -> None:
    run = start("count", "vfs_read", "--by", "pid,cpu", "sched:sched_switch")
    run.until(lambda: bool(triggers(tracing)))
    subprocess.run(dd(100, 400).split(), check=True)
    run.signal(signal.SIGINT)
    outcome = run.wait()
    assert outcome.status == 0 and "vfs_read" in outcome.out and "sched:sched_switch" in outcome.out
    readers = [line.split()[2] for line in outcome.out.splitlines() if " vfs_read " in line]
    assert readers and str(run.pid) not in readers


@in_kernel
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_are_the_exit_status(start: Callable, tracing: Path, number: int) -> None:
    run = start("count", "vfs_read")
    run.until(lambda: bool(triggers(tracing)))
    run.signal(number)
    assert run.wait().status == 128 + number


@in_kernel
def test_a_full_table_is_told(ktrace: Callable) -> None:
    """Dropped and counted hits add up to all hits, and the table holds at most twice its size."""
    script = "".join(f"{dd(size, 2)};" for size in range(1, 50))
    outcome = ktrace(
        "count", "vfs_read", "--by", "pid,count", "--size", "128", "--json", "-c", f"sh -c '{script}'"
    )
    (answer,) = outcome.records("answer")
    assert answer["dropped"] > 0 and answer["rows"] <= 256
    assert answer["hits"] + answer["dropped"] >= 98 + 49 * 3  # and what the loader reads


def test_a_process_and_its_stacks(ktrace: Callable, start: Callable, tracing: Path) -> None:
    # It reads byte by byte, and streamed stacks are made one by one: emulated, that takes its time.
    pause = "" if HISTS else "sleep 0.2; "
    loop = subprocess.Popen(["sh", "-c", f"while :; do read x < /proc/version; {pause}done"])
    try:
        outcome = ktrace("count", "vfs_read", "--by", "pid,stack", "-p", str(loop.pid), "-d", "3", "--json")
    finally:
        loop.kill()
        loop.wait()
    keys = [row["key"] for row in outcome.records("row")]
    assert keys and {key["pid"] for key in keys} == {loop.pid}
    assert any("ksys_read" in frame for key in keys for frame in key["stack"])


@in_kernel
def test_a_refused_filter_leaves_nothing(ktrace: Callable) -> None:
    assert "nosuch" in ktrace("count", "vfs_read", "--filter", "nosuch > 1", "-d", "1", status=3).err
    assert "no field" in ktrace("count", "sched:sched_switch", "--by", "nosuch", "-d", "1", status=4).err


def test_without_hist_triggers_in_kernel_is_refused(ktrace: Callable) -> None:
    outcome = ktrace("count", "vfs_read", "--in-kernel", "--by", "comm", "-d", "0.1", status=None)
    assert outcome.status == (0 if HISTS else 5)


def test_an_event_without_arguments_and_several_at_once(ktrace: Callable) -> None:
    outcome = ktrace("count", "sched:sched_switch", "vfs_read", "--by", "comm", "--json", "-d", "1")
    functions = {row["key"]["function"] for row in outcome.records("row")}
    assert "sched:sched_switch" in functions


def triggers(tracing: Path) -> list[str]:
    """Hist triggers of sessions."""
    found = []
    for path in (tracing / "instances").glob("ktrace_*/events/ktrace_*/*/trigger"):
        found += [line for line in path.read_text().splitlines() if line.startswith("hist")]
    return found
