"""Options that the commands share which make probes: how to probe, and which of several functions."""

from enum import StrEnum

import typer


class Kind(StrEnum):
    """The kind of probe for functions."""

    KPROBE = "kprobe"
    FPROBE = "fprobe"
    AUTO = "auto"


KIND = typer.Option(
    "--kind", help="fprobe is cheaper, at a function's entry or return; auto: where it can be."
)
RETURN = typer.Option("-r", "--return", help="Probe the return of PLACE.")
MAXACTIVE = typer.Option(help="Of return probes: calls inside at a time.")
REGS = typer.Option("--regs", help="Read the registers at PLACE.")
EVERY = typer.Option("--all", help="Of several functions of one name, all.")
NTH = typer.Option("--nth", min=1, metavar="N", help="Of several functions of one name, the Nth.")
MAX_PROBES = typer.Option("--max-probes", min=1, metavar="N", help="That a wildcard may stand for.")
FORCE = typer.Option(
    "--force", help="Arguments by name even where the compiler changed them (.isra); any vmlinux."
)
INLINED = typer.Option("--inlined", help="Also wherever the function was inlined; needs debug info.")
VMLINUX = typer.Option("--vmlinux", metavar="FILE", help="The kernel's debug info, for places in the source.")
START_ON = typer.Option("--start-on", metavar="EVENT[ if EXPR]", help="Begin to record at this event.")
STOP_ON = typer.Option("--stop-on", metavar="EXPR", help="Stop at the first hit for which this holds.")
SNAPSHOT_ON = typer.Option(
    "--snapshot-on", metavar="EXPR", help="Show only what led up to the first hit for which this holds."
)
