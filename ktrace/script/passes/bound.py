"""Bound: a handler with the events that call it, and what it reads of them."""

from dataclasses import dataclass, field

from ktrace.script.kernel_interface import Found
from ktrace.script.language.points import Site
from ktrace.script.passes.expand_aliases import Hook
from ktrace.script.passes.kernel_reads import Wanted


@dataclass(frozen=True, slots=True)
class Bound:
    """A hook with all that was found out about it.

    Attributes:
        scope: the name of its code.
        site: what its point says.
        found: the events that call it; none of begin, end and timers.
        entries: the events at which what `@entry` wants is read.
    """

    hook: Hook
    scope: str
    site: Site
    wanted: Wanted = field(default_factory=Wanted)
    found: tuple[Found, ...] = ()
    entries: tuple[Found, ...] = ()
