"""`ktrace disable`."""

from typing import Annotated

import typer


def disable(
    names: Annotated[
        list[str] | None, typer.Argument(help="NAME, GROUP/NAME or GROUP:NAME, with wildcards.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All probes.")] = False,
) -> int:
    """Switch probes off in the kernel's top buffer.

    ktrace trace in another terminal is not disturbed: it has switches of its own.

    \b
    Examples:
      ktrace disable do_fork
      ktrace disable --all
    """
    import time

    from ktrace.cli.report import report_all
    from ktrace.cli.selection import chosen, summary
    from ktrace.session.signals import StopSignals
    from ktrace.session.switching import set_enabled
    from ktrace.tracefs.mount import find_tracing

    tracing = find_tracing()
    probes = chosen(tracing, names, everything, "disable")
    started = time.monotonic()
    with StopSignals() as stop:
        failed = set_enabled(tracing, probes, False, between=stop.check)
    summary("switched off", len(probes) - len(failed), len(probes), time.monotonic() - started)
    return report_all([error for _, error in failed])
