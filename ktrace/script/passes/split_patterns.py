"""Split a wildcard into its functions or events where a handler reads all parameters."""

from collections.abc import Sequence
from dataclasses import replace

from ktrace.script.kernel_interface import Machine
from ktrace.script.language.ast import Node, Target, walk
from ktrace.script.language.points import AtEvent, AtFunction, read_point
from ktrace.script.passes.hook import Hook, Hooks, asking, machine_at


def split_patterns(hooks: Hooks, machine: Machine | None) -> Hooks:
    """Split a wildcard if the handler reads all parameters.

    The functions or events that match have different parameters, so each gets its own hook.

    Raises:
        KtraceError: nothing matches.
    """
    return tuple(one for hook in hooks for one in _split(hook, machine))


def _split(hook: Hook, machine: Machine | None) -> Sequence[Hook]:
    site = hook.site
    if not isinstance(site, AtFunction | AtEvent) or not site.is_pattern or not _names_parameters(hook.code):
        return [hook]
    found = asking(hook.point, lambda: machine_at(hook.point, machine).functions(site))
    points = [hook.point.of_function(*one) for one in found]
    return [
        replace(
            hook,
            point=point,
            site=read_point(point),
            one_of_many=True,
            named=point if hook.name is hook.point else hook.named,
        )
        for point in points
    ]


def _names_parameters(node: Node) -> bool:
    """Return whether a body reads all parameters of the function."""
    return any(isinstance(one, Target) and one.name in ("$parms", "$vars") for one in walk(node))
