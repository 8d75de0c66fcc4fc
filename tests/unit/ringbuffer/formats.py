"""Formats of events, spelled as the kernel spells them, and records to match."""

import struct
from dataclasses import dataclass

from ktrace.model.format import Format, parse_format

_COMMON = (
    ("unsigned short common_type", 0, 2, 0),
    ("unsigned char common_flags", 2, 1, 0),
    ("unsigned char common_preempt_count", 3, 1, 0),
    ("int common_pid", 4, 4, 1),
)


@dataclass(frozen=True)
class FieldLine:
    """One field: its declaration, where it is, and whether it is signed."""

    declaration: str
    offset: int
    size: int
    signed: int = 0


def make_format(
    name: str, ident: int, *fields: FieldLine, system: str = "test", print_fmt: str = '""'
) -> Format:
    lines = [f"name: {name}", f"ID: {ident}", "format:"]
    for declaration, offset, size, signed in _COMMON:
        lines.append(f"\tfield:{declaration};\toffset:{offset};\tsize:{size};\tsigned:{signed};")
    lines.append("")
    for f in fields:
        lines.append(f"\tfield:{f.declaration};\toffset:{f.offset};\tsize:{f.size};\tsigned:{f.signed};")
    return parse_format("\n".join([*lines, "", f"print fmt: {print_fmt}", ""]), system)


PROBE = make_format(
    "kp",
    1500,
    FieldLine("unsigned long __probe_ip", 8, 8),
    FieldLine("u64 fd", 16, 8),
    FieldLine("u32 cnt", 24, 4),
    FieldLine("__data_loc char[] path", 28, 4, 1),
    FieldLine("u64 where", 32, 8),
    FieldLine("char c", 40, 1),
    FieldLine("u8 v[]", 41, 3),
    system="kprobes",
    print_fmt='"(%lx) fd=0x%Lx cnt=%u path=\\"%s\\" where=%pS c=\'%c\' v={%u,%u,%u}", REC->__probe_ip',
)

RETURN = make_format(
    "rp",
    1501,
    FieldLine("unsigned long __probe_func", 8, 8),
    FieldLine("unsigned long __probe_ret_ip", 16, 8),
    FieldLine("s64 ret", 24, 8, 1),
    system="kprobes",
    print_fmt='"(%lx <- %lx) ret=%Ld", REC->__probe_func, REC->__probe_ret_ip, REC->ret',
)

SWITCH = make_format(
    "sched_switch",
    300,
    FieldLine("char prev_comm[16]", 8, 16),
    FieldLine("pid_t prev_pid", 24, 4, 1),
    FieldLine("int prev_prio", 28, 4, 1),
    FieldLine("long prev_state", 32, 8, 1),
    system="sched",
)

STACK = make_format(
    "kernel_stack",
    4,
    FieldLine("int size", 8, 4, 1),
    FieldLine("unsigned long caller[]", 16, 64),
    system="ftrace",
)

USER_STACK = make_format(
    "user_stack",
    12,
    FieldLine("unsigned int tgid", 8, 4),
    FieldLine("unsigned long caller[8]", 16, 64),
    system="ftrace",
)

MARKER = make_format(
    "print",
    5,
    FieldLine("unsigned long ip", 8, 8),
    FieldLine("char buf[]", 16, 0),
    system="ftrace",
)


def probe_body(fd: int = 1, cnt: int = 2, path: bytes | None = b"/x\0", where: int = 0, c: int = 65) -> bytes:
    """Return the fields of PROBE after the common ones. `path` None: the kernel could not read it."""
    loc = 0 if path is None else len(path) << 16 | 44
    return struct.pack("<QQIIQB3B", 0xFFFFFFFF81000004, fd, cnt, loc, where, c, 7, 8, 9) + (path or b"")
