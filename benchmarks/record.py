"""Measure the losses of a recording at full speed: `ktrace record` and `trace-cmd record`.

    python -m benchmarks.record [--rounds N] [--reads N] [--buffer KB...] [--kernel SERIES] [--here]

Boots a virtual machine, unless --here is given (which needs root, and a kernel with kprobes). There, dd
reads one byte at a time on CPU 0, as fast as it can, with a kprobe on vfs_read. The recorder runs on CPU 1.
All recorders run in each round, one after the other, with their default buffer sizes and with the same ones.
The losses are the kernel's own count, which both save in their files.
"""

import argparse
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks._machine import add_options, run_there
from ktrace.host.local import LocalHost
from ktrace.tracedat.reader import TraceDat
from ktrace.tracefs.mount import find_tracing

_EVENT = "ktbench/reads"
_PROBE = f"p:{_EVENT} vfs_read n=%dx:u64"


@contextmanager
def _probe() -> Iterator[None]:
    tracing = find_tracing(LocalHost())
    tracing.write("kprobe_events", _PROBE)
    try:
        yield
    finally:
        tracing.write("kprobe_events", f"-:{_EVENT}")


def _recorders(size_kb: int | None) -> dict[str, list[str]]:
    """Return the command lines, without `-o FILE` and the producer."""
    group, _, name = _EVENT.partition("/")
    sizes = ([], []) if size_kb is None else (["-b", str(size_kb)], ["--buffer-size", str(size_kb)])
    return {
        "trace-cmd": ["trace-cmd", "record", "-q", "-e", f"{group}:{name}", *sizes[0]],
        "ktrace": [sys.executable, "-m", "ktrace", "record", "-q", name, *sizes[1]],
    }


def _measure(tool: str, words: list[str], reads: int, path: Path) -> tuple[int, int, float]:
    """Return the events kept, the events lost, and the seconds that dd reports."""
    producer = f"taskset -c 0 dd if=/dev/zero of=/dev/null bs=1 count={reads}"
    own = ["-c", producer] if tool == "ktrace" else producer.split()
    done = subprocess.run(
        ["taskset", "-c", "1", *words, "-o", str(path), *own], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{tool}: {done.stderr}")
    seconds = float(re.search(r"([\d.e-]+) s,", done.stderr)[1])
    with TraceDat(str(path)) as file:
        stats = "".join(file.contents.options.cpu_stats)
    counts = {
        name: sum(map(int, re.findall(rf"^{name}: (\d+)$", stats, re.MULTILINE)))
        for name in ("read events", "entries", "overrun", "commit overrun", "dropped events")
    }
    path.unlink()
    return counts["read events"], counts["overrun"] + counts["dropped events"] + counts["entries"], seconds


def _here(rounds: int, reads: int, sizes: list[int]) -> None:
    print(f"{rounds} rounds of {reads} reads; {Path('/proc/version').read_text().split()[2]}")
    version = subprocess.run(["trace-cmd", "--version"], capture_output=True, text=True, check=False)
    print(next((line for line in version.stdout.splitlines() if "version" in line), "trace-cmd"))
    print(
        f"{'buffer a CPU':>14}  {'recorder':10} {'lost, each round':>36} {'median':>8} {'events/s of dd':>15}"
    )
    with _probe(), TemporaryDirectory() as folder:
        for size in (*([None] if 0 in sizes else []), *(size for size in sizes if size)):
            lost: dict[str, list[float]] = {}
            rates: dict[str, list[float]] = {}
            for number in range(rounds):
                tools = list(_recorders(size).items())
                for tool, words in tools if number % 2 else reversed(tools):
                    kept, missing, seconds = _measure(tool, words, reads, Path(folder, "a.dat"))
                    lost.setdefault(tool, []).append(missing / max(kept + missing, 1))
                    rates.setdefault(tool, []).append(reads / seconds)
                    time.sleep(0.5)
            for tool in sorted(lost, reverse=True):
                each = " ".join(f"{share:.1%}" for share in lost[tool])
                name = "their default" if size is None else f"{size} KiB"
                median, rate = statistics.median(lost[tool]), statistics.median(rates[tool])
                print(f"{name:>14}  {tool:10} {each:>36} {median:8.1%} {rate:15.0f}", flush=True)


def main() -> int:
    """Measure here, or in a virtual machine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--reads", type=int, default=400_000)
    parser.add_argument(
        "--buffer", type=int, nargs="*", default=[0, 1408, 512, 128], help="KiB; 0: as it comes"
    )
    add_options(parser)
    options = parser.parse_args()
    if (status := run_there(options)) is not None:
        return status
    _here(options.rounds, options.reads, options.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
