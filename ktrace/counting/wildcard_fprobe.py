"""One event at all functions that a wildcard matches, instead of a probe at each.

A kprobe costs the kernel a walk over all places where it could put one: once to be switched on, once to be
switched off; and to be removed, a grace period. An fprobe sits at any number of functions, and the kernel
takes a wildcard where it takes its function's name. So hundreds are defined, switched on and removed as one.

Which functions these are the kernel says itself: the function filter of the session's instance takes the
same wildcard, and lists what it matched. Nobody has to read all of the kernel's symbols for that. Nothing
promises that the event is then at each of them: what the kernel made of it is looked at, and if that is not
all that was meant, kprobes are made as ever.
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

    Not at a return: the kernel does not tell which of those it missed.
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
    """Return the functions that a wildcard matches, and what to report about the others.

    Returns:
        In the order of their addresses; none where the kernel knows none, or does not say.

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
    """Make it, and switch it on in the session's instance, which records nothing yet.

    Args:
        pattern: a wildcard without a module.
        probe: the event's group, name and arguments.
        functions: those that are meant. The wildcard may match more: all of a name.

    Returns:
        The probe; None where this kernel does not take it, or not for all of these. Nothing is left then.
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
