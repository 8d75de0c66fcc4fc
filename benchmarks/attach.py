"""Measure the time to attach to all functions of a wildcard and to detach, for ktrace and other tools.

    python -m benchmarks.attach [--glob GLOB] [--rounds N] [--without TOOL] [--count-instructions] [--here]

Boots a virtual machine, unless --here is given. Each tool is a command, measured from its start: *ready* is
when all functions are attached, *end* is when the command has ended after Ctrl-C and everything is removed.
*Attaching* starts when the command has loaded itself (ktrace has made its instance, bpftrace says that it
attaches; for perf, at its start), because an emulated guest takes a hundred times as long as the machine
itself to load Python. Tools take turns, so that all run under the same conditions. Processor seconds are
those of the commands, including the kernel's work for them. Prints a Markdown table.
"""

import argparse
import fnmatch
import os
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks._machine import add_options, run_there

TRACING = Path("/sys/kernel/tracing")
KPROBES = Path("/sys/kernel/debug/kprobes/list")
POLL_S = 0.05
DEADLINE_S = 400


def functions(glob: str) -> set[str]:
    """Return the functions that ftrace can attach to."""
    lines = (TRACING / "available_filter_functions").read_text().splitlines()
    return {name for line in lines if fnmatch.fnmatchcase(name := line.split()[0], glob)}


def histograms() -> Iterator[str]:
    """Return the hist triggers of ktrace's instances."""
    for path in TRACING.glob("instances/ktrace_*/events/ktrace_*/*/trigger"):
        with suppress(OSError):
            yield from (line for line in path.read_text().splitlines() if line.startswith("hist:"))


def armed(glob: str) -> int:
    """Return how many functions of the wildcard something is attached to now, according to ftrace."""
    lines = (TRACING / "enabled_functions").read_text().splitlines()
    return sum(fnmatch.fnmatchcase(line.split()[0], glob) for line in lines if line)


def has_instance(_said: bytes) -> bool:
    """Return whether ktrace has begun to write."""
    return any(TRACING.glob("instances/ktrace_*"))


def ktrace_ready(glob: str, enough: int) -> bool:
    """Return whether the histogram is set or, if ktrace uses kprobes, all of them are enabled."""
    if any(histograms()):
        return True
    if not any(TRACING.glob("instances/ktrace_*/events/ktrace_*/calls/enable")):
        return False
    return armed(glob) >= enough


@dataclass
class Tool:
    """A command, the commands to run before and after it, and a test of whether it is ready."""

    command: list[str]
    ready: Callable[[str, int], bool] = lambda glob, enough: armed(glob) >= enough
    loaded: Callable[[bytes], bool] = lambda _said: True
    before: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)


def tools(glob: str) -> dict[str, Tool]:
    """Return the tools that are installed."""
    ktrace = [sys.executable, "-m", "ktrace", "count", glob, "--max-probes", "4000", "-q"]
    found = {"`ktrace count`": Tool(ktrace, ktrace_ready, has_instance)}
    if shutil.which("bpftrace"):
        program = f"kprobe:{glob} {{ @[func] = count(); }}"
        found["`bpftrace`"] = Tool(
            ["bpftrace", "-B", "none", "-e", program], loaded=lambda said: b"Attaching" in said
        )
    if shutil.which("perf"):
        found["`perf probe`, `perf stat`"] = Tool(
            ["perf", "stat", "-a", "-e", f"probe:{glob}"],
            before=["perf", "probe", "-q", "--max-probes", "4000", "--add", glob],
            behind=["perf", "probe", "-q", "--del", f"probe:{glob}"],
        )
    return found


def processor_seconds() -> float:
    """Return the processor seconds of all commands that have ended."""
    times = os.times()
    return times.children_user + times.children_system


Times = tuple[float, float, float, float]


def measure(tool: Tool, glob: str, enough: int) -> Times:
    """Return the seconds of attaching, until it is ready, until it has ended, and of processor time."""
    used = processor_seconds()
    started = time.perf_counter()
    loaded = None
    if tool.before:
        loaded = started
        subprocess.run(tool.before, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(tool.command, stdout=said, stderr=said)
        fd = said.fileno()
        while loaded is None or not tool.ready(glob, enough):
            if loaded is None and tool.loaded(os.pread(fd, 4096, 0)):
                loaded = time.perf_counter()
            if process.poll() is not None:
                raise RuntimeError(os.pread(fd, 4096, 0).decode()[-300:])
            if time.perf_counter() - started > DEADLINE_S:
                process.kill()
                process.wait()
                raise RuntimeError(f"not ready after {DEADLINE_S} s; {armed(glob)} functions are attached")
            time.sleep(POLL_S)
        ready = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.wait()
    if tool.behind:
        subprocess.run(tool.behind, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    end = time.perf_counter()
    return ready - loaded, ready - started, end - started, processor_seconds() - used


def main() -> int:
    """Measure as the options say."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--glob", default="tcp_*")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--without", action="append", default=[], help="leave out tools with this in their name"
    )
    add_options(parser)
    options = parser.parse_args()
    if (status := run_there(options)) is not None:
        return status
    os.environ.setdefault("BPFTRACE_MAX_PROBES", "8192")
    there = len(functions(options.glob))
    enough = there * 95 // 100  # each tool leaves out some that it cannot attach to
    chosen = {n: t for n, t in tools(options.glob).items() if not any(w in n for w in options.without)}
    found: dict[str, list[Times]] = {name: [] for name in chosen}
    for turn in range(options.rounds):
        for name, tool in chosen.items():
            try:
                found[name].append(measure(tool, options.glob, enough))
                print(f"{turn} {name}: {found[name][-1]}", file=sys.stderr, flush=True)
            except RuntimeError as error:
                print(f"{name}: {error}", file=sys.stderr, flush=True)
    print(f"\n`{options.glob}`: {there} functions; Linux {platform.release()}; {options.rounds} rounds\n")
    print(
        "| tool | attaching, s | ready, s | end, s | processor, s | times ktrace: attaching | ready | end |"
    )
    print("|---|---|---|---|---|---|---|---|")
    medians = {
        n: [statistics.median(column) for column in zip(*f, strict=True)] for n, f in found.items() if f
    }
    own = medians.get("`ktrace count`")
    for name, row in medians.items():
        times = " | ".join(f"{seconds:.1f}" for seconds in row)
        ratios = " | ".join(f"{a / b:.1f}" for a, b in zip(row[:3], own[:3], strict=True)) if own else "| |"
        print(f"| {name} | {times} | {ratios} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
