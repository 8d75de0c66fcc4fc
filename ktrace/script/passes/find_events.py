"""Find the events of the kernel that call each handler."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from ktrace.errors import KtraceError
from ktrace.script.kernel_interface import Found, Machine
from ktrace.script.language.definitions import Point
from ktrace.script.language.points import AtFunction, AtSyscall, OwnSite
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.alias_variables import find_unreadable
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.find_reads import find_targets
from ktrace.script.passes.hook import Hook, Hooks, asking, machine_at
from ktrace.script.passes.user_place import told_at_user_place


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
    missing: dict[Point, tuple[KtraceError, Hook]] = {}
    for number, hook in enumerate(hooks):
        try:
            bound.append(_bind(hook, f"probe {number}", machine))
        except KtraceError as error:
            if not hook.one_of_many or isinstance(error, ScriptError):
                raise told_at_user_place(error, hook) from error
            more.append(f"{hook.point} is left out: {error.message}")
            missing.setdefault(hook.asked, (error, hook))
    for asked, (refused, hook) in missing.items():
        if not any(b.hook.asked is asked for b in bound):
            raise told_at_user_place(refused, hook)  # none of the functions has it
    return bound, (*notes, *more)


def _bind(hook: Hook, scope: str, machine: Machine | None) -> Bound:
    if hook.refused is not None:
        raise hook.refused
    if isinstance(hook.site, OwnSite):
        return Bound(hook, scope)
    kernel = machine_at(hook.point, machine)
    try:
        return _found(hook, scope, kernel)
    except KtraceError:
        if hook.one_of_many or not kernel.exists(hook.site):
            raise
        refused = find_unreadable(hook, partial(_check, kernel))
        if refused is None:
            raise
        raise refused from None


def _found(hook: Hook, scope: str, kernel: Machine) -> Bound:
    """Return the hook with its events. Raises KtraceError if the kernel refuses it or a value."""
    site, wanted = hook.site, hook.wanted
    assert not isinstance(site, OwnSite)
    found = asking(hook.point, lambda: kernel.find(site, wanted.reads))
    entries: tuple[Found, ...] = ()
    if wanted.entries:
        assert isinstance(site, AtFunction | AtSyscall)
        entered = replace(site, at_return=False)
        entries = asking(hook.point, lambda: kernel.find(entered, wanted.entry_reads))
    return Bound(hook, scope, found, entries)


def _check(kernel: Machine, hook: Hook) -> None:
    """Raise KtraceError if the kernel refuses what a hook reads."""
    site, wanted = hook.site, find_targets(hook, lambda _: False)
    assert not isinstance(site, OwnSite)
    if wanted.reads:
        kernel.find(site, wanted.reads)
    if wanted.entry_reads:
        assert isinstance(site, AtFunction | AtSyscall)
        kernel.find(replace(site, at_return=False), wanted.entry_reads)
