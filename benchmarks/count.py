"""Measure how much counting and timing slow down a program that calls one function at full speed.

    python -m benchmarks.count [--count N] [--rounds N] [--without TOOL] [--redraw] [--here]

Boots a virtual machine, unless --here is given. Each tool is attached while `dd` reads one byte at a time;
its slow-down is the time of a run relative to that of runs without any tool, as medians of all rounds. The
tools take turns, so that all run under the same conditions. With `--redraw`, it measures the cost of a live
table instead, and needs no kprobes.
"""

import argparse
import io
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks._machine import add_options, run_there
from ktrace.aggregate.hist_file import parse_hist
from ktrace.output.terminal.live import Live
from ktrace.output.views.count import tally_text
from ktrace.output.views.top import TopTable

KTRACE = [sys.executable, "-m", "ktrace"]
TRACING = Path("/sys/kernel/tracing")
ARMED_S = 400
COUNT = "kprobe:vfs_read { @ = count(); }"
TIME = (
    "kprobe:vfs_read { @start[tid] = nsecs; } "
    "kretprobe:vfs_read /@start[tid]/ { @ = hist(nsecs - @start[tid]); delete(@start[tid]); }"
)

TOOLS: dict[str, list[str]] = {
    "ktrace count": [*KTRACE, "count", "vfs_read"],
    "ktrace count, wildcard": [*KTRACE, "count", "vfs_read*"],
    "bpftrace count": ["bpftrace", "-e", COUNT],
    "perf stat": ["perf", "stat", "-a", "-e", "bench:vfs_read"],
    "ktrace latency": [*KTRACE, "latency", "vfs_read"],
    "bpftrace latency": ["bpftrace", "-e", TIME],
    "perf trace": ["perf", "trace", "-a", "-s", "-o", "/dev/null", "-e", "read"],
}


def read_all(count: int) -> float:
    """Return the nanoseconds a call in one run of dd."""
    started = time.perf_counter()
    subprocess.run(
        ["dd", "if=/dev/zero", "of=/dev/null", "bs=1", f"count={count}", "status=none"], check=True
    )
    return (time.perf_counter() - started) / count * 1e9


def is_armed() -> bool:
    """Return whether something is attached to the function, by kprobe or by fprobe."""
    lines = (TRACING / "enabled_functions").read_text().splitlines()
    return any(line.startswith("vfs_read ") for line in lines)


def wait_until_armed(name: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until the tool is attached. Raise RuntimeError if it ends, or takes too long.

    `perf trace` attaches to no function: it gets 20 seconds.
    """
    deadline = time.monotonic() + ARMED_S
    while not is_armed():
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended with {process.returncode}")
        if name == "perf trace" and time.monotonic() > deadline - ARMED_S + 20:
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} is not armed after {ARMED_S} s")
        time.sleep(0.1)
    time.sleep(2.0)  # the histogram is set after the probe


def with_tool(name: str, count: int, runs: int) -> list[float]:
    """Return the nanoseconds a call while the tool is attached."""
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(TOOLS[name], stdout=out, stderr=out)
        try:
            wait_until_armed(name, process)
            return [read_all(count) for _ in range(runs)]
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(ARMED_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def slow_downs(count: int, rounds: int, without: Sequence[str]) -> None:
    """Print a line for each tool."""
    there = [name for name in TOOLS if TOOLS[name][0] == KTRACE[0] or shutil.which(TOOLS[name][0])]
    tools = [name for name in there if not any(word in name for word in without)]
    times: dict[str, list[float]] = {name: [] for name in ("nothing", *tools)}
    read_all(count)
    for _ in range(rounds):
        for name in list(tools):
            times["nothing"] += [read_all(count) for _ in range(2)]
            try:
                times[name] += with_tool(name, count, 3)
            except RuntimeError as error:
                print(f"{name}: cannot run here: {error}")
                tools.remove(name)
        print(times, file=sys.stderr, flush=True)
    plain = statistics.median(times["nothing"])
    print(f"\nLinux {platform.release()}, {rounds} rounds of 3 runs of {count} calls\n")
    print("| tool | ns a call | slow-down |\n|---|---|---|")
    for name, found in times.items():
        if found:
            median = statistics.median(found)
            print(f"| {name} | {median:.0f} | {median / plain:.2f} |")


def kernels_text(keys: int) -> str:
    """Return a histogram of this many functions by name, as the kernel prints it."""
    lines = []
    for n in range(keys):
        symbol, comm = f"[{0xFFFFFFFF80000000 + n:x}] {f'vfs_function_{n}':<45}", f"{'dd':<50}"
        lines.append(f"{{ ip: {symbol}, comm: {comm} }} hitcount: {n + 1:10}\n")
    head = (
        "# event histogram\n#\n# trigger info: hist:keys=ip.sym,comm:vals=hitcount:size=2048 [active]\n#\n\n"
    )
    return head + "".join(lines) + f"\nTotals:\n    Hits: 1\n    Entries: {keys}\n    Dropped: 0\n"


def redraw(keys: int, lines: int = 80, rounds: int = 50) -> None:
    """Measure one refresh of a live table: read the kernel's text, add it up, and draw it.

    It reads nothing from the kernel, so it runs anywhere. It measures processor time, which depends little on
    the load of the machine.
    """
    text = kernels_text(keys)
    live = Live(io.StringIO())
    top = TopTable("vfs_*")
    seconds = {"count": 0.0, "top": 0.0}
    for turn in range(rounds):
        for name in seconds:
            started = time.process_time()
            (table,) = parse_hist(text)
            if name == "count":
                live.draw(tally_text(table.tally, width=100, height=lines + 5))
            else:
                top.take(table.tally, (turn + 1) / 4)
                io.StringIO().write("\n".join(top.lines(100, lines + 3)[0]))
            seconds[name] += time.process_time() - started
    for name, total in seconds.items():
        each = total / rounds
        print(f"| `ktrace {name}` | {keys} | {lines} | {each * 1000:.1f} | {each * 4:.1%} |")


def main() -> int:
    """Measure as the options say."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=50_000, help="calls a run")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--without", action="append", default=[], help="leave out tools with this in their name"
    )
    parser.add_argument("--redraw", action="store_true", help="only what a look at a live table costs")
    add_options(parser)
    options = parser.parse_args()
    if options.redraw:
        print("| command | keys counted | lines shown | a redraw, ms | of a core, at 4 a second |")
        print("|---|---|---|---|---|")
        for keys in (80, 500):
            redraw(keys)
        return 0
    if (status := run_there(options)) is not None:
        return status
    os.environ.setdefault("BPFTRACE_MAX_PROBES", "4096")
    line = "p:bench/vfs_read vfs_read"
    fd = os.open(TRACING / "kprobe_events", os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, line.encode() + b"\n")  # for perf, which requires an existing event
        slow_downs(options.count, options.rounds, options.without)
    finally:
        os.write(fd, b"-:bench/vfs_read\n")
        os.close(fd)
    return 0


if __name__ == "__main__":
    sys.exit(main())
