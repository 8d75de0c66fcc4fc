"""Drop assignments to locals that are never read, so that their values are not fetched from the kernel."""

import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ktrace.script.language.ast import (
    Assign,
    Block,
    Cast,
    Entry,
    Expr,
    ExprStatement,
    If,
    Name,
    Node,
    Target,
    While,
    children,
    walk,
)
from ktrace.script.language.definitions import Script
from ktrace.script.passes.hook import Hook, Hooks, each
from ktrace.script.passes.side_effects import is_harmless


def drop_unused(hooks: Hooks, script: Script) -> Hooks:
    """Remove assignments to locals that are never read.

    Aliases make many of them.
    """
    is_global = script.global_names.__contains__

    def one(hook: Hook) -> Hook:
        return replace(hook, body=_without_unused(hook.body, hook.conditions, is_global))

    return each(hooks, one)


def _without_unused(body: Block, conditions: tuple[Expr, ...], is_global: Callable[[str], bool]) -> Block:
    """Remove assignments to locals that are never read. Aliases make many of them.

    The values of removed assignments are not fetched from the kernel either.
    """
    while True:
        read: set[str] = set()
        for condition in conditions:
            _reads(condition, read)
        _reads(body, read)
        smaller: Block = _dropping(body, functools.partial(_is_read, read, is_global))
        if smaller is body:
            return body
        body = smaller


def _is_read(read: set[str], is_global: Callable[[str], bool], name: str) -> bool:
    return name in read or is_global(name)


def _reads(node: Node, read: set[str]) -> None:
    """Collect the names that are read."""
    if isinstance(node, Assign) and node.op == "=" and isinstance(node.target, Name):
        _reads(node.value, read)
        return
    if isinstance(node, Name):
        read.add(node.name)
    for child in children(node):
        _reads(child, read)


def _dropping(node: Any, is_read: Callable[[str], bool]) -> Any:
    if isinstance(node, Block):
        body = tuple(_dropping(one, is_read) for one in node.body)
        kept = tuple(one for one in body if not (isinstance(one, Block) and not one.body))
        same = len(kept) == len(node.body) and all(a is b for a, b in zip(kept, node.body, strict=True))
        return node if same else Block(node.at, kept)
    if isinstance(node, ExprStatement) and isinstance(node.value, Assign) and node.value.op == "=":
        target = node.value.target
        value = node.value.value
        # Keep the user's other assignments, so that later passes find the errors in them.
        fetched = node.at.source.tapset or any(isinstance(n, Target | Cast | Entry) for n in walk(value))
        # The functions that aliases call compute a value and do nothing else.
        harmless = node.at.source.tapset or is_harmless(value)
        if isinstance(target, Name) and not is_read(target.name) and fetched and harmless:
            return Block(node.at, ())
    if isinstance(node, If | While):
        parts = {"yes": node.yes, "no": node.no} if isinstance(node, If) else {"body": node.body}
        made = {key: _dropping(part, is_read) for key, part in parts.items() if part is not None}
        if any(made[key] is not parts[key] for key in made):
            return replace(node, **made)
    return node
