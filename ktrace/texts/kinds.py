"""The kinds of text, and how each is known."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from ktrace.model.batch import Chunk
from ktrace.texts.graph import Graph, is_graph, is_indented
from ktrace.texts.heads import COPIED, PLAIN, TRACE_CMD, read_header, read_latency, read_verbose
from ktrace.texts.kind import Kind
from ktrace.texts.own_heads import ClassicBlk, MmioTrace, is_classic_blk, is_mmiotrace
from ktrace.texts.perf_script import PerfScript, has_frames, has_no_pid, is_perf_script
from ktrace.texts.perf_trace import PerfTrace, is_perf_trace
from ktrace.tracefs import text_grammar as grammar
from ktrace.tracefs.pipe_text import TextParser


class Decoder(Protocol):
    """A decoder of one kind; see `ktrace.stream.pipeline.Decoder`."""

    events: int
    unparsed: int
    lost: int
    lost_unknown: int

    def feed(self, data: bytes, /) -> Chunk:
        """Take the next bytes."""

    def idle(self) -> Chunk:
        """Return what only waited for more."""

    def finish(self) -> Chunk:
        """Return the rest."""


@dataclass(frozen=True, slots=True)
class Form:
    """The tests and the decoder of a kind.

    Attributes:
        title: its name in a sentence.
        is_line: whether a line begins a record of this kind.
        decoder: makes the decoder.
    """

    title: str
    is_line: Callable[[bytes], bool]
    decoder: Callable[[], Decoder]


def _columns(line: bytes) -> re.Match[bytes] | None:
    """Return the header of a line in the columns in which the kernel prints it by default."""
    return grammar.HEADER.match(line) if _COLOUR not in line else None


def _is_trace(line: bytes) -> bool:
    header = read_header(line, 0, len(line)) or grammar.read_header(line, 0, len(line))
    if header is None or _is_latency(line):
        return False
    name = grammar.EVENT.match(line, header.body) if _COLOUR in line else None
    return name is None or _COLOUR not in name[0]  # a colour is not of the kernel


def _is_latency(line: bytes) -> bool:
    return (read_latency(line, 0, len(line)) or read_verbose(line, 0, len(line))) is not None


def _is_trace_cmd(line: bytes) -> bool:
    """Return whether an event's name is padded: only trace-cmd does that."""
    header = read_header(line, 0, len(line))
    return header is not None and _is_padded(line, header.body)


def _is_padded(line: bytes, body: int) -> bool:
    name = TRACE_CMD.event.match(line, body)
    return name is not None and bool(name[1]) and len(name[0]) > len(name[1]) + len(": ")


FORMS = {
    Kind.TRACE_CMD: Form("trace-cmd report", _is_trace_cmd, lambda: TextParser(dialect=TRACE_CMD)),
    Kind.TRACE: Form("trace or trace_pipe", _is_trace, lambda: TextParser(dialect=COPIED)),
    Kind.LATENCY: Form("trace with latency-format", _is_latency, lambda: TextParser(dialect=COPIED)),
    Kind.GRAPH: Form("function graph", is_graph, Graph),
    Kind.PERF_SCRIPT: Form("perf script", is_perf_script, PerfScript),
    Kind.PERF_TRACE: Form("perf trace", is_perf_trace, PerfTrace),
    Kind.MMIOTRACE: Form("the tracer mmiotrace", is_mmiotrace, MmioTrace),
    Kind.BLK: Form("the tracer blk or blkparse", is_classic_blk, ClassicBlk),
}
_COLOUR = b"\x1b"
_SAMPLE = 400  # lines
_PADDED_LEAST = 0.5  # of the kernel's lines, for trace-cmd
_BEFORE = (b"#", b"CPU:", b"TRACE:", b"capturing trace", b" => ")


def decoder_of(kind: Kind, sample: bytes, *, is_copy: bool = False) -> Decoder:
    """Return a decoder for a text that begins like a sample of it.

    Args:
        kind: the kind of text.
        sample: its first lines.
        is_copy: whether its lines were changed.
    """
    if kind == Kind.GRAPH:
        return Graph(is_indented=is_indented(sample))
    if kind == Kind.PERF_SCRIPT:
        return PerfScript(
            has_pid=not has_no_pid([line for line in sample.split(b"\n")[:_SAMPLE] if line.strip()])
        )
    if kind == Kind.TRACE and not is_copy and _is_the_kernels(sample):
        return TextParser(dialect=PLAIN)
    return FORMS[kind].decoder()


def _is_the_kernels(sample: bytes) -> bool:
    """Return whether all lines that could be the kernel's are in its columns, and no other is before them."""
    lines = sample.split(b"\n")[:_SAMPLE]
    first = next((i for i, line in enumerate(lines) if _columns(line) or _is_trace(line)), len(lines))
    if any(line.strip() and not line.startswith(_BEFORE) for line in lines[:first]):
        return False
    return all(_columns(line) or not _is_trace(line) for line in lines[first:])


def recognise(line: bytes) -> bool:
    """Return whether a line begins a record of any kind."""
    return _columns(line) is not None or any(form.is_line(line) for form in FORMS.values())


def kind_of(sample: bytes) -> Kind | None:
    """Return the kind of most lines of a sample; None if no line is of any kind."""
    lines = [line for line in sample.split(b"\n")[:_SAMPLE] if line.strip()]
    # Most texts are in the kernel's columns, and such lines can only be of two kinds.
    heads = list(map(_columns, lines))
    others = [line for line, head in zip(lines, heads, strict=True) if head is None]
    counts = {kind: sum(map(form.is_line, others)) for kind, form in FORMS.items()}
    counts[Kind.TRACE] += len(lines) - len(others)
    counts[Kind.TRACE_CMD] += sum(head is not None and _is_padded(head.string, head.end()) for head in heads)
    if counts[Kind.TRACE_CMD] < _PADDED_LEAST * (counts[Kind.TRACE] + counts[Kind.LATENCY]):
        counts[Kind.TRACE_CMD] = 0  # a marker may begin with blanks
    elif counts[Kind.TRACE_CMD]:
        return Kind.TRACE_CMD
    best = max(counts, key=lambda kind: counts[kind])
    if counts[best]:
        return best
    # Without columns, calls look like C; samples without time, like anything.
    if any(line.startswith(b"# tracer: function_graph") for line in lines):
        return Kind.GRAPH
    return Kind.PERF_SCRIPT if has_frames(lines) or has_no_pid(lines) else None
