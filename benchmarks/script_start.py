"""Measure the time to a script's first output: `ktrace run` and an equivalent bpftrace program.

    python -m benchmarks.script_start [--rounds N] [--count-instructions] [--here]

Boots a virtual machine, unless --here is given. Each way is a separate process. In each round, all run one
after the other, while a shell keeps starting a program that reads. The table has the medians of the seconds
from the start of the process until its first line, of those until it has ended, and of its processor seconds.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from benchmarks._machine import add_options, run_there

ROOT = Path(__file__).resolve().parents[1]
KTRACE = [sys.executable, "-m", "ktrace", "run", "-e"]
LOAD = "while :; do dd if=/dev/zero of=/dev/null bs=777 count=3 status=none; sleep 0.02; done"
WAYS = {
    "ktrace: begin": [*KTRACE, 'probe begin { println("ready") exit() }'],
    "bpftrace: BEGIN": ["bpftrace", "-e", 'BEGIN { printf("ready\\n"); exit(); }'],
    "ktrace: an argument of a function": [
        *KTRACE,
        'probe kernel.function("vfs_read") { printf("%s %d\\n", execname(), $count) exit() }',
    ],
    "bpftrace: an argument of a function": [
        *("bpftrace", "-e"),
        'kprobe:vfs_read { printf("%s %d\\n", comm, arg2); exit(); }',
    ],
    "ktrace: count, print after the first": [
        *KTRACE,
        'global n probe kernel.function("vfs_read") { n[execname()]++ } '
        'probe timer.ms(20) { foreach (k in n) { printf("%s %d\\n", k, n[k]) exit() } }',
    ],
    "bpftrace: count, print after the first": [
        *("bpftrace", "-e"),
        "kprobe:vfs_read { @n[comm] = count(); @hits = 1; } "
        "interval:ms:20 { if (@hits) { print(@n); exit(); } }",
    ],
}


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    add_options(parser)
    options = parser.parse_args()
    if (status := run_there(options)) is not None:
        return status
    rounds = options.rounds
    ways = {name: words for name, words in WAYS.items() if shutil.which(words[0])}
    load = subprocess.Popen(["sh", "-c", LOAD])
    try:
        for name, words in ways.items():
            once(words)  # files are read for the first time
            print(name, file=sys.stderr, flush=True)
        measured: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, words in ways.items():
                measured[name].append(once(words))
    finally:
        load.kill()
    print(f"Linux {os.uname().release}, medians of {rounds} rounds\n")
    print("| way | first line, seconds | whole, seconds | processor seconds |")
    print("|---|---|---|---|")
    for name, runs in measured.items():
        print(f"| {name} | " + " | ".join(f"{median(one):.2f}" for one in zip(*runs, strict=True)) + " |")
    return 0


def once(words: list[str]) -> tuple[float, float, float]:
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
