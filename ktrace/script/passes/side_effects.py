"""Tell whether an expression can be removed or tested twice."""

from ktrace.script.language.ast import Assign, Binary, Call, Crement, Expr, Number, walk
from ktrace.script.passes.builtins import BUILTINS, FETCHES, UNREADABLE


def is_harmless(e: Expr) -> bool:
    """Return whether an expression can be removed without side effects."""
    for node in walk(e):
        if isinstance(node, Assign | Crement):
            return False
        if isinstance(node, Call):
            known = BUILTINS.get(node.name, ())
            pure = bool(known) and all(one.pure for one in known)
            if not (
                pure or node.name in FETCHES or node.name == UNREADABLE or node.name.startswith("sprint")
            ):
                return False
        if isinstance(node, Binary) and node.op in ("/", "%") and not isinstance(node.right, Number):
            return False
    return True


def is_quiet(e: Expr) -> bool:
    """Return whether an expression cannot fail and has no side effects, not even on `matched()`."""
    return is_harmless(e) and not any(isinstance(n, Binary) and n.op in ("=~", "!~") for n in walk(e))
