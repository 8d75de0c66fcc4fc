"""The kinds of text, apart from their parsers, which load NumPy."""

from enum import StrEnum


class Kind(StrEnum):
    """A kind of text, by the name that `--format` takes."""

    TRACE = "trace"
    LATENCY = "latency"
    GRAPH = "graph"
    TRACE_CMD = "trace-cmd"
    PERF_SCRIPT = "perf-script"
    PERF_TRACE = "perf-trace"
    MMIOTRACE = "mmiotrace"
    BLK = "blk"
