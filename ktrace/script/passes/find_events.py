"""Find the events of the kernel that call each handler."""

from collections.abc import Sequence
from dataclasses import replace

from ktrace.errors import KtraceError
from ktrace.script.kernel_interface import Found, Machine
from ktrace.script.language.definitions import Point
from ktrace.script.language.points import AtFunction, AtSyscall, OwnSite
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.hook import Hook, Hooks, asking, machine_at


def find_events(
    hooks: Hooks, machine: Machine | None, notes: Sequence[str]
) -> tuple[Sequence[Bound], Sequence[str]]:
    """Find the events that call each handler.

    One of the functions that match a wildcard is left out if it does not have what its handler reads.

    Returns:
        The hooks with their events, and the notes with one for each hook that is left out.

    Raises:
        KtraceError: a hook was refused, or has no event, and must have one.
    """
    bound: list[Bound] = []
    more: list[str] = []
    missing: dict[Point, KtraceError] = {}
    for number, hook in enumerate(hooks):
        try:
            bound.append(_bind(hook, f"probe {number}", machine))
        except KtraceError as error:
            if not hook.one_of_many or isinstance(error, ScriptError):
                raise
            more.append(f"{hook.point} is left out: {error.message}")
            missing.setdefault(hook.asked, error)
    for asked, refused in missing.items():
        if not any(b.hook.asked is asked for b in bound):
            raise refused  # none of the functions has it
    return bound, (*notes, *more)


def _bind(hook: Hook, scope: str, machine: Machine | None) -> Bound:
    if hook.refused is not None:
        raise hook.refused
    site, wanted = hook.site, hook.wanted
    if isinstance(site, OwnSite):
        return Bound(hook, scope)
    kernel = machine_at(hook.point, machine)
    found = asking(hook.point, lambda: kernel.find(site, wanted.reads))
    entries: tuple[Found, ...] = ()
    if wanted.entries:
        assert isinstance(site, AtFunction | AtSyscall)
        entered = replace(site, at_return=False)
        entries = asking(hook.point, lambda: kernel.find(entered, wanted.entry_reads))
    return Bound(hook, scope, found, entries)
