"""Warn of locals that are read and never assigned: they are always 0 or empty."""

from collections.abc import Iterator, Sequence

from ktrace.model.near import close_to
from ktrace.script.language.ast import Assign, Crement, Foreach, In, Index, Name, Node, Try, children, walk
from ktrace.script.language.definitions import Functions, Script
from ktrace.script.language.source import DOLLAR
from ktrace.script.passes.hook import Hooks

_SHOWN = 5  # alternatives in one warning


def warn_of_unassigned(
    hooks: Hooks, functions: Functions, script: Script, warnings: Sequence[str]
) -> Sequence[str]:
    """Warn of locals that are read and never assigned."""
    own = script.global_names
    found = dict.fromkeys(warnings)
    for hook in hooks:
        if hook.refused is None:
            found |= dict.fromkeys(_of((*hook.conditions, hook.code), own, frozenset()))
    for function in functions.values():
        params = frozenset(one.name for one in function.params)
        if not function.at.source.tapset:
            found |= dict.fromkeys(_of((function.body,), own, params))
    return list(found)


def _of(parts: Sequence[Node], own: frozenset[str], params: frozenset[str]) -> Iterator[str]:
    """Yield a warning for each name, at the first place where it is read."""
    nodes = [node for part in parts for node in walk(part)]
    assigned = {name for node in nodes for name in _assigned(node)} | params
    arrays = {n.base.name for n in nodes if isinstance(n, Index) and isinstance(n.base, Name)}
    arrays |= {n.array.name for n in nodes if isinstance(n, In)}
    seen: set[str] = set()
    for part in parts:
        for name in _read(part):
            if name.name in assigned | own | arrays | seen or name.at.source.tapset:
                continue
            seen.add(name.name)
            near = close_to(name.name, sorted(assigned | own), _SHOWN, cutoff=0.5)
            others = f" (alternatives: {' '.join(near)})" if near else ""
            text = f"{name.at}: never-assigned local variable '{name.name}'{others}: it is 0 or empty"
            yield text.replace(DOLLAR, "$")


def _assigned(node: Node) -> Iterator[str]:
    """Yield the names that a node gives a value."""
    match node:
        case Assign(target=Name(name=name)) | Crement(target=Name(name=name)):
            yield name
        case Foreach():
            yield from (one.name for one in (*node.keys, *((node.value,) if node.value else ())))
        case Try(message=Name(name=name)):
            yield name


def _read(node: Node) -> Iterator[Name]:
    """Yield the names that a node reads, in the order of the text."""
    if isinstance(node, Assign) and node.op == "=" and isinstance(node.target, Name):
        yield from _read(node.value)
        return
    if isinstance(node, Name):
        yield node
    for child in children(node):
        yield from _read(child)
