"""Bound: a hook with the events that call its handler."""

from ktrace.records import dataclass
from ktrace.script.kernel_interface import Found
from ktrace.script.language.points import Site
from ktrace.script.passes.hook import Hook, KernelRead
from ktrace.script.passes.types import Code


@dataclass(frozen=True, slots=True)
class Bound:
    """A hook with its events.

    Attributes:
        scope: the name of the scope of its code.
        found: the events that call it; empty for begin, end and timers.
        entries: the entry events at which `@entry` values are read.
    """

    hook: Hook
    scope: str
    found: tuple[Found, ...] = ()
    entries: tuple[Found, ...] = ()

    @property
    def site(self) -> Site:
        """Return what its probe point describes."""
        return self.hook.site

    @property
    def wanted(self) -> KernelRead:
        """Return the values that it reads."""
        return self.hook.wanted

    @property
    def code(self) -> Code:
        """Return its statements, with the scope of their variables."""
        return Code(self.scope, self.hook.code, self.hook.conditions)
