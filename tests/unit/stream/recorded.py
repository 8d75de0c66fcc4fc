"""A recording with two events, built: numbers, text, an address, and fields named like what all have."""

import struct
from pathlib import Path

from ktrace.tracedat.writer import write_file
from tests.unit.ringbuffer.page_writer import PageWriter
from tests.unit.tracedat.build import contents

COMMON = (
    "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
    "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
    "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
    "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
)
HIT = (
    f"name: hit\nID: 300\nformat:\n{COMMON}"
    "\tfield:unsigned long __probe_ip;\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:u64 n;\toffset:16;\tsize:8;\tsigned:0;\n"
    "\tfield:s32 d[2];\toffset:24;\tsize:8;\tsigned:1;\n\n"
    'print fmt: "(%lx) n=%Lu d={%d,%d}", REC->__probe_ip, REC->n, REC->d[0], REC->d[1]\n'
)
WAKE = (
    f"name: wake\nID: 301\nformat:\n{COMMON}"
    "\tfield:char comm[8];\toffset:8;\tsize:8;\tsigned:0;\n"
    "\tfield:pid_t pid;\toffset:16;\tsize:4;\tsigned:1;\n"
    "\tfield:int prio;\toffset:20;\tsize:4;\tsigned:1;\n\n"
    'print fmt: "comm=%s pid=%d prio=%d", REC->comm, REC->pid, REC->prio\n'
)


def hit(n: int, pid: int) -> bytes:
    return struct.pack("<HBBiQQ2i", 300, 0, 0, pid, 0x1000, n, n % 5, -1)


def wake(n: int, pid: int) -> bytes:
    return struct.pack("<HBBi8sii", 301, 0, 0, pid, b"woken%d" % (n % 3), n, 120)


def write(path: Path, pages: int = 2, groups: tuple[str, str] = ("probes", "sched")) -> str:
    """Two CPUs, each event every other time; the n-th of all records is at n microseconds.

    Returns:
        The file's name. CPU 0 has the even records, all of thread 7; CPU 1 the odd ones, of thread 8.
    """
    made = contents(
        ftrace_formats=(), event_formats=((groups[0], HIT), (groups[1], WAKE)), cmdlines=b"7 seven\n8 eight\n"
    )
    cpus: dict[int, list[bytes]] = {0: [], 1: []}
    number = 0
    for _ in range(pages):
        writers = [PageWriter(ts=(number + cpu) * 1000) for cpu in (0, 1)]
        for _ in range(40):
            for cpu, writer in enumerate(writers):
                make = hit if number // 2 % 2 else wake
                writer.record(make(number, 7 + cpu), number * 1000 - writer.ts)
                number += 1
        for cpu, writer in enumerate(writers):
            cpus[cpu].append(writer.bytes())
    write_file(str(path), made, cpus)
    return str(path)
