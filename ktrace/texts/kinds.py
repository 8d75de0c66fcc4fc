"""The kinds of text, and how each is known."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ktrace.model.batch import Chunk
from ktrace.texts.graph import Graph, is_graph
from ktrace.texts.heads import COPIED, PLAIN, TRACE_CMD, read_header, read_latency, read_verbose
from ktrace.texts.perf_script import PerfScript, is_perf_script
from ktrace.texts.perf_trace import PerfTrace, is_perf_trace
from ktrace.tracefs import text_grammar as grammar
from ktrace.tracefs.pipe_text import TextParser


class Kind(StrEnum):
    """A kind of text, by the name that `--format` takes."""

    TRACE = "trace"
    LATENCY = "latency"
    GRAPH = "graph"
    TRACE_CMD = "trace-cmd"
    PERF_SCRIPT = "perf-script"
    PERF_TRACE = "perf-trace"


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


def _in_columns(line: bytes) -> bool:
    """Return whether a line has a header in the columns in which the kernel prints it by default."""
    return grammar.HEADER.match(line) is not None


def _is_trace(line: bytes) -> bool:
    header = read_header(line, 0, len(line)) or grammar.read_header(line, 0, len(line))
    return header is not None and not _is_latency(line)


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
}
_SAMPLE = 400  # lines
_PADDED_LEAST = 0.5  # of the kernel's lines, for trace-cmd


def decoder_of(kind: Kind, sample: bytes) -> Decoder:
    """Return a decoder for a text that begins like a sample of it."""
    if kind == Kind.TRACE and _has_columns(sample):
        return TextParser(dialect=PLAIN)
    return FORMS[kind].decoder()


def _has_columns(sample: bytes) -> bool:
    """Return whether all lines that could be the kernel's are in its columns."""
    return all(_in_columns(line) or not _is_trace(line) for line in sample.split(b"\n")[:_SAMPLE])


def recognise(line: bytes) -> bool:
    """Return whether a line begins a record of any kind."""
    return _in_columns(line) or any(form.is_line(line) for form in FORMS.values())


def kind_of(sample: bytes) -> Kind | None:
    """Return the kind of most lines of a sample; None if no line is of any kind."""
    lines = [line for line in sample.split(b"\n")[:_SAMPLE] if line.strip()]
    # Most texts are in the kernel's columns, and such lines can only be of two kinds.
    heads = [grammar.HEADER.match(line) for line in lines]
    others = [line for line, head in zip(lines, heads, strict=True) if head is None]
    counts = {kind: sum(map(form.is_line, others)) for kind, form in FORMS.items()}
    counts[Kind.TRACE] += len(lines) - len(others)
    counts[Kind.TRACE_CMD] += sum(head is not None and _is_padded(head.string, head.end()) for head in heads)
    if counts[Kind.TRACE_CMD] < _PADDED_LEAST * (counts[Kind.TRACE] + counts[Kind.LATENCY]):
        counts[Kind.TRACE_CMD] = 0  # a marker may begin with blanks
    elif counts[Kind.TRACE_CMD]:
        return Kind.TRACE_CMD
    best = max(counts, key=lambda kind: counts[kind])
    return best if counts[best] else None
