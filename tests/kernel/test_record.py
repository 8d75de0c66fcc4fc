"""`ktrace record` and `report`: compared with trace-cmd, with losses, a full disk, signals and SIGKILL."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ktrace.stream.losses import lost_by_cpu
from ktrace.tracedat.reader import TraceDat
from tests.kernel.conftest import append

# A program that reads one byte at a time at full speed, and one that does so COUNT times.
BUSY = "import os\nf = os.open('/dev/zero', 0)\nwhile True: os.read(f, 1)"
READS = "dd if=/dev/zero of=/dev/null bs=77 count={} status=none"


def trace_cmd(*words: str) -> str:
    """Return what a trace-cmd command prints on stdout."""
    done = subprocess.run(["trace-cmd", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def theirs(path: Path, *words: str) -> list[tuple[str, ...]]:
    """`trace-cmd report`: task, CPU, time, event and body of each line, with ns and raw fields."""
    lines = trace_cmd("report", "-i", str(path), "-t", "-R", *words).splitlines()
    return [m.groups() for line in lines if (m := _THEIRS.match(line))]


_THEIRS = re.compile(r" *(?:\S+: +)?(.{0,15})-(\d+) +\[(\d+)\] +(?:\S+ )?(\d+\.\d+): (\w+): +(.*)$")


def compare(lines: list[tuple[str, ...]], events: list[dict]) -> None:
    """Every event, and every field of each: `name=value` in theirs, numbers decimal or hexadecimal.

    A name that trace-cmd does not know is not compared.
    """
    assert len(lines) == len(events)
    named = [
        (e["comm"] if line[0] == "<...>" else line[0], *line[1:5])
        for line, e in zip(lines, events, strict=True)
    ]
    assert named == [
        (e["comm"], str(e["pid"]), f"{e['cpu']:03d}", f"{e['ts'] // 10**9}.{e['ts'] % 10**9:09d}", e["event"])
        for e in events
    ]
    for (*_, body), event in zip(lines, events, strict=True):
        for name, value in event["args"].items():
            found = re.search(rf"(?:^| ){name}=(.*?)(?= \w+=|$)", body)
            assert found, (name, body)
            theirs = int(found[1], 0) if isinstance(value, int) else found[1].rstrip()
            assert theirs == value, (name, body, event)


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["taskset", "-c", "1", sys.executable, "-S", "-c", BUSY])
    yield process
    process.kill()
    process.wait()


def test_our_file_is_read_alike_by_trace_cmd(ktrace: Callable, tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    recorded = ktrace("record", "-o", str(path), "vfs_read", "n=%dx:u64", "c=$comm", ",", "-r", "vfs_write",
                      "ret=$retval:s64", ",", "sched:sched_switch", "-c", READS.format(300))  # fmt: skip
    assert "none lost" in recorded.err and sorted(p.name for p in tmp_path.iterdir()) == ["a.dat"]
    ours = ktrace("report", "--json", str(path))
    lines = theirs(path)
    assert len(lines) >= 300 and f": {len(lines)} events in" in recorded.err
    compare(lines, ours.records("event"))
    with TraceDat(str(path)) as file:
        options = file.contents.options
        assert options.clock == "mono" and options.written_by.startswith("ktrace")
        assert len(options.cpu_stats) == options.cpu_count == os.cpu_count()


@pytest.mark.parametrize("how", [[], ["--file-version", "6"]], ids=["v7-zstd", "v6"])
def test_trace_cmds_file_is_read_as_it_reads_it(
    ktrace: Callable, tracing: Path, tmp_path: Path, foreign: Callable, how: list[str]
) -> None:
    path = tmp_path / "t.dat"
    foreign("p:ktest/theirs vfs_read n=%dx:u64 c=$comm")
    events = [
        word for e in ("ktest:theirs", "sched:sched_switch", "syscalls:sys_enter_read") for word in ("-e", e)
    ]
    trace_cmd("record", "-q", "-o", str(path), *how, "-C", "mono", *events, *READS.format(200).split())
    append(tracing / "events/ktest/theirs/enable", "0")
    lines = theirs(path)
    assert len(lines) >= 400
    compare(lines, ktrace("report", "--json", str(path)).records("event"))


def test_several_files_and_instances_by_time(ktrace: Callable, tracing: Path, tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{i}.dat") for i in range(2)]
    for path in paths:
        ktrace("record", "-q", "-o", path, "vfs_read", "n=%dx:u64", "-c", READS.format(20))
    both = ktrace("report", "--json", *reversed(paths)).records("event")
    times = [e["ts"] for e in both]
    assert times == sorted(times) and len(both) >= 40
    cut = str(times[20] // 10**9) + f".{times[20] % 10**9:09d}"
    later = ktrace("report", "--json", "--from", cut, *paths).records("event")
    assert [e["ts"] for e in later] == times[20:]


def test_what_is_lost_is_told_as_the_kernel_counts_it(
    ktrace: Callable, start: Callable, armed: Callable, tmp_path: Path
) -> None:
    """A small buffer, and a ktrace that is stopped while much more is recorded than fits."""
    path = tmp_path / "a.dat"
    run = start("record", "-o", str(path), "vfs_read", "n=%dx:u64", "--buffer-size", "32", "-d", "4")
    run.until(armed)
    run.signal(signal.SIGSTOP)
    subprocess.run(f"taskset -c 1 {READS.format(20_000)}", shell=True, check=True)
    run.signal(signal.SIGCONT)
    outcome = run.wait()
    said = int(re.search(r"(\d+) lost", outcome.err)[1])
    report = ktrace("report", "--json", str(path))
    told = sum(record["count"] or 0 for record in report.records("lost"))
    with TraceDat(str(path)) as file:
        counted = sum(lost_by_cpu(file.contents).values())
        stats = "".join(file.contents.options.cpu_stats)
    assert said == told == counted > 10_000
    read = sum(map(int, re.findall(r"read events: (\d+)", stats)))
    assert len(report.records("event")) == read == len(theirs(path))
    assert f"{told} lost" in report.err


def test_killed(ktrace: Callable, start: Callable, armed: Callable, tmp_path: Path) -> None:
    """SIGKILL leaves every page that was fetched, in order."""
    path = tmp_path / "a.dat"
    run = start("record", "-q", "-o", str(path), "vfs_read", "n=%dx:u64")
    run.until(armed)
    subprocess.run(f"taskset -c 1 {READS.format(20_000)}", shell=True, check=True)
    part = Path(f"{path}.cpu1")
    run.until(lambda: part.exists() and part.stat().st_size > 20_000 * 24)
    run.signal(signal.SIGKILL)
    run.wait()
    size = part.stat().st_size
    assert "--recover" in ktrace("report", str(path), status=7).err
    outcome = ktrace("report", "--csv", "--recover", str(path), "--cpu", "1", status=7)
    _, *rows = [line.split(",") for line in outcome.out.splitlines()]
    assert "was not ended" in outcome.err
    # 28 bytes a record: all that is in whole pages.
    assert 140 * (size // 4096) <= len(rows) <= 20_100 and {row[6] for row in rows} == {"vfs_read"}
    times = [int(row[0]) for row in rows]
    assert times == sorted(times)
    ktrace("clean")


def test_ctrl_c_ends_it_in_good_order(
    ktrace: Callable, start: Callable, armed: Callable, forks: None, tmp_path: Path
) -> None:
    path = tmp_path / "a.dat"
    run = start("record", "-o", str(path), "do_fork")
    run.until(armed)
    time.sleep(0.5)
    run.signal(signal.SIGINT)
    assert run.wait().status == 0 and [p.name for p in tmp_path.iterdir()] == ["a.dat"]
    assert len(ktrace("report", "--json", str(path)).records("event")) == len(theirs(path)) > 0


def test_a_full_disk(ktrace: Callable, tmp_path: Path) -> None:
    """The file is complete, with all moved pages; no other file is left."""
    disk = tmp_path / "disk"
    disk.mkdir()
    # Space for the data saved in addition to pages, as much and 4 MiB reserved, and for some 2 MiB of pages.
    size = 2 * len(Path("/proc/kallsyms").read_bytes()) + (6 << 20)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size >> 10}k", "none", str(disk)], check=True)
    try:
        path = disk / "a.dat"
        outcome = ktrace(
            "record", "-o", str(path), "vfs_read", "n=%dx:u64", "-c", READS.format(200_000), status=1
        )
        assert "no space left" in outcome.err and [p.name for p in disk.iterdir()] == ["a.dat"]
        kept = int(outcome.err.split(" events")[0].split()[-1])
        lines = trace_cmd("report", "-i", str(path)).count(": vfs_read: ")
        assert lines == kept > 20_000
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_limits(ktrace: Callable, busy: subprocess.Popen, tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    ktrace("record", "-q", "-o", str(path), "vfs_read", "--max-size", "300K")
    with TraceDat(str(path)) as file:
        assert sum(data.size for data in file.contents.buffers[0].cpus) >= 300 << 10
    outcome = ktrace("record", "-o", str(path), "vfs_mkdir", "-d", "0.5")
    assert ": 0 events in " in outcome.err
    assert ktrace("report", str(path)).out == ""


def test_stacks(ktrace: Callable, tmp_path: Path) -> None:
    path = tmp_path / "a.dat"
    ktrace("record", "-q", "-o", str(path), "vfs_read", "--stack", "--filter", "COMM == 'dd'",
           "-c", READS.format(5))  # fmt: skip
    out = ktrace("report", "-q", str(path)).out
    stacks, hits = out.count("<stack trace>"), out.count(": vfs_read: ")
    # In 5.10 there are also stacks of other tasks' hits, which themselves are left out.
    old = tuple(map(int, os.uname().release.split(".")[:2])) < (5, 16)
    assert hits >= 5 and (stacks == hits or (old and stacks > hits))
    assert re.search(r"^ => ksys_read$", out, re.MULTILINE)


def test_refusals(ktrace: Callable, tmp_path: Path) -> None:
    assert "what to record?" in ktrace("record", status=2).err
    assert "not a size" in ktrace("record", "vfs_read", "--max-size", "many", status=2).err
    assert "not a regular file" in ktrace("record", "vfs_read", "-o", "/dev/full", status=1).err
    assert "No such file" in ktrace("record", "vfs_read", "-o", f"{tmp_path}/no/a.dat", status=1).err
    assert "not a trace.dat file" in ktrace("report", "/proc/version", status=7).err
    ktrace("record", "vfs_read", "n=nope:bar", "-o", f"{tmp_path}/a.dat", status=None)
    assert not (tmp_path / "a.dat.cmdlines").exists()
