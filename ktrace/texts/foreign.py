"""Name texts and files that ktrace does not read, and what to do with them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class _Foreign:
    """A kind of text.

    Attributes:
        what: its name in a sentence.
        advice: what to do, in a sentence.
    """

    what: str
    advice: str
    pattern: re.Pattern[bytes]


def _of(what: str, advice: str, pattern: bytes) -> _Foreign:
    return _Foreign(what, advice, re.compile(pattern, re.MULTILINE))


_HEADER = rb"\A(?:#[^\n]{0,200}\n)*"
_TABLE = "it is a table, which has no events"
_EVENTS = "perf script | ktrace parse reads the samples themselves"

_TEXTS = (
    _of("a histogram of the kernel", _TABLE, rb"^# event histogram|^\{ .{1,200} \} hitcount:"),
    _of("the function profiler's", _TABLE, rb"^ {2}Function {8,64}Hit {2,16}Time"),
    _of("perf report's", _EVENTS, rb"^# Overhead |^# Samples: .{1,40} of event"),
    _of("perf stat's", _TABLE, rb"^ Performance counter stats for"),
    _of("perf trace's summary", "perf trace without -s prints the calls", rb"^ Summary of events:"),
    _of(
        "printed with the kernel's option raw, hex or bin",
        "write 0 to options/raw, options/hex and options/bin, and read the file again",
        _HEADER + rb"(?:\d{1,10} \d{1,5} \d{1,20} [^\n]{0,200}\n|(?:[0-9a-f]{8,16} ){2}[0-9a-f ]{0,200}\n)",
    ),
    _of(
        "printed without the kernel's option context-info",
        "write 1 to options/context-info, and read the file again",
        _HEADER + rb"[a-z]\w{1,64}: [\w(]",
    ),
    _of("LTTng's", "record with ktrace record or trace-cmd", rb"^\[[\d:.]{8,20}\] \(\+[\d?.]{1,20}\) "),
    _of("bpftrace's", "its maps and prints are not events", rb"^Attaching \d{1,6} probes?\.\.\."),
    _of(
        "strace's",
        "perf trace prints a text that ktrace parse reads",
        rb"^(?:\d{1,10} +)?[a-z_]\w{1,32}\(.{0,400}\) {1,64}= (?:-?\d|0x|\?)",
    ),
    _of(
        "folded stacks",
        "flamegraph.pl and speedscope.app open them",
        rb"\A[^\s;][^;\n]{0,200}(?:;[^;\n]{1,200}){1,200} \d{1,12}$",
    ),
    _of("the kernel's log", "no line of a trace is in it", rb"\A\[ {0,12}\d{1,12}\.\d{6}\] "),
)

_FILES = (
    (b"PERFILE2", "a perf.data file", "perf script -i FILE | ktrace parse"),
    (b"2ELIFREP", "a perf.data file", "perf script -i FILE | ktrace parse"),
    (b"\x17\x08\x44tracing", "a trace.dat file", "ktrace report FILE"),
    (b"\x7fELF", "an ELF file", "give the text of a trace"),
)


def advice_on(sample: bytes) -> str | None:
    """Return a remark on a text that is not of any kind that is read; None if it is not known either."""
    for one in _TEXTS:
        if one.pattern.search(sample):
            return f"the text looks like {one.what}: {one.advice}"
    return None


def file_of(begin: bytes) -> tuple[str, str] | None:
    """Return what a file of another program is, and a hint on what to do; None if it is not known.

    Args:
        begin: its first bytes.
    """
    for magic, what, hint in _FILES:
        if begin.startswith(magic):
            return what, hint
    if is_perfetto(begin):
        return (
            "a trace of Perfetto",
            "traceconv systrace FILE makes a text of it; https://ui.perfetto.dev opens it",
        )
    return None


def is_perfetto(begin: bytes) -> bool:
    """Return whether a file begins with two packets of Perfetto, each a field 1 with its length."""
    if not begin.startswith(b"\n") or b"\0" not in begin[:4096]:
        return False
    length = shift = 0
    for at in range(1, min(6, len(begin))):
        length |= (begin[at] & 127) << shift
        shift += 7
        if begin[at] < 128:
            return length > 0 and begin[at + 1 + length : at + 2 + length] in (b"\n", b"")
    return False
