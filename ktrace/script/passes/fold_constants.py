"""Fold constants and remove code that cannot run."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from ktrace.errors import KtraceError
from ktrace.script.kernel_interface import Machine
from ktrace.script.language.arithmetic import shl, shr, wrap
from ktrace.script.language.ast import (
    Binary,
    Block,
    Defined,
    Expr,
    ExprStatement,
    If,
    Number,
    Ternary,
    Text,
    Unary,
    rebuilt,
)
from ktrace.script.language.definitions import Functions
from ktrace.script.language.points import AtMoment, Timer
from ktrace.script.passes.find_reads import find_targets
from ktrace.script.passes.hook import Hook, Hooks, each, machine_at

IsDefined: TypeAlias = Callable[[Expr], bool]

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


def fold_constants(hooks: Hooks, functions: Functions, machine: Machine | None) -> tuple[Hooks, Functions]:
    """Compute constants and remove code that cannot run.

    In hooks, `@defined` becomes a constant, too.
    """

    def one(hook: Hook) -> Hook:
        def is_defined(e: Expr) -> bool:
            return _is_defined(hook, machine, e)

        conditions = tuple(_fold(c, is_defined) for c in hook.conditions)
        return replace(hook, body=_fold(hook.body, is_defined), conditions=conditions)

    # The `@defined` of a function has been inlined with it, or is refused later.
    folded = {key: replace(one, body=_fold(one.body, None)) for key, one in functions.items()}
    return each(hooks, one), folded


def _is_defined(hook: Hook, machine: Machine | None, e: Expr) -> bool:
    """Return whether a variable can be read at a hook's probe point."""
    if isinstance(hook.site, AtMoment | Timer):
        return False
    alone = replace(hook, body=Block(e.at, (ExprStatement(e.at, e),)), before=(), after=(), conditions=())
    try:
        wanted = find_targets(alone, lambda _: False)
        kernel = machine_at(hook.point, machine)
        return kernel.readable(hook.site, (*wanted.reads, *wanted.entry_reads))
    except KtraceError:
        return False


def _fold(node: Any, is_defined: IsDefined | None) -> Any:
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
    return _computed(rebuilt(node, lambda child: _fold(child, is_defined)))


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
