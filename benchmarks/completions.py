"""Measure how long a completion takes, relative to the start of the same shell.

    python -m benchmarks.completions [KALLSYMS]

Asks bash for functions that begin with a prefix, in a fresh shell each time, with a file like /proc/kallsyms
(generated with 200,000 lines if none is given) and, if it can be read, with this kernel's own
available_filter_functions. Prints medians in milliseconds and ratios to `bash -c :`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMPLETIONS = Path(__file__).resolve().parents[1] / "completions" / "ktrace.bash"
ROUNDS = 21
LINES = 200_000
ASK = (
    f"source {COMPLETIONS}; COMP_LINE=$1; COMP_WORDS=($1); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _ktrace; "
    "echo ${#COMPREPLY[@]}"
)


def main(argv: list[str]) -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        kallsyms = Path(argv[0]) if argv else build(Path(folder) / "kallsyms")
        lists = {str(kallsyms): {"KTRACE_KALLSYMS": str(kallsyms), "KTRACE_TRACING": folder}}
        if os.access("/sys/kernel/tracing/available_filter_functions", os.R_OK):
            lists["available_filter_functions"] = {}
        started, _ = median_ms([":"], {})
        print(f"bash -c :  {started:.1f} ms")
        for name, environment in lists.items():
            print(name)
            for line in (
                "ktrace add vfs_read",
                "ktrace add tcp_",
                "ktrace add no_such_",
                "ktrace trace vfs_",
            ):
                took, said = median_ms([ASK, "bash", line], environment)
                print(f"  {line:24} {took:6.1f} ms  {took / started:5.1f} x  {said} candidates")
        took, said = median_ms([ASK, "bash", "ktrace add --"], {})
        print(f"  {'ktrace add --':24} {took:6.1f} ms  {took / started:5.1f} x  {said} candidates")
    return 0


def build(path: Path) -> Path:
    """Write a file with as many symbols as a distribution's kernel has."""
    with path.open("w") as file:
        for number in range(LINES):
            prefix = ("vfs_", "tcp_", "ext4_", "do_", "__x64_sys_")[number % 5]
            file.write(f"ffffffff{0x81000000 + 64 * number:08x} t {prefix}function_{number}\n")
    return path


def median_ms(words: list[str], environment: dict[str, str]) -> tuple[float, str]:
    """Return the median of the time that bash takes for a script, in milliseconds, and what it printed."""
    times, said = [], ""
    for _ in range(ROUNDS):
        start = time.perf_counter()
        done = subprocess.run(
            ["bash", "--norc", "-c", *words],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        times.append((time.perf_counter() - start) * 1e3)
        said = done.stdout.strip()
    return statistics.median(times), said


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
