"""Chain functions with the same name: `next` in one of them calls the following one."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ktrace.script.language.ast import Call, Jump, Name, Return, rebuilt
from ktrace.script.language.definitions import Function, Functions, Script

FOLLOWING = "\N{LATIN SMALL LETTER N WITH TILDE}"
"""Marks the name of a function that only `next` calls. Names in scripts cannot contain it."""


def overload(script: Script) -> Functions:
    """Chain functions with the same name by their `next`.

    Each gets its own name; calls keep calling the one with the smallest priority.
    """
    return {(f.name, len(f.params)): f for f in in_rows(script.functions)}


def in_rows(functions: Iterable[Function]) -> tuple[Function, ...]:
    """Return the functions, renamed so that name and number of parameters are unique.

    Functions that shared a name are called in the order of their priorities, then of the text.
    """
    rows: dict[tuple[str, int], list[Function]] = {}
    for function in functions:
        rows.setdefault((function.name, len(function.params)), []).append(function)
    made: list[Function] = []
    for row in rows.values():
        made += _row(sorted(row, key=lambda one: one.priority)) if len(row) > 1 else row
    return tuple(made)


def _row(row: Sequence[Function]) -> list[Function]:
    names = [one.name if i == 0 else f"{one.name}{FOLLOWING}{i}" for i, one in enumerate(row)]
    made = [replace(one, name=name) for one, name in zip(row, names, strict=True)]
    for i, one in enumerate(made[:-1]):
        made[i] = replace(one, body=_with_next(one.body, made[i + 1].name, one))
    return made


def _with_next(node: Any, name: str, function: Function) -> Any:
    """Replace `next` in a body by a call of `function` with the same arguments."""
    if isinstance(node, Jump) and node.word == "next":
        arguments = tuple(Name(node.at, one.name) for one in function.params)
        return Return(node.at, Call(node.at, name, arguments))
    return rebuilt(node, lambda child: _with_next(child, name, function))
