"""Inline functions that read the kernel's memory into the handlers that call them.

A probe reads memory when it is hit, so the expression to read must be known in advance. With
`function name(t) { return task_execname(t) }`, the call `name($prev)` becomes `task_execname($prev)`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from ktrace.records import dataclass
from ktrace.script.language.ast import (
    Assign,
    Binary,
    Block,
    Call,
    Cast,
    Container,
    Defined,
    Entry,
    Expr,
    ExprStatement,
    If,
    Name,
    Node,
    Return,
    Statement,
    Target,
    Ternary,
    rebuilt,
    walk,
)
from ktrace.script.language.definitions import Functions, Script
from ktrace.script.passes.builtins import FETCHES
from ktrace.script.passes.hook import Hook, Hooks, each
from ktrace.script.passes.side_effects import is_harmless
from ktrace.script.passes.tasks import Numbered, numbered_locals, of_number, same_task

_DEPTH_MAX = 20

Key = tuple[str, int]
"""A function's name and its number of parameters."""


def inline(hooks: Hooks, functions: Functions, script: Script) -> Hooks:
    """Inline functions that read the kernel's memory.

    The statements of aliases become part of the hook's body.
    """
    is_global = script.global_names.__contains__

    def one(hook: Hook) -> Hook:
        conditions = tuple(_inlined(c, functions, is_global) for c in hook.conditions)
        body = _inlined(hook.code, functions, is_global)
        return replace(hook, before=(), body=body, after=(), conditions=conditions)

    return each(hooks, one)


def _inlined(node: Any, functions: Functions, is_global: Callable[[str], bool]) -> Any:
    return _Inliner(functions, is_global, numbered_locals(node, is_global)).node(node)


def reads_memory(key: Key, functions: Functions, within: tuple[Key, ...] = ()) -> bool:
    """Return whether a function, or one that it calls, reads the kernel's memory."""
    for node in walk(functions[key].body):
        if isinstance(node, Target | Cast | Container | Entry | Defined):
            return True
        if isinstance(node, Call):
            inner = (node.name, len(node.args))
            if inner in functions:
                if inner not in within and reads_memory(inner, functions, (*within, key)):
                    return True
            elif node.name in FETCHES:
                return True
    return False


def called(bodies: Sequence[Node], functions: Functions) -> set[Key]:
    """Return the functions that the bodies call, directly or indirectly."""
    found: set[Key] = set()
    todo: list[Node] = list(bodies)
    while todo:
        for node in walk(todo.pop()):
            if (
                isinstance(node, Call)
                and (key := (node.name, len(node.args))) in functions
                and key not in found
            ):
                found.add(key)
                todo.append(functions[key].body)
    return found


@dataclass(slots=True)
class _Inliner:
    functions: Functions
    is_global: Callable[[str], bool]
    numbered: Numbered = field(default_factory=dict)
    within: tuple[Key, ...] = ()

    def node(self, node: Any) -> Any:
        """Return a node with all calls in it inlined."""
        if isinstance(node, Call) and (known := self._of_number(node)) is not None and known is not node:
            return self.node(known)
        if isinstance(node, Binary) and (same := same_task(node, self.numbered)) is not None:
            return self.node(same)
        made = rebuilt(node, self.node)
        return self._call(made) if isinstance(made, Call) else made

    def _call(self, node: Call) -> Expr:
        key = (node.name, len(node.args))
        function = self.functions.get(key)
        if function is None or key in self.within or len(self.within) >= _DEPTH_MAX or not self._reads(key):
            return node
        value = value_of(function.body.body, self.is_global)
        if value is None:
            return node
        params = dict(zip((one.name for one in function.params), node.args, strict=True))
        uses = Counter(one.name for one in walk(value) if isinstance(one, Name))
        if any(uses[name] > 1 and not is_harmless(arg) for name, arg in params.items()):
            return node
        if any(name not in params and not self.is_global(name) for name in uses):
            return node
        place = node.at if function.at.source.tapset else None
        made: Expr = _with(value, params, place)
        return _Inliner(self.functions, self.is_global, self.numbered, (*self.within, key)).node(made)  # type: ignore[no-any-return]  # an expression for one

    def _reads(self, key: Key) -> bool:
        return reads_memory(key, self.functions)

    def _of_number(self, node: Call) -> Expr | None:
        """Replace functions of tasks known by number. The script's own functions of these names stay."""
        own = self.functions.get((node.name, len(node.args)))
        if own is not None and not own.at.source.tapset:
            return None
        return of_number(node, self.numbered)


def value_of(body: Sequence[Statement], is_global: Callable[[str], bool]) -> Expr | None:
    """Return a body's result as one expression, or None if the body does more than that."""
    if not body:
        return None
    first, *rest = body
    match first:
        case Block():
            return value_of((*first.body, *rest), is_global)
        case Return() if first.value is not None:
            return first.value
        case If():
            yes = value_of((first.yes, *rest), is_global)
            no = value_of((*((first.no,) if first.no is not None else ()), *rest), is_global)
            if yes is None or no is None:
                return None
            return Ternary(first.at, first.condition, yes, no)
        case ExprStatement(value=Assign(op="=", target=Name(name=name), value=value)):
            if is_global(name) or not is_harmless(value):
                return None
            following = value_of(rest, is_global)
            return None if following is None else _with(following, {name: value}, None)
    return None


def _with(node: Any, values: Mapping[str, Expr], place: Any) -> Any:
    """Replace names in a node and move the node to another position if one is given."""
    if isinstance(node, Name) and node.name in values:
        return values[node.name]
    made = rebuilt(node, lambda child: _with(child, values, place))
    return made if place is None else replace(made, at=place)
