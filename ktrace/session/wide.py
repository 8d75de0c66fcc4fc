"""One event at all functions that a wildcard matches, instead of a probe at each.

A kprobe costs the kernel a walk over all places where it could put one: once to be switched on, once to be
switched off; and to be removed, a grace period. An fprobe sits at any number of functions, and the kernel
takes a wildcard where it takes its function's name. So hundreds are defined, switched on and removed as one.

Nothing promises that: what the kernel made of the wildcard is looked at, and if that is not all that was
meant, kprobes are made as ever.
"""

import re
from collections.abc import Collection
from dataclasses import replace

from ktrace.errors import Refused
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.session.session import Session
from ktrace.session.words import Wanted
from ktrace.tracefs import dynevents
from ktrace.tracefs.events import enable_step, is_glob
from ktrace.tracefs.functions import read_enabled_functions

_PATTERN = re.compile(r"[\w.*?\[\]!-]+\Z", re.ASCII)


def can_be_one(pattern: str, one: Wanted) -> bool:
    """Whether this probe can be one of the functions of an fprobe at `pattern`.

    Not one at a return: the kernel does not tell which of those it missed.
    """
    probe = one.probe
    return (
        is_glob(pattern)
        and _PATTERN.match(pattern) is not None
        and one.one_of_many
        and probe.kind in "pf"
        and not probe.at_return
        and isinstance(probe.place, SymbolPlace)
        and not probe.place.offset
    )


def define_as_one(session: Session, pattern: str, probe: Probe, functions: Collection[str]) -> Probe | None:
    """Make it, and switch it on in the session's instance, which records nothing yet.

    Args:
        pattern: a wildcard without a module.
        probe: the event's group, name and arguments.
        functions: those that are meant. The wildcard may match more: those that kprobes refuse, and
            all of a name.

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
        session.do_here(enable_step(wide.event))
        if read_enabled_functions(session.tracing) >= set(functions):
            return wide
        session.files.write(f"events/{wide.event}/enable", "0")
    except (OSError, Refused):
        pass
    dynevents.remove(session.tracing, wide)
    return None
