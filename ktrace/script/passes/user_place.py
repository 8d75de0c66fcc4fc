"""Name the place in the user's script in errors about the tapset's text."""

from collections.abc import Iterable
from copy import copy

from ktrace.errors import KtraceError
from ktrace.script.language.ast import walk
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.hook import Hook


def told_at_user_place(error: KtraceError, hook: Hook) -> KtraceError:
    """Return the error of a hook, with the probe point that led to it if that is not where the error is."""
    at = error.at if isinstance(error, ScriptError) else hook.point.at
    asked = hook.asked
    place = f"\nin {asked.at.source.name}:{asked.at.line}: probe {asked}"
    if not at.source.tapset or asked.at.source.tapset or place in error.message:
        return error
    # The kernel may raise the same error again; a ScriptError is raised once.
    made = error if isinstance(error, ScriptError) else copy(error)
    made.message += place
    made.args = (made.message,)
    return made


def find_user_place(error: ScriptError, hooks: Iterable[Hook]) -> KtraceError:
    """Return an error in the tapset's text with the probe point of the first hook that has this text."""
    for hook in hooks if error.at.source.tapset else ():
        parts = (*hook.conditions, hook.code)
        if any(node.at == error.at for part in parts for node in walk(part)):
            return told_at_user_place(error, hook)
    return error
