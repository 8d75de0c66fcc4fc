"""`ktrace enable`."""

from typing import Annotated

import typer

from ktrace.cli.probe_options import SNAPSHOT_ON, STACK, START_ON, STOP_ON
from ktrace.cli.report import report_all
from ktrace.cli.selection import chosen, switch_chosen, switch_probes, tell_muted
from ktrace.cli.traced import traced


def enable(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="NAME, GROUP/NAME or GROUP:NAME, with wildcards."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All probes.")] = False,
    stack: Annotated[bool, STACK] = False,
    start_on: Annotated[str | None, START_ON] = None,
    stop_on: Annotated[str | None, STOP_ON] = None,
    snapshot_on: Annotated[str | None, SNAPSHOT_ON] = None,
) -> int:
    """Enable probes in the kernel's top buffer.

    Their events then go into the buffer that everybody shares. Read them from the file trace_pipe, or
    with `ktrace trace NAME`, which also works without this.

    With a condition, the kernel starts or stops the whole buffer, or takes a snapshot of it (file
    snapshot). These are triggers, which `ktrace disable --triggers` removes.

    \b
    Examples:
      ktrace enable do_fork
      ktrace enable 'vfs_*' mygroup/open
      ktrace enable --all
      ktrace enable vfs_read --stop-on 'count > 100000'
    """
    if not (stack or start_on or stop_on or snapshot_on):
        return switch_chosen(names, everything, True)
    from ktrace.kernel.kernel import Kernel
    from ktrace.probes.enable_triggers import set_triggers
    from ktrace.probes.trigger_conditions import Conditions
    from ktrace.resolve.existing_values import translated
    from ktrace.session.signals import StopSignals
    from ktrace.tracefs.mount import find_tracing

    tracing = find_tracing(traced())
    probes, refusals = chosen(tracing, names, everything, "enable")
    with StopSignals(stays=True) as stop:
        conditions = Conditions(start_on, stop_on, snapshot_on)
        kernel = Kernel(tracing)

        def spell(event: str, expression: str) -> str:
            return translated(event, expression, kernel)

        applied = set_triggers(tracing, probes, stack, conditions, between=stop.check, spell=spell)
        try:
            failed = switch_probes(tracing, probes, True, stop)
        except BaseException:
            applied.undo_all()
            raise
        if failed:
            applied.undo_all()
        status = report_all([*refusals.errors, *failed.values()])
        on = [p.event for p in probes if p.event not in failed]
        muted = tell_muted(tracing, on, waits=start_on is not None)
        return status or muted
