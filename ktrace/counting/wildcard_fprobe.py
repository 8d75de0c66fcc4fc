"""Make one event for all functions that match a wildcard, instead of a probe for each function.

To enable a kprobe, and again to disable it, the kernel walks over all places where it could put one; to
remove it, it waits for a grace period. An fprobe can be attached to any number of functions, and the kernel
accepts a wildcard as its function's name. So hundreds of functions are defined, enabled and removed in one
step.

The kernel itself lists the functions: the function filter of the session's instance accepts the same
wildcard, and lists what it matched, so ktrace need not read all symbols. This does not guarantee that the
event is attached to all of them. So ktrace checks the result, and uses kprobes if a function is missing.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from ktrace.errors import Refused
from ktrace.model.names import is_glob
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.resolve.spec import SEVERAL, ProbeOptions, check_number, skipped_note
from ktrace.session.session import Session
from ktrace.tracefs import dynevents
from ktrace.tracefs.events import enable_step
from ktrace.tracefs.functions import match_functions, read_enabled_functions

_PATTERN = re.compile(r"(?!!)[\w.*?\[\]!-]+\Z", re.ASCII)


def can_be_one(pattern: str, defaults: ProbeOptions) -> bool:
    """Return whether probes at these functions can be one fprobe.

    Return probes cannot: the kernel does not say which of their hits it missed.
    """
    return (
        is_glob(pattern)
        and _PATTERN.match(pattern) is not None
        and not (defaults.at_return or defaults.regs or defaults.inlined)
        and defaults.nth is None
    )


def functions_meant(
    session: Session, pattern: str, defaults: ProbeOptions
) -> tuple[list[str], Sequence[str]]:
    """Return the functions that a wildcard matches, and a report about the others.

    Returns:
        The functions in the order of their addresses; none if the kernel knows none, or does not say.

    Raises:
        UsageError: there are more than the defaults allow.
    """
    try:
        found = Counter(match_functions(session.files, pattern))
    except (OSError, Refused):
        return [], ()
    meant = [name for name, count in found.items() if count == 1 or defaults.every]
    check_number(pattern, len(meant), defaults)
    several = found.total() - sum(found[name] for name in meant)
    if not several:
        return meant, ()
    return meant, (skipped_note(pattern, found.total(), len(meant), {SEVERAL: several}),)


def define_as_one(session: Session, pattern: str, probe: Probe, functions: Collection[str]) -> Probe | None:
    """Make the event, and enable it in the session's instance, which records nothing yet.

    Args:
        pattern: a wildcard without a module.
        probe: the event's group, name and arguments.
        functions: the functions to probe. The wildcard may match more, because names are not unique.

    Returns:
        The probe. None if this kernel does not accept it, or not for all functions; then nothing is left.
    """
    wide = replace(probe, kind="f", place=SymbolPlace(pattern))
    session.will_remove(wide)
    try:
        dynevents.define(session.tracing, wide)
    except Refused:
        return None
    try:
        session.apply(enable_step(wide.event))
        if read_enabled_functions(session.tracing) >= set(functions):
            return wide
        session.files.write(f"events/{wide.event}/enable", "0")
    except (OSError, Refused):
        pass
    dynevents.remove(session.tracing, wide)
    return None
