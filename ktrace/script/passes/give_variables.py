"""Give functions the kernel's variables that they read: `f()` becomes `f($count)`.

A function that reads `$count` is for the probes that have it, as if its text were in their handlers. Each
value that it reads becomes a parameter, and each call gives it. Functions that reduce to one expression are
left to `inline`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from ktrace.script.language.ast import (
    Assign,
    Binary,
    Call,
    Cast,
    Crement,
    Defined,
    Entry,
    Expr,
    Item,
    Member,
    Name,
    Node,
    Number,
    Target,
    Ternary,
    Text,
    Unary,
    rebuilt,
    walk,
)
from ktrace.script.language.definitions import Function, Functions, Param, Script
from ktrace.script.language.printer import show_expr
from ktrace.script.language.source import OWN
from ktrace.script.passes.builtins import FETCHES
from ktrace.script.passes.hook import Hooks, each
from ktrace.script.passes.inline import Key, value_of
from ktrace.script.passes.side_effects import is_quiet

_Values: TypeAlias = dict[str, Expr]
"""The values that a function reads, by their text."""

_PARTS = (Number, Text, Target, Cast, Defined, Entry, Unary, Binary, Ternary, Member, Item)


def give_variables(hooks: Hooks, functions: Functions, script: Script) -> tuple[Hooks, Functions]:
    """Give functions the kernel's variables that they read."""
    given = _given(functions)
    whole = _whole(given, functions, script)
    if not set(given) - whole:
        return hooks, functions
    more = {(_own(key), key[1] + len(given[key])): _with_parameters(functions[key], given) for key in given}
    called = {key: values for key, values in given.items() if key not in whole}

    def changed(node: Any) -> Any:
        made = rebuilt(node, changed)
        if isinstance(made, Call) and (key := (made.name, len(made.args))) in called:
            return replace(made, name=_own(key), args=(*made.args, *called[key].values()))
        return made

    def in_hook(hook: Any) -> Any:
        parts = {"before": hook.before, "after": hook.after, "conditions": hook.conditions}
        return replace(
            hook, body=changed(hook.body), **{k: tuple(map(changed, some)) for k, some in parts.items()}
        )

    return each(hooks, in_hook), {**functions, **more}


def _whole(given: Mapping[Key, _Values], functions: Functions, script: Script) -> set[Key]:
    """Return the functions that `inline` replaces by one expression, with all that they call."""
    is_global = script.global_names.__contains__
    whole = {key for key in given if value_of(functions[key].body.body, is_global) is not None}
    while True:
        others = set(given) - whole
        part = {key for key in whole if not others.isdisjoint(_calls(functions[key]))}
        if not part:
            return whole
        whole -= part


def _calls(function: Function) -> set[Key]:
    return {(node.name, len(node.args)) for node in walk(function.body) if isinstance(node, Call)}


def _given(functions: Functions) -> dict[Key, _Values]:
    """Return the values that each function reads, itself or in the functions that it calls."""
    own = {key: one for key, one in functions.items() if not one.at.source.tapset}
    found = {key: _values(one.body) for key, one in own.items()}
    while True:
        before = sum(map(len, found.values()))
        for key, one in own.items():
            for node in walk(one.body):
                if isinstance(node, Call):
                    found[key] = {**found[key], **found.get((node.name, len(node.args)), {})}
        if sum(map(len, found.values())) == before:
            return {key: values for key, values in found.items() if values}


def _values(body: Node) -> _Values:
    """Return the values of a body; none if it writes one, which is refused later."""
    if any(isinstance(n, Assign | Crement) and isinstance(n.target, Target) for n in walk(body)):
        return {}
    found: _Values = {}

    def visit(node: Any) -> Any:
        if _is_value(node):
            found[show_expr(node)] = node
            return node
        return rebuilt(node, visit)

    visit(body)
    return found


def _is_value(node: Any) -> bool:
    """Return whether an expression is made of the kernel's variables and constants alone."""
    if not isinstance(node, (*_PARTS, Call)):
        return False
    nodes = list(walk(node))
    known = all(isinstance(one, _PARTS) or (isinstance(one, Call) and one.name in FETCHES) for one in nodes)
    if not known or isinstance(node, Member | Item):
        return False
    # It is evaluated at each call, also where the function would not.
    return any(isinstance(one, Target) for one in nodes) and is_quiet(node)


def _own(key: Key) -> str:
    return key[0] + OWN


def _with_parameters(function: Function, given: Mapping[Key, _Values]) -> Function:
    values = given[function.name, len(function.params)]
    names = {text: f"value_{i}{OWN}" for i, text in enumerate(values)}

    def changed(node: Any) -> Any:
        if _is_value(node):
            return Name(node.at, names[show_expr(node)])
        made = rebuilt(node, changed)
        if isinstance(made, Call) and (key := (made.name, len(made.args))) in given:
            more = [Name(made.at, names[text]) for text in given[key]]
            return replace(made, name=_own(key), args=(*made.args, *more))
        return made

    params = tuple(Param(value.at, names[text]) for text, value in values.items())
    name = function.name + OWN
    return replace(function, name=name, params=(*function.params, *params), body=changed(function.body))
