"""Run one target's mutants in a process that may hang, crash or run out of memory.

The process that runs mutants writes the number of each into memory that it shares with its parent, which
goes on with the next one in a new process when a mutant has ended the old one.
"""

import json
import mmap
import os
import random
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fuzz.limits import limit_memory
from tests.fuzz.mutate import Material, mutant
from tests.fuzz.outcome import Finding, outcome
from tests.fuzz.reduce import ended_by, reduced
from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS

_SILENT_S = 60
"""Seconds of the wall clock after which a mutant is waiting for something that does not come."""


@dataclass(frozen=True)
class Job:
    """The task of one worker: mutants of one target, until their number or the time is reached."""

    target: str
    seed: int
    first: int
    mutants: int
    seconds: float
    out: Path


def nth(material: Material, seed: int, target: str, number: int) -> bytes:
    """Return a target's mutant of this number."""
    return mutant(material, random.Random(f"{seed} {target} {number}"))


def work(job: Job) -> tuple[int, list[Finding]]:
    """Run mutants; return how many were run, and what was found. Inputs of findings are in `job.out`."""
    with tempfile.TemporaryDirectory(prefix="ktrace-fuzz-") as folder:
        _be_silent()
        target = TARGETS[job.target](Path(folder))
        material = target.material()
        shared = mmap.mmap(-1, 8)
        found: dict[str, Finding] = {}
        number, end, last = job.first, time.monotonic() + job.seconds, job.first + job.mutants
        while number < last and time.monotonic() < end:
            shared[:] = struct.pack("q", _SEEDS)
            child = os.fork()
            if child == 0:
                os._exit(_run_some(job, target, material, shared, (number, last, end)))
            status = _wait(child, shared)
            (reached,) = struct.unpack("q", shared[:])
            key = ended_by(target, status)
            told = _read_told(target)
            if key:
                told.append((reached, Finding(key, f"{key}\n")))
            elif status:
                raise RuntimeError(f"the worker of {target.name} ended with status {status}")
            for at, one in told:
                if one.key not in found:
                    found[one.key] = _kept(job, target, material, at, one)
            if reached == _SEEDS:
                break  # what a seed sets off would hide all else
            number = reached + bool(key)
        return number - job.first, list(found.values())


_SEEDS = -1
"""Stands for the mutant's number while the seeds are run."""

_FIRST_SEEDS = 8
"""Seeds that are run before the mutants: they load all that is needed, and must be read without a finding."""


def _run_some(
    job: Job, target: Target, material: Material, shared: mmap.mmap, span: tuple[int, int, float]
) -> int:
    """Run some seeds, which load all that is needed, then mutants, in the child; return its exit status."""
    number, last, end = span
    seen: set[str] = set()
    for data in material.seeds[:_FIRST_SEEDS]:
        found = outcome(target, data)
        if found:
            _tell(target, _SEEDS, found)
            return 0
    limit_memory()
    while number < last and time.monotonic() < end:
        shared[:] = struct.pack("q", number)
        found = outcome(target, nth(material, job.seed, target.name, number))
        if found and found.key not in seen:
            seen.add(found.key)
            _tell(target, number, found)
        number += 1
    shared[:] = struct.pack("q", number)
    return 0


def _tell(target: Target, number: int, found: Finding) -> None:
    """Write down what was found: a later mutant may end this process."""
    with (target.folder / "findings").open("a") as file:
        file.write(json.dumps([number, found.key, found.text]) + "\n")


def _read_told(target: Target) -> list[tuple[int, Finding]]:
    path = target.folder / "findings"
    if not path.exists():
        return []
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    path.unlink()
    return [(number, Finding(key, text)) for number, key, text in rows]


def _wait(child: int, shared: mmap.mmap) -> int:
    """Wait for a child; end it when its mutant has not ended for long."""
    before, since = b"", time.monotonic()
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return status
        time.sleep(0.01)
        if shared[:] != before:
            before, since = shared[:], time.monotonic()
        elif time.monotonic() - since > _SILENT_S:
            os.kill(child, signal.SIGKILL)


def _kept(job: Job, target: Target, material: Material, number: int, one: Finding) -> Finding:
    """Write a finding's input, as it is and reduced; return the finding with the places of both."""
    if number == _SEEDS:
        return Finding(f"{one.key} (a seed)", one.text)
    data = nth(material, job.seed, target.name, number)
    path = job.out / f"{target.name}-{job.seed}-{number}"
    path.write_bytes(data)
    smaller = path.with_suffix(".reduced")
    smaller.write_bytes(reduced(target, data, one.key))
    return Finding(one.key, f"{one.text}  input: {path}\n  reduced: {smaller}\n")


def _be_silent() -> None:
    """Discard what ktrace prints for mutants."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")  # type: ignore[union-attr]  # it is a TextIOWrapper


def single(target: str, data: bytes) -> Finding | None:
    """Run one input without a limit of memory, in this process."""
    with tempfile.TemporaryDirectory(prefix="ktrace-fuzz-") as folder:
        made = TARGETS[target](Path(folder))
        return outcome(made, data)


def names(asked: Sequence[str]) -> list[str]:
    """Return the targets asked for, all if none is. Raises SystemExit for one that does not exist."""
    wrong = [name for name in asked if name not in TARGETS]
    if wrong:
        raise SystemExit(f"there is no target {wrong[0]}: {' '.join(TARGETS)}")
    return list(asked or TARGETS)
