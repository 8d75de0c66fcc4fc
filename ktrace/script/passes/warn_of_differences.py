"""Warn of what works differently than in SystemTap."""

from collections.abc import Sequence

from ktrace.script.language.ast import Call, walk
from ktrace.script.language.sites import Sampled
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.builtins import BUILTINS

_STACKS = {
    name for name, ones in BUILTINS.items() if {"stack", "ustack"}.intersection(*(o.needs for o in ones))
}


def warn_of_differences(bound: Sequence[Bound], warnings: Sequence[str]) -> Sequence[str]:
    """Warn of probe points that differ from SystemTap's."""
    differing: list[str] = []
    for one in bound:
        if not isinstance(one.site, Sampled):
            continue
        for node in walk(one.hook.code):
            if isinstance(node, Call) and node.name in _STACKS - {"uaddr"}:
                what = "has one frame" if "ustack" in BUILTINS[node.name][0].needs else "is empty"
                differing.append(f"{node.at}: {node.name} {what} at {one.hook.point}: samples have no stack")
    return list(dict.fromkeys((*warnings, *differing)))
