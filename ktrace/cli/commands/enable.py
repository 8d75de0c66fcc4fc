"""`ktrace enable`."""

from typing import Annotated

import typer


def enable(
    names: Annotated[
        list[str] | None, typer.Argument(help="NAME, GROUP/NAME or GROUP:NAME, with wildcards.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All probes.")] = False,
) -> int:
    """Switch probes on in the kernel's top buffer.

    Their events then go into the buffer that everybody shares: read them with `ktrace trace NAME`,
    which also works without this, or from the file trace_pipe.

    \b
    Examples:
      ktrace enable do_fork
      ktrace enable 'vfs_*' mygroup/open
      ktrace enable --all
    """
    import time

    from ktrace.cli.report import report_all
    from ktrace.cli.selection import chosen, summary
    from ktrace.session.signals import StopSignals
    from ktrace.session.switching import set_enabled
    from ktrace.tracefs.mount import find_tracing

    tracing = find_tracing()
    probes = chosen(tracing, names, everything, "enable")
    started = time.monotonic()
    with StopSignals() as stop:
        failed = set_enabled(tracing, probes, True, between=stop.check)
    summary("switched on", len(probes) - len(failed), len(probes), time.monotonic() - started)
    return report_all([error for _, error in failed])
