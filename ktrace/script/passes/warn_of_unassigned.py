"""Warn of variables that a script reads and never assigns: mistyped names, and what an alias does not set."""

from collections.abc import Iterator, Sequence

from ktrace.model.near import close_to
from ktrace.script.language.ast import Assign, Crement, Foreach, Name, Node, Try, walk
from ktrace.script.language.definitions import Functions, Script
from ktrace.script.language.source import DOLLAR
from ktrace.script.passes.bound import Bound


def warn_of_unassigned(
    bound: Sequence[Bound], functions: Functions, script: Script, warnings: Sequence[str]
) -> Sequence[str]:
    """Warn of locals that are read and never assigned.

    Their values are 0 or empty.
    """
    found = [*warnings]
    for one in bound:
        found += _of(one.hook.code, (), script.global_names)
    for function in functions.values():
        found += _of(function.body, [one.name for one in function.params], script.global_names)
    return list(dict.fromkeys(found))


def _of(body: Node, params: Sequence[str], global_names: frozenset[str]) -> Iterator[str]:
    assigned = {*params, *_assigned(body)}
    known = sorted(assigned | global_names)
    for node in walk(body):
        if not isinstance(node, Name) or node.name in assigned or node.name in global_names:
            continue
        if not node.at.source.tapset:
            near = close_to(node.name, known, 1)
            similar = f" (did you mean {near[0]}?)" if near else ""
            yield f"{node.at}: the local variable '{node.name}' is never assigned{similar}".replace(
                DOLLAR, "$"
            )


def _assigned(body: Node) -> Iterator[str]:
    """Yield the names of variables that a body assigns."""
    for node in walk(body):
        match node:
            case (
                Assign(target=Name(name=name))
                | Crement(target=Name(name=name))
                | Try(message=Name(name=name))
            ):
                yield name
            case Foreach():
                yield from (variable.name for variable in (*node.keys, node.value) if variable is not None)
