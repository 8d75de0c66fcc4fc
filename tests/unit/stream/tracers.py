"""A recording with a record of each event of ftrace's tracers, as `events/ftrace/*/format` declares them."""

import struct
from pathlib import Path

from ktrace.tracedat.writer import write_file
from tests.unit.ringbuffer.page_writer import PageWriter
from tests.unit.stream.recorded import COMMON
from tests.unit.tracedat.build import contents

READ, CALLER = 0xFFFFFFFF81001000, 0xFFFFFFFF81002000
KALLSYMS = b"ffffffff81001000 T vfs_read\nffffffff81002000 T ksys_read\nffffffff81003000 T vfs_write\n"

FIELDS = {  # by event: declaration and struct code of each field
    "function": (
        ("unsigned long ip", "Q"),
        ("unsigned long parent_ip", "Q"),
    ),
    "funcgraph_entry": (
        ("unsigned long func", "Q"),
        ("int depth", "i"),
    ),
    "funcgraph_exit": (
        ("unsigned long func", "Q"),
        ("int depth", "i"),
        ("unsigned int overrun", "I"),
        ("unsigned long long calltime", "Q"),
        ("unsigned long long rettime", "Q"),
    ),
    "hwlat": (
        ("u64 duration", "Q"),
        ("u64 outer_duration", "Q"),
        ("u64 nmi_total_ts", "Q"),
        ("long tv_sec", "q"),
        ("long tv_nsec", "q"),
        ("unsigned int nmi_count", "I"),
        ("unsigned int seqnum", "I"),
        ("unsigned int count", "I"),
    ),
    "osnoise": (
        ("u64 noise", "Q"),
        ("u64 runtime", "Q"),
        ("u64 max_sample", "Q"),
        ("unsigned int hw_count", "I"),
        ("unsigned int nmi_count", "I"),
        ("unsigned int irq_count", "I"),
        ("unsigned int softirq_count", "I"),
        ("unsigned int thread_count", "I"),
    ),
    "timerlat": (
        ("unsigned int seqnum", "I"),
        ("int context", "i"),
        ("u64 timer_latency", "Q"),
    ),
    "context_switch": (
        ("unsigned int prev_pid", "I"),
        ("unsigned int next_pid", "I"),
        ("unsigned int next_cpu", "I"),
        ("unsigned char prev_prio", "B"),
        ("unsigned char prev_state", "B"),
        ("unsigned char next_prio", "B"),
        ("unsigned char next_state", "B"),
    ),
    "wakeup": (
        ("unsigned int prev_pid", "I"),
        ("unsigned int next_pid", "I"),
        ("unsigned int next_cpu", "I"),
        ("unsigned char prev_prio", "B"),
        ("unsigned char prev_state", "B"),
        ("unsigned char next_prio", "B"),
        ("unsigned char next_state", "B"),
    ),
    "mmiotrace_map": (
        ("resource_size_t phys", "Q"),
        ("unsigned long virt", "Q"),
        ("unsigned long len", "Q"),
        ("int map_id", "i"),
        ("unsigned char opcode", "B"),
    ),
    "mmiotrace_rw": (
        ("resource_size_t phys", "Q"),
        ("unsigned long value", "Q"),
        ("unsigned long pc", "Q"),
        ("int map_id", "i"),
        ("unsigned char opcode", "B"),
        ("unsigned char width", "B"),
    ),
    "branch": (
        ("unsigned int line", "I"),
        ("char func[31]", "31s"),
        ("char file[21]", "21s"),
        ("char correct", "B"),
    ),
    "func_repeats": (
        ("unsigned long ip", "Q"),
        ("unsigned long parent_ip", "Q"),
        ("u16 count", "H"),
        ("u16 top_delta_ts", "H"),
        ("u32 bottom_delta_ts", "I"),
    ),
    "raw_data": (
        ("unsigned int id", "I"),
        ("char buf[]", "8s"),
    ),
    "user_stack": (
        ("unsigned int tgid", "I"),
        ("unsigned long caller[8]", "8Q"),
    ),
}
VALUES = {
    "function": (READ, CALLER),
    "funcgraph_entry": (READ, 1),
    "funcgraph_exit": (READ, 1, 0, 10_000, 133_456),
    "hwlat": (12, 13, 500, 100, 42, 2, 7, 3),
    "osnoise": (250, 1_000_000, 90, 1, 0, 2, 3, 4),
    "timerlat": (9, 1, 12_345),
    "context_switch": (0, 7, 1, 120, 0, 120, 0),
    "wakeup": (7, 9, 3, 120, 1, 19, 77),
    "mmiotrace_map": (0xF000, 0xFFFF8881, 0x1000, 3, 1),
    "mmiotrace_rw": (0xF000, 1, 2, 3, 1, 4),
    "branch": (12, b"do_it", b"a.c", 0),
    "func_repeats": (READ, CALLER, 5, 0, 1_000_000),
    "raw_data": (0x2A, b"raw!\1\2\3\4"),
    "user_stack": (7, 0x401000, 0x402000, 0, 0, 0, 0, 0, 0),
}
TEXTS = {
    "function": "vfs_read <-ksys_read",
    "funcgraph_entry": "funcgraph_entry:               |    vfs_read() {",
    "funcgraph_exit": "funcgraph_exit: ! 123.456 us  |    }",
    "hwlat": "#7     inner/outer(us):   12/13    ts:100.000000042 count:3 nmi-total:500 nmi-count:2",
    "osnoise": "1000000        250  99.97500      90      1      0      2      3      4",
    "timerlat": "#9     context thread timer_latency     12345 ns",
    "context_switch": "       0:120:R ==> [001]       7:120:R my prog",
    "wakeup": "       7:120:S   + [003]       9: 19:? <...>",
    "mmiotrace_map": "mmiotrace_map: f000 ffff8881 1000 3 1",
    "mmiotrace_rw": "mmiotrace_rw: phys=f000 value=1",
    "branch": "[  MISS  ] do_it:a.c:12",
    "func_repeats": "vfs_read <-ksys_read (repeats: 5, last_ts:     0.999000)",
    "raw_data": "# 2a buf: 72 61 77 21 01 02 03 04",
}
"""The text that `ktrace report` prints, as far as the tracers decide it."""

