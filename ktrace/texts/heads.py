"""Headers of lines that the kernel does not print in its usual columns.

    COMM-PID [TGID] [CPU] FLAGS TIME:           indentation lost, or other columns: trace-cmd, copied text
    COMM-PID CPU+FLAGS RELATIVEus:              option latency-format
    COMM PID CPU FLAGS PREEMPT INDEX [TIME] RELATIVEms (+NEXTms):      options latency-format and verbose

The kernel's names have 15 bytes; programs that convert traces also write longer ones. Each reads one line,
and repeats nothing without a bound: the time it takes grows with the length of the line.
"""

import re

from ktrace.tracefs.text_grammar import EVENT, EVENT_NAME, Dialect, Header

_PARTS = re.compile(
    rb"[ \t]{0,64}([^\n]{0,15}?|[\w.:/@+-]{16,48})-(\d{1,10})[ \t]{1,16}"
    rb"(?:\([ \t]{0,8}(\d{1,10}|-{1,8})\)[ \t]{1,8})?\[(\d{1,7})\]"
    rb"(?:[ \t]{0,32}|[ \t]{1,8}([^\s:\[\]()]{4,12})[ \t]{1,32})(\d{1,20})(?:\.(\d{3,9}))?:(?=[ \t\n]|\Z)"
    rb"(?:[ \t]{1,8}\(\+\d{1,20}\)[ \t]{1,12}|[ \t])?"
)
_LATENCY = re.compile(
    rb"[ \t]{0,64}([^\n]{0,15}?)-(\d{1,10})[ \t]{1,32}(\d{1,5})([.dDbX][.\w]{3,7})[ \t]{1,32}"
    rb"(?:(\d{1,20})us[$@*#!+ ]?[ \t]?:|(\d{1,12})\.(\d{6,9}):|(\d{1,20}):)(?=[ \t\n]|\Z)[ \t]?"
)
_VERBOSE = re.compile(
    rb"[ \t]{0,64}+((?:\S[^\n]{0,14}?(?=[ \t]))?)[ \t]{0,16}+(-?\d{1,10})[ \t]{1,8}(\d{1,5})[ \t]{1,8}"
    rb"\d{1,5}[ \t]{1,8}"
    rb"[0-9a-f]{8}[ \t]{1,8}[0-9a-f]{8,16}[ \t]{1,8}\[([0-9a-f]{8,16})\][ \t]{1,8}"
    rb"(?:\d{1,20}\.\d{3}(ms)[ \t]{1,8}\(\+\d{1,20}\.\d{3}ms\)|\d{1,20}[ \t]{1,8}\(\+\d{1,20}\)):"
    rb"(?=[ \t\n]|\Z)[ \t]?"
)
_PADDED_EVENT = re.compile(rb"(?:(?:\(\+\d{1,20}\))? {1,16})?" + EVENT_NAME + rb":(?: +|(?=\n|\Z))")
_ATRACE = rb"TRACE:\Z|capturing trace\.\.\."
_ATRACE_NOTE = re.compile(_ATRACE)
_HEADER_LINE = (
    rb"#\s*\Z|# tracer: \S+\s*\Z|# entries-in-buffer/|# {2,}[_|/\\-]|# +TASK[-/]PID|# {1,3}cmd +pid|# -{20,}"
    rb"|# [\w-]+ latency trace v|# latency: |# {2,}[|=] ?|# WARNING|# \*|# +(?:REL |ABS )?(?:TIME|CPU) "
)
_NOTE = re.compile(
    _ATRACE + rb"|\s*\Z|cpus=\d+\Z|version = \d+\Z|CPU \d+ is empty\Z|trace-cmd: |[ \t]{0,8}-{4,}\s*\Z"
    rb"|```\w{0,32}\s*\Z|[ \t]{1,64}CPU:\d+ \[[\w ]{0,64}\]\Z|(?:" + _HEADER_LINE + rb")"
)


def read_header(data: bytes, at: int, end: int) -> Header | None:
    """Parse a header of the kernel's parts in any columns; return None if there is none."""
    match = _PARTS.match(data, at, end)
    if match is None:
        return read_latency(data, at, end) or read_verbose(data, at, end)
    comm, pid, tgid, cpu, flags, whole, fraction = match.groups()
    group = None if tgid is None else 0 if tgid.startswith(b"-") else int(tgid)
    return _header(comm, pid, group, cpu, flags or b"", _time(whole, fraction), fraction is None, match.end())


def read_latency(data: bytes, at: int, end: int) -> Header | None:
    """Parse a header of the option latency-format, or of `trace-cmd report -l`; times may be relative."""
    match = _LATENCY.match(data, at, end)
    if match is None:
        return None
    comm, pid, cpu, flags, micros, whole, fraction, count = match.groups()
    ts = int(micros) * 1000 if micros else _time(whole, fraction) if whole else int(count)
    return _header(comm, pid, None, cpu, flags, ts, count is not None, match.end())


def read_verbose(data: bytes, at: int, end: int) -> Header | None:
    """Parse a header of the options latency-format and verbose; its time is in hexadecimal microseconds."""
    match = _VERBOSE.match(data, at, end)
    if match is None:
        return None
    comm, pid, cpu, stamp, is_time = match.groups()
    ts = int(stamp, 16) * (1000 if is_time else 1)
    return _header(comm, pid, None, cpu, b"", ts, is_time is None, match.end())


def _time(whole: bytes, fraction: bytes | None) -> int:
    return int(whole) if fraction is None else int(whole) * 10**9 + int(fraction.ljust(9, b"0"))


# many parameters: each is a column of the text
def _header(
    comm: bytes, pid: bytes, tgid: int | None, cpu: bytes, flags: bytes, ts: int, ticks: bool, body: int
) -> Header | None:
    thread = int(pid)
    if ts >= 2**63 or not -(2**31) <= thread < 2**31 or (tgid or 0) >= 2**31 or int(cpu) >= 2**31:
        return None
    return Header(comm.strip(b" \t"), thread, tgid, int(cpu), flags, ts, ticks, body)


PLAIN = Dialect(read_header, EVENT, _ATRACE_NOTE)
"""The kernel's text in the kernel's columns: an empty line belongs to the text of the record before it."""

COPIED = Dialect(read_header, EVENT, _NOTE)
"""The kernel's text after a program or person changed its columns."""

TRACE_CMD = Dialect(read_header, _PADDED_EVENT, _NOTE)
"""`trace-cmd report`, which pads the event's name."""
