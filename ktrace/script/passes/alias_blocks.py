"""The blocks that an alias puts around a handler. `@probewrite` in them is known when the alias is used."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from ktrace.script.language.ast import (
    PROBE_WRITE,
    Assign,
    Block,
    Call,
    Crement,
    Foreach,
    Name,
    Node,
    Number,
    Try,
    rebuilt,
    variable_of,
    walk,
)
from ktrace.script.language.definitions import Alias

Blocks: TypeAlias = tuple[Block, ...]


def blocks_of(alias: Alias, handler: Block, outer: Sequence[Alias]) -> tuple[Blocks, Blocks]:
    """Return the blocks that run before and after a handler that uses an alias.

    `@probewrite(v)` in them is 1 if the handler writes `v`, otherwise 0.

    Args:
        outer: the aliases that lead to this one. Their blocks are part of the handler.
    """
    bodies = alias.bodies
    if any(_asks(node) for body in bodies for node in walk(body)):
        parts = (handler, *(body for one in outer for body in one.bodies))
        written = {name for part in parts for node in walk(part) for name in _written(node)}
        bodies = tuple(_answered(body, written) for body in bodies)
    before, after = ((), bodies) if alias.epilogue else (bodies[:1], bodies[1:])
    return tuple(one for one in before if one.body), tuple(one for one in after if one.body)


def _asks(node: Any) -> bool:
    return isinstance(node, Call) and node.name == PROBE_WRITE


def _answered(node: Any, written: set[str]) -> Any:
    if _asks(node):
        return Number(node.at, int(node.args[0].name in written))
    return rebuilt(node, lambda child: _answered(child, written))


def _written(node: Node) -> Iterator[str]:
    """Yield the names of the variables that a node writes."""
    match node:
        case Assign() | Crement():
            found = variable_of(node.target)
            yield from (found.name,) if found is not None else ()
        case Foreach():
            yield from (one.name for one in (*node.keys, *((node.value,) if node.value else ())))
        case Try(message=Name(name=name)):
            yield name
