"""Refuse to read a variable of an alias that cannot be supplied there.

The tapset assigns `__ktrace_unreadable("reason")` to such a variable. `drop_unused` removes the assignment if
nobody reads the variable. What is left is an error, at the place where the script reads the variable.
"""

from ktrace.script.language.ast import Assign, Call, Expr, Name, Text, walk
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.alias_variables import unreadable
from ktrace.script.passes.builtins import UNREADABLE
from ktrace.script.passes.hook import Hook, Hooks, each


def refuse_unreadable(hooks: Hooks) -> Hooks:
    """Refuse what an alias cannot supply where it is read."""
    return each(hooks, _checked)


def _checked(hook: Hook) -> Hook:
    """Return the hook. Raises ScriptError for its first variable without a value."""
    targets: dict[Expr, Name] = {}
    for node in walk(hook.code):
        if isinstance(node, Assign) and isinstance(node.target, Name):
            targets |= {one: node.target for one in walk(node.value) if isinstance(one, Call)}
        if isinstance(node, Call) and node.name == UNREADABLE:
            reason = next((one.value for one in node.args if isinstance(one, Text)), "")
            target = targets.get(node)
            raise unreadable(hook, target.name, target, reason) if target else ScriptError(reason, node.at)
    return hook
