"""`ktrace remove`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from ktrace.cli.traced import traced

if TYPE_CHECKING:
    from ktrace.tracefs.files import Files


def remove(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="NAME, GROUP/NAME or GROUP:NAME, with wildcards."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All probes, including those of others.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be written, as shell commands.")
    ] = False,
) -> int:
    """Disable and remove probes.

    If the kernel says that an event is in use, ktrace says who uses it, and leaves it unchanged. Probes
    made by ktrace sessions are matched only by a name with their full group, and not by --all.

    \b
    Examples:
      ktrace remove do_fork
      ktrace remove 'kprobes/vfs_*'
      ktrace remove --all
    """
    import time

    from ktrace.cli.report import report_all
    from ktrace.cli.selection import chosen, summary
    from ktrace.probes.switching import remove_probes
    from ktrace.session.signals import StopSignals
    from ktrace.tracefs.dynevents import define_step
    from ktrace.tracefs.events import enable_step
    from ktrace.tracefs.mount import find_tracing

    tracing = find_tracing(traced())
    probes, refusals = chosen(tracing, names, everything, "remove")
    if dry_run:
        for probe in probes:
            for step in (enable_step(probe.event).undo, define_step(probe).undo):
                print(step.to_shell(tracing.root) if step else "")
        return refusals.status()
    started = time.monotonic()
    with StopSignals(stays=True) as stop:
        failed = remove_probes(tracing, probes, between=stop.check)
    summary("removed", len(probes) - len(failed), len(probes), time.monotonic() - started)
    if everything:
        _tell_leftovers(tracing)
    return report_all([*refusals.errors, *(error for _, error in failed)])


def _tell_leftovers(tracing: "Files") -> None:
    """Report that some probes of dead sessions still exist."""
    from ktrace.resolve.existing_events import belongs_to_session
    from ktrace.tracefs.dynevents import list_probes

    if not any(map(belongs_to_session, list_probes(tracing)[0])):
        return
    from ktrace.probes.clean import find_leftovers

    left = sum(len(one.probes) for one in find_leftovers(tracing))
    if left:
        print(
            f"ktrace: {left} probe(s) of dead ktrace sessions are left: `ktrace clean` removes them",
            file=sys.stderr,
        )
