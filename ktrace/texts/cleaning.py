"""Take off what a mail, a log or another system put around each line of a text.

    CRLF, UTF-16             a file that went through Windows
    > LINE                   a quotation
    Nov 30 09:15:45 host kernel: [   12.345678] LINE        a log: journald, syslog, dmesg, kubectl, docker
    <html>...LINE...         Android's and Chrome's systrace; Chrome's JSON with such a text in it

What is around the lines is found in the first of them, and taken off all lines that have it.
"""

import html
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ktrace.errors import UsageError

Recognise = Callable[[bytes], bool]
"""Returns whether a line is one that some parser understands."""

_PROGRAM = rb"[\w.@-]{1,64} [^\s:\[\]]{1,64}(?:\[\d{1,10}\])?: "
_AROUND = {
    "a colour": rb"\x1b\[[0-9;]{0,16}m",
    "a quotation": rb"(?:>[>]{0,16} ?){1,16}",
    "a log level": rb"<\d{1,3}>",
    "a date": rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)? "
    rb"(?:std(?:out|err) [FP] )?",
    "a program's name": _PROGRAM,
    "a log's head": rb"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})? " + _PROGRAM,
    "the kernel log's time": rb"\[ {0,12}\d{1,12}\.\d{6}\](?:\[ {0,6}[TC]\d{1,7}\])? ",
    "the kernel log's date": rb"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] ",
    "a pod's name": rb"\[[\w./-]{1,200}\] ",
    # Columns of a function graph have such a bar, too.
    "a container's name": rb"[\w./-]{1,64} {0,32}\| (?![^|\n]{0,64}\|)",
    "a container's name before a graph": rb"[\w./-]{1,64} {0,32}\| ",
    "a file's name": rb"[\w./-]{1,200}: {1,2}",
    "a line number": rb"(?:[\w./-]{1,200}:)?\d{1,9}[:\t]",
}
_PATTERNS = {name: re.compile(rb"^(?:" + pattern + rb")", re.MULTILINE) for name, pattern in _AROUND.items()}
_MUST_HELP = ("a container's name before a graph",)
_LAYERS = 6  # around one line: a quotation of a log of a log
_MOST = 0.8  # of the lines have it, if taking it off makes no more lines known
_SAMPLE = 400  # lines


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Takes off what is around each line.

    Attributes:
        crlf: whether lines end with a carriage return.
        around: names of what is before each line, the outermost first.
    """

    crlf: bool = False
    around: tuple[str, ...] = ()

    def __call__(self, lines: bytes) -> bytes:
        """Return whole lines without it."""
        if self.crlf:
            lines = lines.replace(b"\r\n", b"\n")
        for name in self.around:
            lines = _PATTERNS[name].sub(b"", lines)
        return lines

    def note(self) -> str | None:
        """Return what is taken off, for the user; None if nothing is."""
        found = [*self.around, *(["a carriage return"] if self.crlf else [])]
        return f"taken off each line: {', then '.join(found)}" if found else None


def learn(sample: bytes, recognise: Recognise) -> Cleaner:
    """Return what is around the lines of a sample: what must be taken off to understand most of them."""
    ends = sample.count(b"\n")
    crlf = ends > 0 and sample.count(b"\r\n") >= 0.9 * ends
    text = sample.replace(b"\r\n", b"\n") if crlf else sample
    around: list[str] = []
    for _ in range(_LAYERS):
        lines = [line for line in text.split(b"\n") if line.strip()][:_SAMPLE]
        best = _best(lines, recognise)
        if best is None:
            break
        around.append(best)
        text = _PATTERNS[best].sub(b"", text)
    if around and not any(map(recognise, text.split(b"\n"))):
        around = []
    return Cleaner(crlf, tuple(around))


def _best(lines: Sequence[bytes], recognise: Recognise) -> str | None:
    known = sum(map(recognise, lines))
    bare = [line for line in lines if line[:1] != b" "]  # no pattern begins with a blank
    choices = []
    for order, (name, pattern) in enumerate(_PATTERNS.items()):
        having = sum(1 for line in bare if pattern.match(line))
        if not having:
            continue
        better = sum(recognise(pattern.sub(b"", line)) for line in lines)
        enough = having >= _MOST * len(lines) and name not in _MUST_HELP
        if better > known or (better == known and enough):
            choices.append((better, having, -order, name))
    return max(choices)[-1] if choices else None


MARK_MAX = 3
"""The bytes of the longest mark of an encoding."""


def encoding_of(sample: bytes) -> str | None:
    """Return the name of the encoding of a text that is not one byte a character; None for all others."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig" if sample.startswith(b"\xef\xbb\xbf") else None


_WRAPPED = re.compile(rb"\s{0,64}(?:<!doctype html|<html|\{\s{0,64}\"|\[\s{0,64}\{\s{0,64}\")", re.IGNORECASE)
_SCRIPT = re.compile(
    rb"<script\b[^>]{0,200}\btrace-data\b[^>]{0,200}>|<pre\b[^>]{0,200}>|var linuxPerfData = \"",
    re.IGNORECASE,
)
_ENDS = {b"<s": b"</script>", b"<p": b"</pre>", b"va": b'";'}


def is_wrapped(sample: bytes) -> bool:
    """Return whether the text is a document with lines in it, which must be read as a whole."""
    return _WRAPPED.match(sample) is not None


def unwrapped(document: bytes) -> bytes:
    """Return the lines in an HTML or JSON document of Android's or Chrome's systrace.

    Raises:
        UsageError: there are none.
    """
    text = _of_json(document) if document.lstrip()[:1] in (b"{", b"[") else _of_html(document)
    if not text.strip():
        raise UsageError(
            "no lines of the kernel in this document",
            hint="only systemTraceEvents are read of Chrome's JSON; https://ui.perfetto.dev opens the rest",
        )
    return text if text.endswith(b"\n") else text + b"\n"


def _of_html(document: bytes) -> bytes:
    parts, at = [], 0
    while match := _SCRIPT.search(document, at):
        kind = match[0][:2].lower()
        end = document.find(_ENDS[kind], match.end())
        end = len(document) if end < 0 else end
        part = document[match.end() : end]
        if kind == b"<p":
            part = html.unescape(part.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        elif kind == b"va":  # lines of a JavaScript string, each ending in `\n\`
            part = (
                part.replace(b"\\n\\\n", b"\n").replace(b'\\"', b'"').replace(b"\\\\", b"\\").lstrip(b"\\\n")
            )
        parts.append(part.strip(b"\n"))
        at = end
    # The list of processes, which systrace writes next to the trace, has no events.
    traces = [part for part in parts if re.search(rb"^# tracer|\[\d{3}\]", part, re.MULTILINE)]
    return b"\n".join(traces)


def _of_json(document: bytes) -> bytes:
    try:
        found = json.loads(document.decode("utf-8", "surrogateescape"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"neither a text nor JSON: {error}") from None
    text = found.get("systemTraceEvents", "") if isinstance(found, dict) else ""
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else b""
