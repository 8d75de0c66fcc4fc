"""Measure the time to a script's first output: `ktrace run` and an equivalent bpftrace program.

    python -m benchmarks.script_start [--rounds N] [--count-instructions] [--here]

Boots a virtual machine, unless --here is given. Each way is a separate process. In each round, all run one
after the other, while a shell keeps starting a program that reads. ktrace runs each script twice: the first
start compiles it, and the second takes the program that an earlier run has kept. The table has the medians
of the seconds from the start of the process until its first line, of those until it has ended, and of its
processor seconds. The ratios are medians of each round's ratio to bpftrace: by the time to the first line,
and by processor time, which depends less on the load.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks._machine import add_options, run_there

ROOT = Path(__file__).resolve().parents[1]
KTRACE = [sys.executable, "-m", "ktrace", "run"]
LOAD = "while :; do dd if=/dev/zero of=/dev/null bs=777 count=3 status=none; sleep 0.02; done"
PROGRAMS = {
    "begin": ('probe begin { println("ready") exit() }', 'BEGIN { printf("ready\\n"); exit(); }'),
    "an argument of a function": (
        'probe kernel.function("vfs_read") { printf("%s %d\\n", execname(), $count) exit() }',
        'kprobe:vfs_read { printf("%s %d\\n", comm, arg2); exit(); }',
    ),
    "count, print after the first": (
        'global n probe kernel.function("vfs_read") { n[execname()]++ } '
        'probe timer.ms(20) { foreach (k in n) { printf("%s %d\\n", k, n[k]) exit() } }',
        "kprobe:vfs_read { @n[comm] = count(); @hits = 1; } "
        "interval:ms:20 { if (@hits) { print(@n); exit(); } }",
    ),
}
Run = tuple[float, float, float]
FIRST, SECOND, OTHER = "`ktrace run`, first start", "`ktrace run`, second start", "`bpftrace`"


def ways(script: str, program: str) -> dict[str, list[str]]:
    """Return the ways to run a program."""
    made = {FIRST: [*KTRACE, "--no-cache", "-e", script], SECOND: [*KTRACE, "-e", script]}
    return made | ({OTHER: ["bpftrace", "-e", program]} if shutil.which("bpftrace") else {})


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    add_options(parser)
    options = parser.parse_args()
    if (status := run_there(options)) is not None:
        return status
    rounds = options.rounds
    load = subprocess.Popen(["sh", "-c", LOAD])
    print(f"Linux {os.uname().release}, medians of {rounds} rounds\n")
    print("| program | way | first line, s | whole, s | processor, s | first line / bpftrace | processor |")
    print("|---|---|---|---|---|---|---|")
    try:
        for name, programs in PROGRAMS.items():
            runs: dict[str, list[Run]] = {way: [] for way in ways(*programs)}
            for number in range(rounds + 1):
                for way, words in ways(*programs).items():
                    run = once(words)
                    if number:  # in the first round, files are read for the first time
                        runs[way].append(run)
            for way, measured in runs.items():
                print(row(name, way, measured, runs.get(OTHER, ())), flush=True)
    finally:
        load.kill()
    return 0


def row(name: str, way: str, runs: Sequence[Run], others: Sequence[Run]) -> str:
    """Return a row of the table, with the ratios to the other tool's runs in the same rounds."""
    cells = [f"{median(one):.2f}" for one in zip(*runs, strict=True)]
    for at in (0, 2):
        ratios = [run[at] / other[at] for run, other in zip(runs, others, strict=False)]
        cells.append(f"{median(ratios):.2f}" if ratios else "")
    return f"| {name} | {way} | {' | '.join(cells)} |"


def once(words: list[str]) -> Run:
    """Measure one run: until the program's first own line, until its end, and its processor time."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    before, began = os.times(), time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, env=environment) as run:
        assert run.stdout is not None
        line = run.stdout.readline()
        # bpftrace says first that it attaches.
        while line.startswith(b"Attaching") or line == b"\n":
            line = run.stdout.readline()
        first = time.perf_counter() - began
        run.stdout.read()
        status = run.wait()
    if status or not line:
        sys.exit(f"{words}: status {status}, {'nothing' if not line else 'something'} printed")
    after = os.times()
    return first, time.perf_counter() - began, sum(after[2:4]) - sum(before[2:4])


if __name__ == "__main__":
    sys.exit(main())
