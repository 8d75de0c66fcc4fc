"""Options that the commands share which read recordings."""

import typer

RECOVER = typer.Option("--recover", help="Read what is left of a truncated or unfinished file.")
SINCE = typer.Option("--from", metavar="TIME", help="From this time on, as in the text output.")
UNTIL = typer.Option("--to", metavar="TIME", help="Up to this time.")
CSV_RAW = typer.Option("--csv-raw", help="CSV without escapes: a spreadsheet may run formulas.")
FORMAT = typer.Option("--format", help="The kind of a text; found by itself by default.")
FORMATS = typer.Option(
    metavar="DIR", help="The events' formats for a text, such as /sys/kernel/tracing/events."
)
