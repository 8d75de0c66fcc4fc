"""Expand `$value` of what a script serves into calls, so that it is kept outside the handler."""

from dataclasses import replace
from typing import Any

from ktrace.script.language.ast import Assign, Call, Node, Target, rebuilt
from ktrace.script.language.sites import Input, Served
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.hook import Hook, Hooks, each

_SETS = {"=": "__ktrace_set_value", ".=": "__ktrace_append_value"}


def expand_value(hooks: Hooks) -> Hooks:
    """Replace `$value` of procfs and input probes by calls."""
    return each(hooks, _expanded)


def _expanded(hook: Hook) -> Hook:
    site = hook.site
    if not isinstance(site, Served | Input):
        return hook
    writes = isinstance(site, Served) and site.does == "read"

    def change(node: Any) -> Any:
        if isinstance(node, Assign) and _is_value(node.target):
            if node.op not in _SETS or not writes:
                raise ScriptError(
                    "$value is the text of a file: a handler of .read sets it with = and .=", node.at
                )
            return Call(node.at, _SETS[node.op], (change(node.value),))
        if _is_value(node):
            if node.path or node.address or node.pretty:
                raise ScriptError("$value is a string", node.at)
            return Call(node.at, "__ktrace_value", ())
        return rebuilt(node, change)

    return replace(
        hook,
        before=tuple(map(change, hook.before)),
        body=change(hook.body),
        after=tuple(map(change, hook.after)),
        conditions=tuple(map(change, hook.conditions)),
    )


def _is_value(node: Node) -> bool:
    return isinstance(node, Target) and node.name == "value" and not node.variable
