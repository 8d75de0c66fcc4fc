"""Resolve calls to built-in functions."""

from ktrace.model.near import close_to
from ktrace.script.language.ast import Call
from ktrace.script.language.definitions import Functions
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.builtins import BUILTINS, FETCHES, PRINTS, REFUSED, Builtin


def find_builtin(node: Call, functions: Functions) -> Builtin:
    """Return the built-in function of a call. Raises ScriptError if there is none."""
    count = len(node.args)
    if node.name in REFUSED:
        raise ScriptError(f"{node.name}: {REFUSED[node.name]}", node.at)
    for one in BUILTINS.get(node.name, ()):
        if len(one.params) - one.optional <= count <= len(one.params):
            return one
    counts = sorted({len(b.params) for b in BUILTINS.get(node.name, ())})
    counts += sorted({n for name, n in functions if name == node.name})
    if counts:
        takes = " or ".join(map(str, counts))
        raise ScriptError(f"{node.name} takes {takes} arguments, not {count}", node.at)
    names = [*BUILTINS, *FETCHES, *PRINTS, *(name for name, _ in functions)]
    near = close_to(node.name, names, 1)
    raise ScriptError(
        f"there is no function '{node.name}'", node.at, hint=f"did you mean {near[0]}?" if near else None
    )
