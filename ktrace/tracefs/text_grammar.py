"""The grammar of one line of `trace` and `trace_pipe`, see Documentation/trace/ftrace.rst.

    COMM-PID      [TGID] [CPU] FLAGS TIME: EVENT: BODY

COMM is always 16 bytes wide and may contain anything: dashes, brackets, colons, newlines.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ktrace.tracefs.text_tracers import tracer_of

HEADER_MAX = 128
"""No header is longer, in bytes."""

HEADER = re.compile(
    rb"( [\x00-\xff]{15})-(-?\d{1,10}) {1,8}(?:\( {0,6}(\d{1,10}|-{7}|-{5})\) )?\[(\d{3,7})\]"
    rb"(?: {1,25}| ([!-\x7f]{4,12}) {1,24})(\d{1,20})(?:\.(\d{6}))?: "
)
"""COMM, PID, TGID, CPU, FLAGS, SECONDS or COUNT, MICROSECONDS. COMM is 15 bytes long at most and
aligned to the right, which makes the first byte a blank. PID is 7 wide, 5 before Linux 4.13 or so and in
trace-cmd; TGID is 5 wide up to Linux 5.8. Without FLAGS, TIME may have a single blank before it."""

LOST = re.compile(rb"[ \t]{0,64}CPU:(\d{1,7}) \[(?:LOST )?(?:(\d{1,20}) )?EVENTS(?: DROPPED)?\]\Z")
ANNOTATION = re.compile(rb"(?:##### )?CPU \d+ buffer started(?: ####)?\Z")
ACCOUNT = re.compile(rb"# entries-in-buffer/entries-written: (\d+)/(\d+) +#P:(\d+)")
TOO_BIG = b"[LINE TOO BIG]"
STACKS = {b"<stack trace>": False, b"<user stack trace>": True}
NAMED_STACKS = {"kernel_stack": False, "user_stack": True}
"""Stacks as trace-cmd prints them: `kernel_stack: <stack trace >`, frames as `=> vfs_read (ffffffff81e0)`."""
FRAME = re.compile(rb"[ \t]{0,64}=> *(.*?)(?: \(([0-9a-f]{1,16})\)| <([0-9a-f]{1,16})>)?\Z")

EVENT_NAME = rb"((?:(?:[\w-]{1,64}:)?[^\s:()#<][^\s:()]*(?: \[[\w-]{1,64}\])?)?)"
EVENT = re.compile(EVENT_NAME + rb":(?: |(?=\n|\Z))")
"""`NAME: ` of an event, or `function: ` of trace_printk and of a marker; `function [module]: ` in a module.
NAME may be empty, and programs may print `GROUP:NAME: `."""

RAW_DATA = re.compile(rb"# [0-9a-f]+ buf:(?: [0-9a-f]{2})* *\Z")
SYSTEM_CALL = re.compile(rb"sys_(\w+)(?:\(.*\)| (->) 0x[0-9a-f]+)\Z", re.DOTALL)
"""The enter or, with an arrow, the exit of a system call. The kernel prints no other name."""

NO_FUNCTION = re.compile(rb"(?:0|0x0*[01])?\Z")
"""The function of text that a BPF program printed before Linux 5.9: none, or its address, 0 or 1."""

PLACE = re.compile(rb"\(([^()\n]+)\)")

_SITE = rb"(?:[^\s()<>,]+\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[[^\]\n]*\])?|0x[0-9a-f]+)(?: <[0-9a-f]+>)?"
_FUNC = rb"[^\s()<>,]+(?: \[[^\]\n]*\])?(?: <[0-9a-f]+>)?"
_BARE = rb"[0-9a-f]{6,16}(?: <- [0-9a-f]{6,16})?"  # how trace-cmd and perf print an address
STRICT_PLACE = re.compile(
    rb"\((?:(" + _SITE + rb"(?: <- " + _FUNC + rb")?|[\w-]+\.[\w-]+|" + _BARE + rb"(?=\)(?: \w+=|\n|\Z))))\)"
    rb"(?= |\n|\Z)"
)
"""A place that nothing but a probe event prints."""

ARROW = b" <- "
MARKER = "tracing_mark_write"


class Header(NamedTuple):
    """The part of a line before the event. A tuple for speed: many lines may need one each.

    Attributes:
        ts: nanoseconds, or a plain count with `ticks`.
        tgid: None if there is no such column, 0 if the kernel did not know it.
        body: offset of the first byte after `TIME: `.
    """

    comm: bytes
    pid: int
    tgid: int | None
    cpu: int
    flags: bytes
    ts: int
    ticks: bool
    body: int


@dataclass(frozen=True, slots=True)
class Dialect:
    """The ways in which a text differs from what the kernel prints.

    Attributes:
        header: reads headers that `HEADER` does not match; takes the same arguments as `read_header`, and
            looks no further than the end of the line.
        event: reads the event's name, as `EVENT` does.
        note: matches lines that are neither records nor unknown.
    """

    header: Callable[[bytes, int, int], Header | None] | None = None
    event: re.Pattern[bytes] = EVENT
    note: re.Pattern[bytes] | None = None


KERNEL = Dialect()
"""The kernel's own text."""


@dataclass(frozen=True, slots=True)
class BufferAccount:
    """The record counts in the header of `trace`.

    Attributes:
        in_buffer: records in the buffer when the file was read.
        written: records ever written to the buffer; those missing were overwritten or read before.
        cpus: number of CPUs of the machine.
    """

    in_buffer: int
    written: int
    cpus: int


def read_header(data: bytes, at: int, end: int) -> Header | None:
    """Parse the header that begins at offset `at` and ends before `end`; None if there is none."""
    match = HEADER.match(data, at, end)
    if match is None:
        return None
    comm, pid, tgid, cpu, flags, whole, micros = match.groups()
    ts = int(whole) if micros is None else int(whole) * 1_000_000_000 + int(micros) * 1000
    thread = int(pid)
    process = None if tgid is None else 0 if tgid.startswith(b"-") else int(tgid)
    if ts >= 2**63 or not -(2**31) <= thread < 2**31 or (process or 0) >= 2**31:
        return None
    return Header(comm.lstrip(b" "), thread, process, int(cpu), flags or b"", ts, micros is None, match.end())


def event_name(spelled: bytes) -> str:
    """Return the name of an event whose line has `SPELLED: ` before its body."""
    if NO_FUNCTION.match(spelled):
        return ""
    name = decode(spelled).rpartition(":")[2]
    return MARKER if name.startswith(MARKER + "+0x") else name


def group_of(spelled: bytes) -> dict[str, str]:
    """Return the group by the event of a line that has `SPELLED: ` before its body, if it has one."""
    group = spelled.rpartition(b":")[0]
    return {event_name(spelled): decode(group)} if group else {}


def nameless_event(body: bytes) -> str | None:
    """Return the event of a body that does not begin with its name; None if it is not known."""
    call = SYSTEM_CALL.match(body)
    if call:
        return f"sys_{'exit' if call[2] else 'enter'}_{decode(call[1])}"
    if RAW_DATA.match(body):
        return "raw_data"
    return tracer_of(body)


def decode(text: bytes) -> str:
    """Decode the kernel's bytes; those that are not UTF-8 become lone surrogates."""
    return text.decode("utf-8", "surrogateescape")
