"""Warn of what works differently than in SystemTap."""

from collections.abc import Sequence

from ktrace.script.language.ast import Call, walk
from ktrace.script.language.sites import Sampled
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.builtins import AT_PROBES, BUILTINS
from ktrace.script.passes.emitted import Emitted
from ktrace.script.passes.task_needs import not_read

_STACKS = {
    name for name, ones in BUILTINS.items() if {"stack", "ustack"}.intersection(*(o.needs for o in ones))
}


def warn_of_differences(bound: Sequence[Bound], emitted: Emitted, warnings: Sequence[str]) -> Sequence[str]:
    """Warn of what differs from SystemTap, or is read late."""
    differing: list[str] = []
    for one in bound:
        later = _read_later(one, emitted)
        if later:
            differing.append(
                f"{one.hook.asked.at}: at {one.hook.asked}, {', '.join(f'{name}()' for name in later)} "
                "cannot be read: /proc is, when the handler runs"
            )
        if not isinstance(one.site, Sampled):
            continue
        for node in walk(one.hook.code):
            if isinstance(node, Call) and node.name in _STACKS - {"uaddr"}:
                what = "has one frame" if "ustack" in BUILTINS[node.name][0].needs else "is empty"
                differing.append(f"{node.at}: {node.name} {what} at {one.hook.point}: samples have no stack")
    return list(dict.fromkeys((*warnings, *differing)))


def _read_later(one: Bound, emitted: Emitted) -> list[str]:
    """Return the functions of a handler that look into /proc, since its events do not carry their values.

    The run follows the parents of processes by events.
    """
    params = emitted.handlers[one.scope].params
    return [name for name in not_read(params, one.found, one.wanted.reads) if name not in AT_PROBES]
