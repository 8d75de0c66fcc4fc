"""Select probes and report the results, for `enable`, `disable` and `remove`."""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ktrace.cli.traced import traced
from ktrace.errors import KtraceError, UsageError

if TYPE_CHECKING:
    from ktrace.model.probe import Probe
    from ktrace.resolve.refusals import Refusals
    from ktrace.session.signals import StopSignals
    from ktrace.tracefs.files import Files


def chosen(
    tracing: "Files", names: Sequence[str] | None, everything: bool, command: str
) -> "tuple[list[Probe], Refusals]":
    """Return the probes that the command line names, and the names without a probe, which are reported.

    Raises:
        UsageError: neither names nor --all is given, or both are.
        NotFound: no name has a probe.
    """
    from ktrace.cli.report import report
    from ktrace.probes.listing import select
    from ktrace.resolve.refusals import Refusals
    from ktrace.tracefs.dynevents import list_probes

    if everything and names:
        raise UsageError("--all and names together: which?")
    if not everything and not names:
        raise UsageError("which probes?", hint=f"ktrace {command} NAME..., with wildcards, or --all")
    refusals = Refusals(report)
    probes = list_probes(tracing)[0]
    found = select(probes, names or (), everything=everything, refusals=refusals)
    if not found:
        why = "ktrace sessions made all probes for themselves" if probes else "there are no probes"
        print(f"ktrace: nothing to {command}: {why}", file=sys.stderr)
    return found, refusals


def switch_chosen(names: Sequence[str] | None, everything: bool, on: bool) -> int:
    """Switch the named probes on or off, for `enable` and `disable`."""
    from ktrace.cli.report import report_all
    from ktrace.tracefs.mount import find_tracing

    tracing = find_tracing(traced())
    probes, refusals = chosen(tracing, names, everything, "enable" if on else "disable")
    failed = switch_probes(tracing, probes, on)
    status = report_all([*refusals.errors, *failed.values()])
    # Reported even if another name matched nothing: these are enabled.
    muted = tell_muted(tracing, [p.event for p in probes if p.event not in failed]) if on else 0
    return status or muted


def switch_probes(
    tracing: "Files", probes: "list[Probe]", on: bool, stop: "StopSignals | None" = None
) -> dict[str, KtraceError]:
    """Switch these probes on or off, report how many, and return the failures by event.

    Args:
        stop: takes signals, one of which ends and undoes the switching; None creates one here.
    """
    import time
    from contextlib import nullcontext

    from ktrace.probes.switching import set_enabled
    from ktrace.session.signals import StopSignals

    started = time.monotonic()
    with nullcontext(stop) if stop else StopSignals(stays=True) as noted:
        failed = set_enabled(tracing, probes, on, between=noted.check)
    verb = f"switched {'on' if on else 'off'}"
    summary(verb, len(probes) - len(failed), len(probes), time.monotonic() - started)
    return {probe.event: error for probe, error in failed}


def tell_muted(tracing: "Files", events: Sequence[str], *, waits: bool = False) -> int:
    """Report which of the enabled events cannot be hit, and return the exit status of that.

    Args:
        waits: whether the top buffer waits for an event before it records.
    """
    from ktrace.model.muted import seeing_status
    from ktrace.session.muted import top_muted
    from ktrace.tracefs.mount import find_debug

    muted = top_muted(tracing, find_debug(tracing.host), events, waits=waits) if events else ()
    for one in muted:
        print(f"ktrace: {one.to_text('cannot')}\n  hint: {one.hint}", file=sys.stderr)
    return seeing_status(0, muted)


def summary(verb: str, done: int, wanted: int, seconds: float) -> None:
    """Print one line on stderr if there were several probes."""
    if wanted > 1:
        print(f"ktrace: {done} of {wanted} probes {verb} in {seconds:.2f} s", file=sys.stderr)
