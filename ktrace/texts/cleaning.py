"""Take off what a mail, a log, a terminal or a web page put around and into each line of a text.

    > LINE                   a quotation
    Nov 30 09:15:45 host kernel: [   12.345678] LINE        a log: journald, syslog, dmesg, kubectl, docker
    LI\tNE, LI&lt;NE         tabs, colours, and the blanks and escapes of web pages in it

What is around the lines is found in the first of them, and taken off all lines that have it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ktrace.texts.wrapping import joined, width_of

Recognise = Callable[[bytes], bool]
"""Returns whether a line is one that some parser understands."""

_PROGRAM = rb"[\w.@-]{1,64} [^\s:\[\]]{1,64}(?:\[\d{1,10}\])?: "
_CLOCK = rb"\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"
_DAY = rb"[A-Z][a-z]{2} [ \d]\d "
_AROUND = {
    "bytes of value 0": rb"\0{1,4096}",
    "a quotation": rb"(?:>[>]{0,16} ?){1,16}",
    "a bar": rb"\| ?",
    "a log level": rb"<\d{1,3}>",
    "the head of /dev/kmsg": rb"\d{1,4},\d{1,20},\d{1,20},[-c](?:,[^;\n]{0,64})?;",
    "a date": rb"\[?\d{4}-\d\d-\d\d[T ]" + _CLOCK + rb"(?:Z|[+-]\d\d:?\d\d)?\]? (?:std(?:out|err) [FP] )?",
    "the head of logcat": rb"(?:\d{4}-)?\d\d-\d\d "
    + _CLOCK
    + rb" {1,5}\d{1,7} {1,5}\d{1,7} [VDIWEF] [^:\n]{1,64}: ",
    "a time": rb"\[?" + _CLOCK + rb"\]? ",
    "a program's name": _PROGRAM,
    "a log's head": _DAY + _CLOCK + rb" " + _PROGRAM,
    "a day and a time": _DAY + _CLOCK + rb" ",
    "the kernel log's time": rb"\[ {0,12}\d{1,12}\.\d{6}\](?:\[ {0,6}[TC]\d{1,7}\])? ",
    "the kernel log's date": rb"\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] ",
    "a pod's name": rb"\[[\w./-]{1,200}\] ",
    # Columns of a function graph have such a bar, too.
    "a container's name": rb"[\w./-]{1,64} {0,32}\| (?![^|\n]{0,64}\|)",
    "a container's name before a graph": rb"[\w./-]{1,64} {0,32}\| ",
    "a file's name": rb" {0,64}[\w./-]{1,200}: {1,2}",
    "a line number": rb" {0,12}(?:[\w./-]{1,200}:)?\d{1,9}[:\t]",
    "a number": rb" {0,12}\d{1,9} {1,2}",
}
_PATTERNS = {name: re.compile(rb"^(?:" + pattern + rb")", re.MULTILINE) for name, pattern in _AROUND.items()}
_EXACT = re.compile(
    rb" [^\n]{15}-\d{1,10} {1,8}[\[(]|[^\n]{8}-\d{1,10} {1,12}\d{1,5}[.dDbX]"
    rb"|[^\n]{16} {1,8}-?\d{1,10} {1,8}\d{1,5} {1,4}\d{1,5} [0-9a-f]{8} [0-9a-f]{8} \["
)
_MUST_HELP = ("a container's name before a graph", "a bar", "a number")
_LAYERS = 6  # around one line: a quotation of a log of a log
_MOST = 0.8  # of the lines have it, if taking it off makes no more lines known
_SAMPLE = 400  # lines
_CRLF = 0.5  # of the lines end with it; the others may be from another file
_COUNTED = 3  # lines with successive numbers are numbered
_NUMBER = re.compile(rb" {0,12}(\d{1,9}) ")

_HTML = {b"lt": b"<", b"gt": b">", b"amp": b"&", b"quot": b'"', b"nbsp": b" ", b"#39": b"'", b"apos": b"'"}
_INSIDE: dict[str, tuple[re.Pattern[bytes], bytes | Callable[[re.Match[bytes]], bytes]]] = {
    "the escapes of HTML": (re.compile(rb"&(lt|gt|amp|quot|nbsp|#39|apos);"), lambda match: _HTML[match[1]]),
    "colours": (re.compile(rb"\x1b\[[0-9;]{0,16}[mK]"), b""),
    "the blanks of a web page": (re.compile(rb"\xc2\xa0"), b" "),
    "tabs": (re.compile(rb"\t"), b" "),
    "blanks at the end": (re.compile(rb"(?<![ \t])[ \t]++$", re.MULTILINE), b""),
}
"""Replaced anywhere in a line."""

_SURE = {
    "the escapes of HTML": (re.compile(rb"&lt;(?:idle|\.\.\.)&gt;-|==&gt; next_|^&gt; &"), 0.0, True),
    "tabs": (re.compile(rb"-\d{1,10} {0,8}\t|\]\t|\d: {0,8}\t"), 0.5, False),
    "blanks at the end": (re.compile(rb"[^ \t][ \t]+\Z"), 0.5, True),
}
"""Found only in a text whose lines were changed, even if they are understood without it, in more than this
share of them; whether lines in the kernel's columns count, too."""


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Takes off what is around and in each line.

    Attributes:
        crlf: whether lines end with a carriage return.
        around: names of what is before each line, the outermost first.
        inside: names of what is replaced in each line.
        width: the most bytes of a line, if longer ones were wrapped; 0 otherwise.
    """

    crlf: bool = False
    around: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    width: int = 0

    @property
    def is_needed(self) -> bool:
        """Return whether lines are changed at all."""
        return bool(self.crlf or self.around or self.inside or self.width)

    def __call__(self, lines: bytes) -> bytes:
        """Return whole lines without it."""
        if self.crlf:
            lines = lines.replace(b"\r\n", b"\n")
        for name in self.inside:
            lines = _replaced(name, lines)
        for name in self.around:
            lines = _PATTERNS[name].sub(b"", lines)
        return joined(lines, self.width) if self.width else lines

    def notes(self) -> list[str]:
        """Return what is changed, for the user."""
        notes = []
        found = [*self.around, *(["a carriage return"] if self.crlf else [])]
        if found:
            notes.append(f"taken off each line: {', then '.join(found)}")
        if self.inside:
            notes.append(f"replaced in each line: {', '.join(self.inside)}")
        if self.width:
            notes.append(f"lines that were wrapped at {self.width} characters are joined")
        return notes


def learn(sample: bytes, recognise: Recognise) -> Cleaner:
    """Return what is around the lines of a sample: what must be taken off to understand most of them."""
    ends = sample.count(b"\n")
    crlf = ends > 0 and sample.count(b"\r\n") >= _CRLF * ends
    text = sample.replace(b"\r\n", b"\n") if crlf else sample
    text = b"\n".join([line for line in text.split(b"\n") if line.strip()][:_SAMPLE])
    around: list[str] = []
    inside = [name for name in _INSIDE if _is_inside(name, text)]
    for name in inside:
        text = _replaced(name, text)
    for _ in range(_LAYERS):
        best = _best(text.split(b"\n"), recognise)
        if best is None:
            break
        around.append(best)
        text = _PATTERNS[best].sub(b"", text)
    lines = text.split(b"\n")
    if not inside:
        inside = _helpful(lines, recognise)
        for name in inside:
            lines = _replaced(name, b"\n".join(lines)).split(b"\n")
    if not any(map(recognise, lines)):
        return Cleaner(crlf)
    return Cleaner(crlf, tuple(around), tuple(inside), width_of(lines, recognise))


def _replaced(name: str, lines: bytes) -> bytes:
    pattern, by = _INSIDE[name]
    return pattern.sub(by, lines)


def _is_inside(name: str, text: bytes) -> bool:
    """Return whether a text was certainly changed like this."""
    if name not in _SURE or not _INSIDE[name][0].search(text):
        return False
    pattern, least, also_exact = _SURE[name]
    lines = [line for line in text.split(b"\n") if also_exact or not _EXACT.match(line)]
    return sum(pattern.search(line) is not None for line in lines) > least * len(lines)


def _helpful(lines: Sequence[bytes], recognise: Recognise) -> list[str]:
    """Return the names of what must be replaced in lines to understand more of them."""
    found: list[str] = []
    text = b"\n".join(lines)
    inside = {name: pattern for name, (pattern, _) in _INSIDE.items() if pattern.search(text)}
    known = sum(map(recognise, lines)) if inside else 0
    for name, pattern in inside.items():
        if any(map(pattern.search, lines)):
            changed = [_replaced(name, line) for line in lines]
            better = sum(map(recognise, changed))
            if better > known:
                lines, known = changed, better
                found.append(name)
    return found


def _best(lines: Sequence[bytes], recognise: Recognise) -> str | None:
    unknown = [line for line in lines if not recognise(line)]
    known = len(lines) - len(unknown)
    # In the kernel's columns, what looks like a prefix is the begin of a task's name.
    is_exact = sum(_EXACT.match(line) is not None for line in lines) >= _MOST * len(lines)
    if not is_exact and _are_counted(lines):
        return "a number"
    bare = [line for line in lines if line[:1] != b" "]  # most patterns do not begin with a blank
    choices = []
    for order, (name, pattern) in enumerate(_PATTERNS.items()):
        if is_exact and not any(map(pattern.match, unknown)):
            continue
        among = lines if _AROUND[name].startswith(b" ") else bare
        having = sum(1 for line in among if pattern.match(line))
        if not having:
            continue
        better = sum(recognise(pattern.sub(b"", line)) for line in lines)
        enough = having >= _MOST * len(lines) and name not in _MUST_HELP and not is_exact
        if better > known or (better == known and enough):
            choices.append((better, having, -order, name))
    return max(choices)[-1] if choices else None


def _are_counted(lines: Sequence[bytes]) -> bool:
    """Return whether lines begin with successive numbers."""
    numbers = [match and int(match[1]) for match in map(_NUMBER.match, lines)]
    first = numbers[0] if numbers else None
    return (
        first is not None and len(numbers) >= _COUNTED and numbers == list(range(first, first + len(numbers)))
    )


MARK_MAX = 4
"""The bytes that tell the encoding."""


def encoding_of(sample: bytes) -> str | None:
    """Return the name of the encoding of a text that is not one byte a character; None for all others."""
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if len(sample) >= MARK_MAX and sample[0] and sample[2] and not (sample[1] or sample[3]):
        return "utf-16-le"
    if len(sample) >= MARK_MAX and sample[1] and sample[3] and not (sample[0] or sample[2]):
        return "utf-16-be"
    return "utf-8-sig" if sample.startswith(b"\xef\xbb\xbf") else None
