"""What `enable`, `disable` and `remove` have in common: which probes, and what became of them."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ktrace.errors import UsageError

if TYPE_CHECKING:
    from ktrace.model.probe import Probe
    from ktrace.session.signals import StopSignals
    from ktrace.tracefs.files import Files


def chosen(tracing: "Files", names: Sequence[str] | None, everything: bool, command: str) -> "list[Probe]":
    """The probes meant on the command line. Raises UsageError for none or both, NotFound."""
    from ktrace.session.listing import select
    from ktrace.tracefs.dynevents import list_probes

    if everything and names:
        raise UsageError("--all and names together: which?")
    if not everything and not names:
        raise UsageError("which probes?", hint=f"ktrace {command} NAME..., with wildcards, or --all")
    return select(list_probes(tracing)[0], names or (), everything=everything)


def switch_chosen(
    names: Sequence[str] | None, everything: bool, on: bool, stop: "StopSignals | None" = None
) -> int:
    """Do what `enable` and `disable` do; a signal that `stop` has noted, or this does, ends and undoes it."""
    import time
    from contextlib import nullcontext

    from ktrace.cli.report import report_all
    from ktrace.session.signals import StopSignals
    from ktrace.session.switching import set_enabled
    from ktrace.tracefs.mount import find_tracing

    tracing = find_tracing()
    probes = chosen(tracing, names, everything, "enable" if on else "disable")
    started = time.monotonic()
    with nullcontext(stop) if stop else StopSignals() as noted:
        failed = set_enabled(tracing, probes, on, between=noted.check)
    verb = f"switched {'on' if on else 'off'}"
    summary(verb, len(probes) - len(failed), len(probes), time.monotonic() - started)
    return report_all([error for _, error in failed])


def summary(verb: str, done: int, wanted: int, seconds: float) -> None:
    """One line on stderr, where there were several."""
    if wanted > 1:
        print(f"ktrace: {done} of {wanted} probes {verb} in {seconds:.2f} s", file=sys.stderr)
