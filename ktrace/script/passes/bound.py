"""Bound: a handler, the events that call it and the values it reads."""

from dataclasses import dataclass, field

from ktrace.script.kernel_interface import Found
from ktrace.script.language.points import Site
from ktrace.script.passes.expand_aliases import Hook
from ktrace.script.passes.kernel_reads import KernelRead


@dataclass(frozen=True, slots=True)
class Bound:
    """A hook with its site, events and reads.

    Attributes:
        scope: the name of the scope of its code.
        site: the site that its probe point describes.
        found: the events that call it; empty for begin, end and timers.
        entries: the entry events at which `@entry` values are read.
    """

    hook: Hook
    scope: str
    site: Site
    wanted: KernelRead = field(default_factory=KernelRead)
    found: tuple[Found, ...] = ()
    entries: tuple[Found, ...] = ()
