"""Rename the locals of functions that have the name of a global variable, but do not mean it."""

from collections.abc import Set
from dataclasses import replace
from typing import Any

from ktrace.script.language.ast import Name, rebuilt, walk
from ktrace.script.language.definitions import Function, Script
from ktrace.script.language.source import OWN


def rename_locals(script: Script) -> Script:
    """Rename locals that a global variable would hide.

    A parameter hides the global variable. Any other name in a function of a script means the global variable,
    but in a function of the tapset only one of the tapset's.
    """
    shipped = frozenset(one.name for one in script.globals if one.at.source.tapset)
    functions = tuple(_renamed(one, script.global_names, shipped) for one in script.functions)
    return replace(script, functions=functions)


def _renamed(function: Function, global_names: Set[str], shipped: Set[str]) -> Function:
    names = {one.name for one in function.params}
    if function.at.source.tapset:
        names |= {node.name for node in walk(function.body) if isinstance(node, Name)} - shipped
    names &= global_names
    if not names:
        return function
    params = tuple(replace(one, name=one.name + OWN) if one.name in names else one for one in function.params)
    return replace(function, params=params, body=_with_own(function.body, names))


def _with_own(node: Any, names: Set[str]) -> Any:
    if isinstance(node, Name):
        return replace(node, name=node.name + OWN) if node.name in names else node
    return rebuilt(node, lambda child: _with_own(child, names))
