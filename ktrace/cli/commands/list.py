"""`ktrace list`."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from ktrace.cli.combining import excludes
from ktrace.cli.traced import traced


class Look(StrEnum):
    """The format of the list."""

    TABLE = "table"
    DEBUGFS = "debugfs"
    JSON = "json"


def list_(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only these events: NAME or GROUP/NAME, with wildcards."),
    ] = None,
    look: Annotated[
        Look, typer.Option("--format", help="The format: debugfs is kprobes/list, byte for byte.")
    ] = Look.TABLE,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
) -> int:
    """Show every kprobe of the system, and every dynamic event with its hits and misses.

    First come the lines of debugfs kprobes/list: address, k (kprobe) or r (kretprobe), symbol and
    offset, module, and [GONE] [DISABLED] [OPTIMIZED] [FTRACE]. Then come the dynamic events, including
    those of others. A kprobe that a module registered has no event.

    \b
    Examples:
      ktrace list
      ktrace list 'do_*'
      ktrace list --json | jq -r 'select(.type=="probe" and .enabled).event'
      ktrace list --format debugfs
    """
    from dataclasses import replace

    from ktrace.errors import Unavailable
    from ktrace.tracefs.mount import find_debug, find_tracing

    # Fail before loading what this machine cannot use.
    tracing, debug = find_tracing(traced()), find_debug(traced())

    from ktrace.cli.report import report
    from ktrace.output.terminal.colour import painted
    from ktrace.output.terminal.table import terminal_width
    from ktrace.output.views.list import COLOURS, listing_json, listing_text
    from ktrace.probes.listing import read_listing, select
    from ktrace.resolve.refusals import Refusals

    excludes("--format debugfs", look is Look.DEBUGFS, ("NAME", names), ("--json", as_json))
    listing = read_listing(tracing, debug)
    if listing.debugfs is None and look is Look.DEBUGFS:
        raise Unavailable(
            "debugfs kprobes/list cannot be read", hint="mount -t debugfs nodev /sys/kernel/debug"
        )
    if look is Look.DEBUGFS:
        sys.stdout.write(listing.debugfs or "")
        return 0
    refusals = Refusals(report)
    if names:
        shown = select((row.probe for row in listing.probes), names, refusals=refusals)
        wanted = {probe.event for probe in shown}
        kept = tuple(row for row in listing.probes if row.probe.event in wanted)
        lines = tuple(pair for pair in listing.registered if pair[1] in wanted)
        listing = replace(listing, probes=kept, registered=lines, synthetic=(), debugfs=None)
    if as_json or look is Look.JSON:
        sys.stdout.writelines(line + "\n" for line in listing_json(listing))
    else:
        sys.stdout.write(painted(listing_text(listing, terminal_width()), COLOURS, sys.stdout))
        _remarks(listing.debugfs is None and not names, bool(listing.probes))
    return refusals.status()


def _remarks(no_debugfs: bool, any_probes: bool) -> None:
    """Print notes that help to read the table."""
    from ktrace.tracefs.kprobe_list import is_armed
    from ktrace.tracefs.mount import find_debug

    debug = find_debug(traced())
    if no_debugfs:
        print("ktrace: debugfs kprobes/list cannot be read; only dynamic events are shown", file=sys.stderr)
    if not any_probes:
        print("ktrace: there are no probes; `ktrace add PLACE` makes one", file=sys.stderr)
    try:
        if debug and not is_armed(debug):
            print("ktrace: all kprobes are disarmed; `ktrace switch on` arms them", file=sys.stderr)
    except OSError:
        pass  # debugfs is mounted but has nothing about kprobes: no remark
