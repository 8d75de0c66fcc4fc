"""Declare the options shared by commands that make probes: how to probe, and which functions."""

from enum import StrEnum

import typer

from ktrace.cli.quantities import count


class Kind(StrEnum):
    """The kind of probe for functions."""

    KPROBE = "kprobe"
    FPROBE = "fprobe"
    AUTO = "auto"


KIND = typer.Option("--kind", help="fprobe costs less, but only at entry or return; auto: if possible.")
RETURN = typer.Option("-r", "--return", help="Probe the return of PLACE.")
MAXACTIVE = typer.Option(
    "--maxactive",
    parser=count(0),
    metavar="N",
    help="For return probes: calls followed at a time; 0 for the kernel's default.",
)
REGS = typer.Option("--regs", help="Read the registers at PLACE.")
EVERY = typer.Option("--all", help="Probe all functions of that name.")
NTH = typer.Option("--nth", parser=count(), metavar="N", help="Probe the Nth function of that name.")
MAX_PROBES = typer.Option(
    "--max-probes", parser=count(), metavar="N", help="Refuse a wildcard that matches more."
)
FORCE = typer.Option(
    "--force", help="Accept names of arguments that the compiler changed (.isra), and any vmlinux."
)
INLINED = typer.Option("--inlined", help="Also probe inlined copies; needs debug info.")
VMLINUX = typer.Option("--vmlinux", metavar="FILE", help="The kernel's debug info, for places in the source.")
DEBUG_INFO = typer.Option("--vmlinux", metavar="FILE", help="The kernel's debug info.")
ANY_BUILD = typer.Option("--force", help="Use FILE even if it is of another build.")
STACK = typer.Option("--stack", help="Record the kernel stack at each hit.")
START_ON = typer.Option("--start-on", metavar="EVENT[ if EXPR]", help="Start recording at this event.")
STOP_ON = typer.Option("--stop-on", metavar="EXPR", help="Stop at the first hit that passes this filter.")
SNAPSHOT_ON = typer.Option(
    "--snapshot-on", metavar="EXPR", help="Show only the events before the first hit that passes this filter."
)
