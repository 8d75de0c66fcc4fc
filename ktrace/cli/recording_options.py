"""Options that the commands share which read recordings."""

import typer

RECOVER = typer.Option("--recover", help="Read what is left of a truncated or unfinished file.")
CSV_RAW = typer.Option("--csv-raw", help="CSV without escapes: a spreadsheet may run formulas.")
