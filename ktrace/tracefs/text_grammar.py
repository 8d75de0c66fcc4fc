"""The grammar of one line of `trace` and `trace_pipe`, see Documentation/trace/ftrace.rst.

    COMM-PID      [TGID] [CPU] FLAGS TIME: EVENT: BODY

COMM is always 16 bytes wide and may contain anything: dashes, brackets, colons, newlines.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple

HEADER_MAX = 128
"""No header is longer, in bytes."""

HEADER = re.compile(
    rb"( [\x00-\xff]{15})-(-?\d{1,10}) {1,8}(?:\( {0,6}(\d{1,10}|-{7})\) )?\[(\d{3,7})\] "
    rb"([!-\x7f]{4,12})? {1,24}(\d{1,20})(?:\.(\d{6}))?: "
)
"""COMM, PID, TGID, CPU, FLAGS, SECONDS or COUNT, MICROSECONDS. COMM is 15 bytes long at most and
aligned to the right, which makes the first byte a blank."""

LOST = re.compile(rb"CPU:(\d{1,7}) \[LOST (?:(\d{1,20}) )?EVENTS\]\Z")
ANNOTATION = re.compile(rb"##### CPU \d+ buffer started ####\Z")
ACCOUNT = re.compile(rb"# entries-in-buffer/entries-written: (\d+)/(\d+) +#P:(\d+)")
TOO_BIG = b"[LINE TOO BIG]"
STACKS = {b"<stack trace>": False, b"<user stack trace>": True}
FRAME = b" => "

EVENT = re.compile(rb"([^\s:()#<][^\s:()]*):(?: |(?=\n|\Z))")
"""`NAME: ` of an event, or `function: ` of trace_printk and of a marker."""

RAW_DATA = re.compile(rb"# [0-9a-f]+ buf:(?: [0-9a-f]{2})* *\Z")
FUNCTION = re.compile(rb"[^\s:]+(?: \[[^\]\n]+\])? <-[^\s:]+(?: \[[^\]\n]+\])?\Z")

PLACE = re.compile(rb"\(([^()\n]+)\)")

_SITE = rb"(?:[^\s()<>,]+\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[[^\]\n]*\])?|0x[0-9a-f]+)(?: <[0-9a-f]+>)?"
_FUNC = rb"[^\s()<>,]+(?: \[[^\]\n]*\])?(?: <[0-9a-f]+>)?"
STRICT_PLACE = re.compile(rb"\((" + _SITE + rb"(?: <- " + _FUNC + rb")?|[\w-]+\.[\w-]+)\)(?= |\n|\Z)")
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


def decode(text: bytes) -> str:
    """Decode the kernel's bytes; those that are not UTF-8 become lone surrogates."""
    return text.decode("utf-8", "surrogateescape")
