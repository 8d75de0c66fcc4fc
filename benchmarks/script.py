"""Measure the events per second of `ktrace run --input`, with a handler for each event of a recording.

    python -m benchmarks.script [EVENTS]

The recording is generated: pages of an event with three fields, of 100 tasks in turn. The peer reads the same
file and also counts by task: `trace-cmd report | awk`.
"""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from ktrace.tracedat.contents import Contents, Options
from ktrace.tracedat.writer import write_file

FORMAT = (
    "name: vfs_read\nID: 300\nformat:\n"
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
    "\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:u64 file;\toffset:16;\tsize:8;\tsigned:0;\n"
    "\tfield:u64 count;\toffset:24;\tsize:8;\tsigned:0;\n\n"
    'print fmt: "(%lx) file=%llu count=%llu", REC->__probe_ip, REC->file, REC->count\n'
)
HEADER_PAGE = (
    "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
    "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
    "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
    "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n"
)
SCRIPTS = {
    "count by execname": (
        'global n probe kernel.function("vfs_read") { n[execname()]++ } '
        "probe end { foreach (k in n- limit 1) println(n[k]) }"
    ),
    "histogram of count by pid": (
        'global h probe kernel.function("vfs_read") { h[pid()] <<< $count } '
        "probe end { foreach (p in h- limit 1) println(@avg(h[p])) }"
    ),
    "printf for each event": (
        'probe kernel.function("vfs_read") { printf("%s %d %d\\n", execname(), tid(), $count) }'
    ),
    "arithmetic and a filter": (
        'global t probe kernel.function("vfs_read") { if ($count > 4096) t += $count * 2 } '
        "probe end { println(t) }"
    ),
}
TASKS = 100
PER_PAGE = 4080 // 36


def page(ts: int, first: int) -> bytes:
    """Return records 1 us apart."""
    out = bytearray()
    for i in range(PER_PAGE):
        n = first + i
        head = (8 & 31) | ((1000 if i else 0) << 5)  # 8 words of data
        body = struct.pack("<HBBiQQQ", 300, 0, 0, 1000 + n % TASKS, 0xFFFFFFFF81000000, n, n % 9000)
        out += struct.pack("<I", head) + body
    return (struct.pack("<QQ", ts, len(out)) + bytes(out)).ljust(4096, b"\0")


def make(path: str, events: int) -> int:
    """Write the recording. Return the number of its events."""
    count = events // PER_PAGE // 2
    pages = {cpu: [page((cpu + 2 * i) * 1_000_000, i * PER_PAGE) for i in range(count)] for cpu in (0, 1)}
    names = b"".join(b"%d task-%d\n" % (1000 + i, i) for i in range(TASKS))
    made = Contents(
        version=6,
        order="little",
        long_size=8,
        page_size=4096,
        header_page=HEADER_PAGE,
        header_event="# compressed entry header\n\ttype_len    :    5 bits\n",
        ftrace_formats=(),
        event_formats=(("kprobes", FORMAT),),
        kallsyms=b"ffffffff81000000 T vfs_read\n",
        printk_formats=b"",
        cmdlines=names,
        options=Options(clock="mono", cpu_count=2, uname="Linux", written_by="benchmark", trace_id=1),
    )
    write_file(path, made, pages)
    return 2 * count * PER_PAGE


AWK = "trace-cmd report -i {} 2>/dev/null | awk '{{n[$1]++}} END {{for (k in n) print k, n[k]}}'"


def main() -> None:
    """Measure whole processes, the median of three runs each; rates exclude the time of an empty file."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    with tempfile.TemporaryDirectory() as directory:
        small, large = f"{directory}/small.dat", f"{directory}/large.dat"
        few, many = make(small, 2 * PER_PAGE), make(large, events)
        ways = {f"`ktrace run`, {name}": partial(ktrace, script) for name, script in SCRIPTS.items()}
        if shutil.which("trace-cmd"):
            ways["`trace-cmd report`, awk counts by task"] = peer
        print(f"{many / 1e6:.2f} million events; Python {sys.version.split()[0]}, numpy {version('numpy')}\n")
        print("| way | seconds | processor seconds | M events/s | M events/s by processor time |")
        print("|---|---|---|---|---|")
        for name, way in ways.items():
            started, whole = (median_of(way, path) for path in (small, large))
            rates = [(many - few) / (b - a) / 1e6 for a, b in zip(started, whole, strict=True)]
            print(f"| {name} | {whole[0]:.2f} | {whole[1]:.2f} | {rates[0]:.2f} | {rates[1]:.2f} |")


def ktrace(script: str, path: str) -> list[str]:
    """Return the words of one run."""
    return [sys.executable, "-m", "ktrace", "run", "--no-pushdown", "--input", path, "-e", script]


def peer(path: str) -> list[str]:
    """Return the peer's words."""
    return ["sh", "-c", AWK.format(path)]


def median_of(way: Callable[[str], list[str]], path: str) -> tuple[float, float]:
    """Return the medians of the elapsed seconds and the processor seconds of three runs."""
    runs = [seconds(way(path)) for _ in range(3)]
    return median(run[0] for run in runs), median(run[1] for run in runs)


def seconds(command: list[str]) -> tuple[float, float]:
    """Return the elapsed seconds and the processor seconds of one run."""
    before, began = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, os.times()
    return wall, sum(after[2:4]) - sum(before[2:4])


if __name__ == "__main__":
    main()
