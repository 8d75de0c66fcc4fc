"""Run mutants of inputs: `python -m tests.fuzz [--seconds S | --mutants N] [TARGET...]`.

No mutant may end in a traceback, take two seconds of processor time or 1 GiB of memory. The same seed
makes the same mutants. A finding's input is written to `--out`; `--file` runs one again.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from tests.fuzz.outcome import Finding
from tests.fuzz.worker import Job, names, single, work


def main(argv: Sequence[str]) -> int:
    """Return 0 without a finding, 1 with one."""
    options = _options(argv)
    targets = names(options.targets)
    if options.file:
        found = single(targets[0], Path(options.file).read_bytes())
        print(found.text if found else "nothing found")
        return int(found is not None)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    jobs = _jobs(options, targets, seed)
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"fuzz: seed {seed}, {len(targets)} targets: {' '.join(targets)}", flush=True)
    began = time.monotonic()
    count, found_all = _run(jobs, options.jobs)
    took = time.monotonic() - began
    print(f"fuzz: {count} mutants of {len(targets)} targets in {took:.0f} s, {len(found_all)} findings")
    return int(bool(found_all))


def _options(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="what to fuzz; all by default")
    parser.add_argument("--seconds", type=float, default=60, help="how long, about; 60 by default")
    parser.add_argument(
        "--mutants", type=int, help="how many, of all targets together, however long it takes"
    )
    parser.add_argument("--first", type=int, default=0, help="the first mutant's number; 0 by default")
    parser.add_argument("--seed", type=int, help="for the random numbers; by chance by default")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="processes at a time")
    parser.add_argument("--out", type=Path, default=Path("build/fuzz"), help="folder for inputs of findings")
    parser.add_argument("--file", help="run this input of the one TARGET, and show what comes of it")
    return parser.parse_args(argv)


def _jobs(options: argparse.Namespace, targets: Sequence[str], seed: int) -> list[Job]:
    each = max(options.seconds * options.jobs / len(targets), 1)
    if options.mutants is not None:
        count = -(-options.mutants // len(targets))
        return [Job(t, seed, options.first, count, float("inf"), options.out) for t in targets]
    return [Job(target, seed, options.first, 1 << 40, each, options.out) for target in targets]


def _run(jobs: Sequence[Job], processes: int) -> tuple[int, list[Finding]]:
    """Run jobs, some at a time; a process for each, since one has a limit of memory afterwards."""
    count, found_all = 0, list[Finding]()
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, max_tasks_per_child=1) as pool:
        futures: dict[Future[tuple[int, list[Finding]]], Job] = {pool.submit(work, job): job for job in jobs}
        for future in as_completed(futures):
            done, found = future.result()
            print(f"fuzz: {futures[future].target}: {done} mutants, {len(found)} findings")
            for one in found:
                print(f"\n=== {one.key}\n{one.text}")
            sys.stdout.flush()
            count += done
            found_all += found
    return count, found_all


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
