"""The grammar of one line of `trace` and `trace_pipe`, see Documentation/trace/ftrace.rst.

    COMM-PID      [TGID] [CPU] FLAGS TIME: EVENT: BODY

COMM takes the first 16 bytes whatever is in it: dashes, brackets, colons, newlines.
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
    """What precedes the event on a line. A tuple, since there may be one for each of many lines.

    Attributes:
        ts: nanoseconds, or a plain count with `ticks`.
        tgid: None where there is no such column, 0 where the kernel did not know.
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
    """The header of `trace` on what it holds, in records.

    Attributes:
        in_buffer: still there when the file was read.
        written: ever written to the buffer; what is missing was overwritten or read before.
        cpus: processors of the machine.
    """

    in_buffer: int
    written: int
    cpus: int


def read_header(data: bytes, at: int, end: int) -> Header | None:
    """The header that begins at offset `at` and ends before `end`, or None."""
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
    """Bytes of the kernel as str; what is not UTF-8 becomes lone surrogates."""
    return text.decode("utf-8", "surrogateescape")
