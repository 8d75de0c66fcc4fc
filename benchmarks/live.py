"""Measure live delivery at full speed: `ktrace trace --json` and `cat trace_pipe`.

    python -m benchmarks.live [--rounds N] [--seconds N] [--buffer KB...] [--kernel SERIES] [--wall] [--here]

Boots a virtual machine, unless --here is given (which needs root, and a kernel with kprobes). There, dd
reads one byte at a time on CPU 0, as fast as it can, with a kprobe on vfs_read. The reader runs on CPU 1 and
writes to /dev/null. All readers run in each round, one after the other. The result is what has been written
when dd has run for the given number of seconds: the bytes that the kernel counted for the reader, divided by
the length of a line.

The machine's clock counts instructions unless --wall is given, so the figures do not depend on the load of
the host. An emulated machine runs all its CPUs in one thread of the host, so time that the reader uses is
missing for dd, and vice versa.
"""

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks._machine import add_options, run_there
from ktrace.host.local import LocalHost
from ktrace.tracefs.mount import find_tracing

_EVENT = "ktbench/reads"
_PROBE = f"p:{_EVENT} vfs_read n=%dx:u64"
_WAYS = ("cat trace_pipe", "ktrace trace --text", "ktrace trace", "ktrace trace --json")


@dataclass(frozen=True, slots=True)
class _Seen:
    """The results of one reader.

    Attributes:
        delivered: events written when the producer had run for its time.
        recorded: hits that the kernel recorded, according to its own count.
        lost: recorded hits that were overwritten before they were read.
    """

    seconds: float
    delivered: int
    recorded: int
    lost: int


@contextmanager
def _probe() -> Iterator[None]:
    tracing = find_tracing(LocalHost())
    tracing.write("kprobe_events", _PROBE)
    try:
        yield
    finally:
        tracing.write("kprobe_events", f"-:{_EVENT}")


def _instances() -> Path:
    return Path(find_tracing(LocalHost()).root, "instances")


@contextmanager
def _cat(size_kb: int) -> Iterator["_Reader"]:
    """Run `cat trace_pipe` on an instance like those that ktrace makes."""
    instance = _instances() / "ktbench"
    instance.mkdir()
    try:
        (instance / "buffer_size_kb").write_text(str(size_kb))
        (instance / "tracing_cpumask").write_text("1")
        (instance / f"events/{_EVENT}/enable").write_text("1")
        words = ["taskset", "-c", "1", "cat", str(instance / "trace_pipe")]
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            yield _Reader(process, instance)
        finally:
            (instance / f"events/{_EVENT}/enable").write_text("0")
            process.kill()
            process.wait()
    finally:
        instance.rmdir()


@contextmanager
def _ktrace(way: str, size_kb: int) -> Iterator["_Reader"]:
    """Run `ktrace trace`, and wait until it has enabled its events."""
    words = [sys.executable, "-m", *way.split(), "reads", "--cpu", "0", "--buffer-size", str(size_kb)]
    process = subprocess.Popen(
        ["taskset", "-c", "1", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        while not (found := [path for path in _instances().glob("ktrace_*") if _is_armed(path)]):
            if process.poll() is not None:
                raise SystemExit(f"{way}: ended with {process.returncode}")
            time.sleep(0.1)
        yield _Reader(process, found[0])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _is_armed(instance: Path) -> bool:
    try:
        on = (instance / "tracing_on").read_text().strip() == "1"
        return on and (instance / f"events/{_EVENT}/enable").read_text().startswith("1")
    except FileNotFoundError:
        return False  # it is being created


@dataclass(slots=True)
class _Reader:
    """A process that reads an instance, and writes the data that it has read."""

    process: subprocess.Popen
    instance: Path

    def written(self) -> int:
        """Return the bytes that it has passed to write(2)."""
        found = re.search(r"^wchar: (\d+)$", Path(f"/proc/{self.process.pid}/io").read_text(), re.MULTILINE)
        return int(found[1])

    def stats(self) -> dict[str, int]:
        """Return the kernel's statistics of the producer's CPU."""
        lines = (self.instance / "per_cpu/cpu0/stats").read_text().splitlines()
        pairs = (line.partition(": ")[::2] for line in lines)
        return {name: int(value) for name, value in pairs if value.isdigit()}

    def end(self) -> int:
        """End a ktrace. Return the number of events that it says it has delivered."""
        self.process.send_signal(signal.SIGINT)
        os.waitid(
            os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT
        )  # what it has written can still be read
        said = self.process.stderr.read()
        found = re.search(r"(\d+) events in", said)
        if found is None:
            raise SystemExit(f"ktrace: {said}")
        return int(found[1])


def _measure(way: str, size_kb: int, seconds: float) -> _Seen:
    with _cat(size_kb) if way.startswith("cat") else _ktrace(way, size_kb) as reader:
        time.sleep(1)
        before = reader.written()
        started = time.monotonic()
        producer = subprocess.Popen(
            ["taskset", "-c", "0", "dd", "if=/dev/zero", "of=/dev/null", "bs=1"], stderr=subprocess.DEVNULL
        )
        time.sleep(seconds)
        written, stats = reader.written() - before, reader.stats()
        taken = time.monotonic() - started
        producer.kill()
        producer.wait()
        delivered = stats["read events"]
        if not way.startswith("cat"):
            # It has read more from the buffer than it has written.
            events = reader.end()
            delivered = round(written * events / (reader.written() - before))
    lost = stats["overrun"]
    return _Seen(taken, delivered, stats["read events"] + stats["entries"] + lost, lost)


def _here(rounds: int, seconds: float, sizes: list[int]) -> None:
    print(f"{rounds} rounds of {seconds:g} s each; {os.uname().release}")
    print("| buffer, KiB | way | delivered a second, each | median | times cat | recorded a second | lost |")
    print("|---|---|---|---|---|---|---|")
    with _probe():
        for size in sizes:
            seen: dict[str, list[_Seen]] = {way: [] for way in _WAYS}
            for number in range(rounds):
                for way in _WAYS if number % 2 else reversed(_WAYS):
                    seen[way].append(_measure(way, size, seconds))
                    time.sleep(0.5)
            for way in _WAYS:
                rates = [one.delivered / one.seconds for one in seen[way]]
                # One ratio a round, because the load of the machine changes from round to round.
                times = [
                    (one.delivered / one.seconds) / max(cat.delivered / cat.seconds, 1)
                    for one, cat in zip(seen[way], seen[_WAYS[0]], strict=True)
                ]
                each = " ".join(f"{rate:,.0f}" for rate in rates)
                recorded = statistics.median(one.recorded / one.seconds for one in seen[way])
                lost = statistics.median(one.lost / max(one.recorded, 1) for one in seen[way])
                print(
                    f"| {size} | `{way}` | {each} | {statistics.median(rates):,.0f} "
                    f"| {statistics.median(times):.1f} | {recorded:,.0f} | {lost:.0%} |",
                    flush=True,
                )


def main() -> int:
    """Measure here, or in a virtual machine."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--buffer", type=int, nargs="*", default=[4096], help="KiB a CPU")
    parser.add_argument("--wall", action="store_true", help="by the clock of the host")
    add_options(parser)
    options = parser.parse_args()
    options.count_instructions = not options.wall
    if (status := run_there(options)) is not None:
        return status
    _here(options.rounds, options.seconds, options.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main())
