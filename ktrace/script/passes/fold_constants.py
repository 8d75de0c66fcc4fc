"""Fold constants and remove code that cannot run or has no effect."""

import functools
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any, TypeVar

from ktrace.script.language.arithmetic import shl, shr, wrap
from ktrace.script.language.ast import (
    Assign,
    Binary,
    Block,
    Call,
    Cast,
    Crement,
    Defined,
    Entry,
    Expr,
    ExprStatement,
    If,
    Name,
    Number,
    Target,
    Ternary,
    Text,
    Unary,
    While,
    walk,
)
from ktrace.script.passes.builtins import BUILTINS, FETCHES

Node = TypeVar("Node")
IsDefined = Callable[[Expr], bool]

_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: wrap(a + b),
    "-": lambda a, b: wrap(a - b),
    "*": lambda a, b: wrap(a * b),
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": shl,
    ">>": shr,
    "==": lambda a, b: int(a == b),
    "!=": lambda a, b: int(a != b),
    "<": lambda a, b: int(a < b),
    "<=": lambda a, b: int(a <= b),
    ">": lambda a, b: int(a > b),
    ">=": lambda a, b: int(a >= b),
    "&&": lambda a, b: int(bool(a and b)),
    "||": lambda a, b: int(bool(a or b)),
}


def fold(node: Node, is_defined: IsDefined | None = None) -> Node:
    """Return a node with constants computed, `@defined` answered and dead branches removed."""
    return _fold(node, is_defined)  # type: ignore[no-any-return]  # a node for a node


def _fold(node: Any, is_defined: IsDefined | None) -> Any:
    if isinstance(node, tuple):
        return tuple(_fold(one, is_defined) for one in node)
    if not hasattr(node, "at"):
        return node
    if isinstance(node, Defined):
        return node if is_defined is None else Number(node.at, int(is_defined(node.value)))
    if isinstance(node, Ternary | If):
        condition = _fold(node.condition, is_defined)
        if isinstance(condition, Number):
            chosen = node.yes if condition.value else node.no
            return Block(node.at, ()) if chosen is None else _fold(chosen, is_defined)
    if isinstance(node, Binary) and node.op in ("&&", "||"):
        left = _fold(node.left, is_defined)
        # The operand after a decided && or || may not even exist on this kernel.
        if isinstance(left, Number) and bool(left.value) == (node.op == "||"):
            return Number(node.at, int(node.op == "||"))
    changed = {}
    for entry in fields(node):
        if entry.name == "at":
            continue
        old = getattr(node, entry.name)
        if hasattr(old, "at") or isinstance(old, tuple):
            new = _fold(old, is_defined)
            if new is not old and new != old:
                changed[entry.name] = new
    made = replace(node, **changed) if changed else node
    return _computed(made)


def _computed(node: Any) -> Any:
    match node:
        case Binary(op=op, left=Number(value=a), right=Number(value=b)) if op in _ARITHMETIC:
            return Number(node.at, _ARITHMETIC[op](a, b))
        case Binary(op=".", left=Text(value=c), right=Text(value=d)):
            return Text(node.at, c + d)
        case Binary(op=op, left=Text(value=c), right=Text(value=d)) if op in ("==", "!="):
            return Number(node.at, int((c == d) == (op == "==")))
        case Unary(op="-", value=Number(value=a)):
            return Number(node.at, wrap(-a))
        case Unary(op="!", value=Number(value=a)):
            return Number(node.at, int(not a))
        case Unary(op="~", value=Number(value=a)):
            return Number(node.at, ~a)
        case Unary(op="+", value=Number(value=a)):
            return Number(node.at, a)
    return node


def without_unused(body: Block, conditions: tuple[Expr, ...], is_global: Callable[[str], bool]) -> Block:
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


def _reads(node: Any, read: set[str]) -> None:
    """Collect the names that are read."""
    if isinstance(node, Assign) and node.op == "=" and isinstance(node.target, Name):
        _reads(node.value, read)
        return
    if isinstance(node, Name):
        read.add(node.name)
    for entry in fields(node):
        value = getattr(node, entry.name)
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "at"):
                _reads(item, read)


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
        if isinstance(target, Name) and not is_read(target.name) and fetched and is_harmless(value):
            return Block(node.at, ())
    if isinstance(node, If | While):
        parts = {"yes": node.yes, "no": node.no} if isinstance(node, If) else {"body": node.body}
        made = {key: _dropping(part, is_read) for key, part in parts.items() if part is not None}
        if any(made[key] is not parts[key] for key in made):
            return replace(node, **made)
    return node


def is_harmless(e: Expr) -> bool:
    """Return whether an expression can be removed without side effects."""
    for node in walk(e):
        if isinstance(node, Assign | Crement):
            return False
        if isinstance(node, Call):
            known = BUILTINS.get(node.name, ())
            pure = bool(known) and all(one.pure for one in known)
            if not (pure or node.name in FETCHES or node.name.startswith("sprint")):
                return False
        if isinstance(node, Binary) and node.op in ("/", "%") and not isinstance(node.right, Number):
            return False
    return True