_PRINT_FMTS = {
    "mmiotrace_rw": '"phys=%lx value=%lx", (unsigned long)REC->phys, REC->value',
    "mmiotrace_map": '"%lx %lx %lx %d %x", REC->phys, REC->virt, REC->len, REC->map_id, REC->opcode',
}


def form(name: str, ident: int) -> str:
    """The event's `format` file."""
    offset, lines = 8, []
    for declared, code in FIELDS[name]:
        size = 0 if declared.endswith("[]") else struct.calcsize(f"<{code}")
        signed = int(code in "iq")
        lines.append(f"\tfield:{declared};\toffset:{offset};\tsize:{size};\tsigned:{signed};\n")
        offset += size
    print_fmt = _PRINT_FMTS.get(name, '"x"')
    return f"name: {name}\nID: {ident}\nformat:\n{COMMON}{''.join(lines)}\nprint fmt: {print_fmt}\n"


def record(name: str, ident: int) -> bytes:
    """Its record, by thread 7."""
    return struct.pack("<HBBi" + "".join(code for _, code in FIELDS[name]), ident, 0, 0, 7, *VALUES[name])


def write(path: Path, *recorded: str) -> str:
    """A file with the formats of all tracers and one record of each of these events, from one second on."""
    idents = {name: number for number, name in enumerate(FIELDS, 10)}
    made = contents(
        ftrace_formats=tuple(form(name, ident) for name, ident in idents.items()),
        event_formats=(),
        kallsyms=KALLSYMS,
    )
    page = PageWriter(ts=1_000_000_000)
    for number, name in enumerate(recorded):
        page.record(record(name, idents[name]), 1000 if number else 0)
    write_file(str(path), made, {0: [page.bytes()]})
    return str(path)
