"""`ktrace disable`."""

from typing import Annotated

import typer

from ktrace.cli.report import report_all
from ktrace.cli.selection import chosen, switch_chosen, switch_probes
from ktrace.cli.traced import traced


def disable(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="NAME, GROUP/NAME or GROUP:NAME, with wildcards."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All probes.")] = False,
    triggers: Annotated[
        bool, typer.Option("--triggers", help="Also remove stack, snapshot, traceon and traceoff triggers.")
    ] = False,
) -> int:
    """Disable probes in the kernel's top buffer.

    A `ktrace trace` in another terminal is not disturbed: it enables events in its own buffer.

    \b
    Examples:
      ktrace disable do_fork
      ktrace disable --all
      ktrace disable --triggers vfs_read
    """
    if not triggers:
        return switch_chosen(names, everything, False)
    from ktrace.probes.enable_triggers import clear_triggers
    from ktrace.session.signals import StopSignals
    from ktrace.tracefs.mount import find_tracing

    tracing = find_tracing(traced())
    probes, refusals = chosen(tracing, names, everything, "disable")
    with StopSignals(stays=True) as stop:
        cleared = clear_triggers(tracing, probes, between=stop.check)
        try:
            failed = switch_probes(tracing, probes, False, stop)
        except BaseException:
            cleared.undo_all()
            raise
    return report_all([*refusals.errors, *failed.values()])
