"""Tell which variable of an alias the kernel cannot supply, at the place where the script reads it."""

from collections.abc import Callable
from dataclasses import replace

from ktrace.errors import KtraceError
from ktrace.script.language.ast import Assign, Block, Expr, ExprStatement, Name, Node, children, walk
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.hook import Hook


def unreadable(hook: Hook, name: str, at: Expr, reason: str) -> ScriptError:
    """Return the error for a variable of an alias, at the place where the script reads it.

    Args:
        at: the place to show if the script itself does not read the variable.
    """
    found = [one for part in (*hook.conditions, hook.code) for one in _reads(part) if one.name == name]
    reader = min(found, key=lambda one: one.at.source.tapset, default=at)
    return ScriptError(f"'{name}' of {hook.asked} cannot be read: {reason}", reader.at)


def find_unreadable(hook: Hook, check: Callable[[Hook], None]) -> ScriptError | None:
    """Return the error for the first variable of an alias that the kernel refuses; None if it refuses others.

    Args:
        check: raises KtraceError if the kernel refuses what a hook reads.
    """
    for node in walk(hook.code):
        if not (isinstance(node, Assign) and isinstance(node.target, Name) and node.at.source.tapset):
            continue
        alone = replace(hook, body=Block(node.at, (ExprStatement(node.at, node),)), before=(), after=())
        try:
            check(replace(alone, conditions=()))
        except ScriptError:
            continue  # it needs the statements before it
        except KtraceError as error:
            return unreadable(hook, node.target.name, node.target, error.message)
    return None


def _reads(node: Node) -> list[Name]:
    """Return the names that a node reads."""
    if isinstance(node, Assign) and node.op == "=" and isinstance(node.target, Name):
        return _reads(node.value)
    found = [node] if isinstance(node, Name) else []
    return found + [name for child in children(node) for name in _reads(child)]
