"""Options that the commands share which read recordings."""

from enum import StrEnum

import typer

RECOVER = typer.Option("--recover", help="Read what is left of a truncated or unfinished file.")
SINCE = typer.Option("--from", metavar="TIME", help="From this time on, as in the text output.")
UNTIL = typer.Option("--to", metavar="TIME", help="Up to this time.")
CSV_RAW = typer.Option("--csv-raw", help="CSV without escapes: a spreadsheet may run formulas.")
FORMAT = typer.Option("--format", help="The kind of a text; found by itself by default.")
FORMATS = typer.Option(
    metavar="DIR", help="The events' formats for a text, such as /sys/kernel/tracing/events."
)


class TextKind(StrEnum):
    """The kinds of text, as `ktrace.texts.kinds` has them; that module loads NumPy."""

    TRACE = "trace"
    LATENCY = "latency"
    GRAPH = "graph"
    TRACE_CMD = "trace-cmd"
    PERF_SCRIPT = "perf-script"
    PERF_TRACE = "perf-trace"
    MMIOTRACE = "mmiotrace"
    BLK = "blk"
