"""Events per second of `ktrace run --input`: a script that counts by task, over a recording of two CPUs.

    python benchmarks/script.py [EVENTS]

The recording is made here: pages of an event with three fields, of 100 tasks in turn.
"""

import os
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

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
    "arithmetic and a filter": (
        'global t probe kernel.function("vfs_read") { if ($count > 4096) t += $count * 2 } '
        "probe end { println(t) }"
    ),
}
TASKS = 100
PER_PAGE = 4080 // 36


def page(ts: int, first: int) -> bytes:
    """Records 1 us apart."""
    out = bytearray()
    for i in range(PER_PAGE):
        n = first + i
        head = (8 & 31) | ((1000 if i else 0) << 5)  # 8 words of data
        body = struct.pack("<HBBiQQQ", 300, 0, 0, 1000 + n % TASKS, 0xFFFFFFFF81000000, n, n % 9000)
        out += struct.pack("<I", head) + body
    return (struct.pack("<QQ", ts, len(out)) + bytes(out)).ljust(4096, b"\0")


def make(path: str, events: int) -> int:
    """Write the recording; how many events it has."""
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


def main() -> None:
    """Whole processes, the best of three runs each, in seconds of processor time; start-up is told apart."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000_000
    with tempfile.TemporaryDirectory() as directory:
        small, large = f"{directory}/small.dat", f"{directory}/large.dat"
        few, many = make(small, 2 * PER_PAGE), make(large, events)
        for name, script in SCRIPTS.items():
            start, whole = (min(seconds(script, path) for _ in range(3)) for path in (small, large))
            rate = (many - few) / (whole - start) / 1e6
            print(f"{name}: {many} events in {whole:.2f} s, start {start:.2f} s: {rate:.2f} M events/s")


def seconds(script: str, path: str) -> float:
    """One run."""
    before = os.times()
    command = [sys.executable, "-m", "ktrace", "run", "--no-pushdown", "--input", path, "-e", script]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return sum(after[2:4]) - sum(before[2:4])


if __name__ == "__main__":
    main()
