"""Find the events of the kernel that call each handler."""

from collections.abc import Sequence
from dataclasses import replace

from ktrace.errors import KtraceError
from ktrace.script.kernel_interface import Found, Machine
from ktrace.script.language.definitions import Point
from ktrace.script.language.points import AtFunction, AtMoment, AtSyscall, Timer
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.hook import Hook, Hooks, asking, machine_at


def find_events(hooks: Hooks, machine: Machine | None) -> tuple[Sequence[Bound], Sequence[str]]:
    """Find the events that call each handler.

    An optional hook without events is left out.

    Returns:
        The hooks with their events, and a note for each hook that is left out.

    Raises:
        KtraceError: a hook was refused, or has no event, and must have one.
    """
    bound: list[Bound] = []
    notes: list[str] = []
    missing: dict[Point, KtraceError] = {}
    for number, hook in enumerate(hooks):
        try:
            bound.append(_bind(hook, f"probe {number}", machine))
        except KtraceError as error:
            if not hook.optional:
                raise
            notes.append(f"{hook.point} is left out: {error.message}")
            missing.setdefault(hook.asked, error)
    for asked, refused in missing.items():
        # A wildcard must match at least one event.
        if asked.is_pattern and not asked.may_miss and not any(b.hook.asked is asked for b in bound):
            raise refused
    return bound, notes


def _bind(hook: Hook, scope: str, machine: Machine | None) -> Bound:
    if hook.refused is not None:
        raise hook.refused
    site, wanted = hook.site, hook.wanted
    if isinstance(site, AtMoment | Timer):
        return Bound(hook, scope)
    kernel = machine_at(hook.point, machine)
    found = asking(hook.point, lambda: kernel.find(site, wanted.reads))
    entries: tuple[Found, ...] = ()
    if wanted.entries:
        assert isinstance(site, AtFunction | AtSyscall)
        entered = replace(site, at_return=False)
        entries = asking(hook.point, lambda: kernel.find(entered, wanted.entry_reads))
    return Bound(hook, scope, found, entries)
