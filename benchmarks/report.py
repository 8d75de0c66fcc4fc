"""Measure how fast a recording becomes columns, JSON Lines, text and answers, compared with trace-cmd.

    python -m benchmarks.report [--file FILE] [--seconds N] [--rounds N]

Each way is a separate process, measured from its start to its end, whose output is discarded. In each round,
all run on the same file, one after the other. The table has the medians of the elapsed time, of the processor
time (ktrace makes lines in several processes), and of the peak memory, and the ratios to trace-cmd by either
time. Without --file, trace-cmd makes a recording in the virtual machine (as root; some minutes if the machine
is emulated). Compare the ratios, not the figures.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
KTRACE = f"{sys.executable} -m ktrace"
COLUMNS = sys.executable + (
    " -c 'import sys, ktrace; print(sum(map(len, ktrace.read(sys.argv[1], ordered={}))))'"
)
QUERY = "select comm, pid, count(*) n from events group by comm, pid"

TEXT, COUNT = "trace-cmd report", "trace-cmd report | sort | uniq -c"
WAYS = {
    TEXT: ("trace-cmd report {file}", None),
    "to columns, all fields": (f"{COLUMNS.format(False)} {{file}}", TEXT),
    "to columns, CPUs in order of time": (f"{COLUMNS.format(True)} {{file}}", TEXT),
    "report --json": (f"{KTRACE} report -q --json {{file}}", TEXT),
    "report (text)": (f"{KTRACE} report -q {{file}}", TEXT),
    "report --csv": (f"{KTRACE} report -q --csv {{file}}", TEXT),
    "report --parquet": (f"{KTRACE} report -q --parquet {{folder}}/out.parquet {{file}}", TEXT),
    COUNT: ("trace-cmd report {file} | awk '{{print $1}}' | LC_ALL=C sort | uniq -c", None),
    "sql, count by comm and pid": (f"{KTRACE} sql {{file}} '{QUERY}'", COUNT),
}


@dataclass(frozen=True)
class Cost:
    """The cost of one run: elapsed seconds, processor seconds, and peak memory in MiB."""

    wall: float
    cpu: float
    memory: float


def run(command: str) -> Cost:
    """Run one way to its end. The memory is that of its largest process."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    began = time.perf_counter()
    # A separate shell, so that the usage of all processes of a pipe is known when it has ended.
    shell = subprocess.Popen(
        ["bash", "-c", f"set -o pipefail; {command}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    )
    _, status, usage = os.wait4(shell.pid, 0)
    shell.returncode = os.waitstatus_to_exitcode(status)
    if shell.returncode:
        raise SystemExit(f"failed with {shell.returncode}: {command}")
    return Cost(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def make_input(folder: str, seconds: int) -> str:
    """Record several events under load in the virtual machine, uncompressed."""
    file = f"{folder}/bench.dat"
    script = [str(ROOT / "benchmarks/report_input.sh"), file, str(seconds)]
    machine = [sys.executable, "-m", "ktrace", "vm", "--share", folder, "--timeout", "900", "--", "bash"]
    subprocess.run(
        [*machine, *script], check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=1000
    )
    return file


def measure(file: str, rounds: int) -> dict[str, Cost]:
    """Return the medians of all ways."""
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, list[Cost]] = {name: [] for name in WAYS}
        for _ in range(rounds):
            for name, (command, _) in WAYS.items():
                if "sql" in name and not has("polars"):
                    continue
                found[name].append(run(command.format(file=file, folder=folder)))
    middle = statistics.median
    return {
        name: Cost(
            middle(c.wall for c in costs), middle(c.cpu for c in costs), middle(c.memory for c in costs)
        )
        for name, costs in found.items()
        if costs
    }


def has(package: str) -> bool:
    """Return whether a package is installed."""
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def show(file: str, costs: dict[str, Cost]) -> None:
    """Return the table, with the conditions of the measurement."""
    counted = subprocess.run(
        ["bash", "-c", f"{COLUMNS.format(False)} {file}"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    events = int(counted.stdout)
    packages = ", ".join(f"{name} {version(name)}" for name in ("numpy", "polars") if has(name))
    trace_cmd = subprocess.run(["trace-cmd", "--version"], capture_output=True, text=True, check=False).stdout
    said = next((line.strip() for line in trace_cmd.splitlines() if "version" in line), "trace-cmd")
    size = Path(file).stat().st_size >> 20
    print(f"{events / 1e6:.2f} million events, {size} MiB; {os.cpu_count()} processors,")
    print(f"load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, {packages}, {said}")
    print()
    print("| way | M events/s | seconds | processor seconds | MiB | times trace-cmd | by processor time |")
    print("|---|---|---|---|---|---|---|")
    for name, cost in costs.items():
        peer = costs.get(WAYS[name][1] or "")
        ratios = f"{peer.wall / cost.wall:.1f} | {peer.cpu / cost.cpu:.1f}" if peer else " | "
        rate = events / cost.wall / 1e6
        print(f"| {name} | {rate:.2f} | {cost.wall:.2f} | {cost.cpu:.2f} | {cost.memory:.0f} | {ratios} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--file", help="an uncompressed trace.dat; made in the virtual machine without it")
    parser.add_argument("--seconds", type=int, default=8, help="how long to record")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not shutil.which("trace-cmd"):
        print("trace-cmd is not installed: nothing to compare with")
        return
    with tempfile.TemporaryDirectory() as folder:
        file = options.file or make_input(folder, options.seconds)
        show(file, measure(file, options.rounds))


if __name__ == "__main__":
    main()
