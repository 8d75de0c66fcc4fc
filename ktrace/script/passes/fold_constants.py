"""Fold constants and remove code that cannot run."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from ktrace.errors import KtraceError, NotFound
from ktrace.script.kernel_interface import Machine
from ktrace.script.language.arithmetic import shl, shr, wrap
from ktrace.script.language.ast import (
    Binary,
    Block,
    Cast,
    Container,
    Defined,
    Expr,
    ExprStatement,
    If,
    Item,
    Member,
    Number,
    Ternary,
    Text,
    TypeFact,
    Unary,
    rebuilt,
)
from ktrace.script.language.definitions import Functions
from ktrace.script.language.points import OwnSite
from ktrace.script.language.source import ScriptError
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

        conditions = tuple(_fold(c, is_defined, machine) for c in hook.conditions)
        return replace(hook, body=_fold(hook.body, is_defined, machine), conditions=conditions)

    # The `@defined` of a function has been inlined with it, or is refused later.
    folded = {key: replace(one, body=_fold(one.body, None, machine)) for key, one in functions.items()}
    return each(hooks, one), folded


def _is_defined(hook: Hook, machine: Machine | None, e: Expr) -> bool:
    """Return whether a variable can be read at a hook's probe point."""
    if isinstance(hook.site, OwnSite):
        return False
    alone = replace(hook, body=Block(e.at, (ExprStatement(e.at, e),)), before=(), after=(), conditions=())
    try:
        wanted = find_targets(alone, lambda _: False)
        kernel = machine_at(hook.point, machine)
        return kernel.readable(hook.site, (*wanted.reads, *wanted.entry_reads))
    except KtraceError:
        return False


def _fold(node: Any, is_defined: IsDefined | None, machine: Machine | None) -> Any:
    def fold(inner: Any) -> Any:
        return _fold(inner, is_defined, machine)

    if isinstance(node, Defined):
        return node if is_defined is None else Number(node.at, int(is_defined(node.value)))
    if isinstance(node, Ternary | If):
        condition = fold(node.condition)
        if isinstance(condition, Number):
            chosen = node.yes if condition.value else node.no
            return Block(node.at, ()) if chosen is None else fold(chosen)
    if isinstance(node, Binary) and node.op in ("&&", "||"):
        left = fold(node.left)
        # The operand after a decided && or || may not even exist on this kernel.
        if isinstance(left, Number) and bool(left.value) == (node.op == "||"):
            return Number(node.at, int(node.op == "||"))
    return _computed(_of_types(rebuilt(node, fold), machine))


def _of_types(node: Any, machine: Machine | None) -> Any:
    """Replace what the kernel's types tell by numbers."""
    match node:
        case TypeFact(op="defined"):
            try:
                _layout(node, machine)
            except ScriptError as error:
                if machine is None:
                    raise
                assert error
                return Number(node.at, 0)
            return Number(node.at, 1)
        case TypeFact():
            return Number(node.at, _layout(node, machine)[1])
        case Container(offset=None):
            return replace(node, offset=_layout(node, machine)[0])
        case Cast(address=True, value=Number(value=base), type=str(), path=path) if path:
            size = _layout(replace(node, path=()), machine)[1]
            whole, inner = (path[0], path[1:]) if isinstance(path[0], Item) else (None, path)
            at = whole.index.value if whole is not None and isinstance(whole.index, Number) else 0
            return Number(node.at, wrap(base + at * size + _layout(replace(node, path=inner), machine)[0]))
    return node


def _layout(node: TypeFact | Container | Cast, machine: Machine | None) -> tuple[int, int]:
    """Return offset and size of what a node names. Raises ScriptError if the kernel does not have it."""
    if machine is None:
        raise ScriptError("only a kernel knows the types of its memory", node.at)
    steps: list[str | int] = []
    for step in node.path:
        if isinstance(step, Member):
            steps.append(step.name)
        elif isinstance(step.index, Number):
            steps.append(step.index.value)
        else:
            raise ScriptError("an index into a type is a literal number", step.at)
    assert node.type is not None
    try:
        return machine.layout(node.type, node.module, steps)
    except NotFound as error:
        raise ScriptError(error.message, node.at, hint=error.hint) from None


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
