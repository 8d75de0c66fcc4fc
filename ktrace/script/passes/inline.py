"""Inline functions that read the kernel's memory into the handlers that call them.

A probe reads memory when it is hit, so the expression to read must be known in advance. With
`function name(t) { return task_execname(t) }`, the call `name($prev)` becomes `task_execname($prev)`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ktrace.script.language.ast import (
    Assign,
    Block,
    Call,
    Cast,
    Container,
    Crement,
    Defined,
    Entry,
    Expr,
    ExprStatement,
    Foreach,
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

_DEPTH_MAX = 20

# Properties of the current task, which a probe cannot read from memory.
_CURRENT = {
    "task_pid": "pid",
    "task_tid": "tid",
    "task_execname": "execname",
    "task_uid": "uid",
    "task_euid": "euid",
    "task_gid": "gid",
    "task_egid": "egid",
    "task_cpu": "cpu",
}
_PARENT = {"task_pid": "ppid", "task_execname": "pexecname"}

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
    return _Inliner(functions, is_global, _currents(node, is_global)).node(node)


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
    currents: frozenset[str] = frozenset()
    within: tuple[Key, ...] = ()

    def node(self, node: Any) -> Any:
        """Return a node with all calls in it inlined."""
        if isinstance(node, Call) and node.name.startswith("task_") and (known := self._of_current(node)):
            return self.node(known)
        made = rebuilt(node, self.node)
        return self._call(made) if isinstance(made, Call) else made

    def _call(self, node: Call) -> Expr:
        key = (node.name, len(node.args))
        function = self.functions.get(key)
        if function is None:
            # Where no memory is read, the thread id can stand for the task.
            return Call(node.at, "tid", ()) if key == ("task_current", 0) else node
        if key in self.within or len(self.within) >= _DEPTH_MAX or not self._reads(key):
            return node
        value = _value(function.body.body, self.is_global)
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
        return _Inliner(self.functions, self.is_global, within=(*self.within, key)).node(made)  # type: ignore[no-any-return]  # an expression for one

    def _reads(self, key: Key) -> bool:
        return reads_memory(key, self.functions)

    def _of_current(self, node: Call) -> Expr | None:
        """Replace `task_pid(task_current())` by `pid()`. Return None if it is not the current task."""
        own = self.functions.get((node.name, len(node.args)))
        if own is not None and not own.at.source.tapset:
            return None
        match node:
            case Call(name=name, args=(task,)) if name in _CURRENT and self._is_current(task):
                return Call(node.at, _CURRENT[name], ())
            case Call(name=name, args=(Call(name="task_parent", args=(task,)),)) if name in _PARENT:
                return Call(node.at, _PARENT[name], ()) if self._is_current(task) else None
            case Call(name="task_execname", args=(Call(name="pid2task", args=(pid,)),)):
                return Call(node.at, "pid2execname", (pid,))
            case Call(name="task_pid" | "task_tid", args=(Call(name="pid2task", args=(pid,)),)):
                return pid
        return None

    def _is_current(self, task: Expr) -> bool:
        if isinstance(task, Name):
            return task.name in self.currents
        return isinstance(task, Call) and task.name in ("task_current", "tid") and not task.args


def _value(body: Sequence[Statement], is_global: Callable[[str], bool]) -> Expr | None:
    """Return a body's result as one expression, or None if the body does more than that."""
    if not body:
        return None
    first, *rest = body
    match first:
        case Block():
            return _value((*first.body, *rest), is_global)
        case Return() if first.value is not None:
            return first.value
        case If():
            yes = _value((first.yes, *rest), is_global)
            no = _value((*((first.no,) if first.no is not None else ()), *rest), is_global)
            if yes is None or no is None:
                return None
            return Ternary(first.at, first.condition, yes, no)
        case ExprStatement(value=Assign(op="=", target=Name(name=name), value=value)):
            if is_global(name) or not is_harmless(value):
                return None
            following = _value(rest, is_global)
            return None if following is None else _with(following, {name: value}, None)
    return None


def _with(node: Any, values: Mapping[str, Expr], place: Any) -> Any:
    """Replace names in a node and move the node to another position if one is given."""
    if isinstance(node, Name) and node.name in values:
        return values[node.name]
    made = rebuilt(node, lambda child: _with(child, values, place))
    return made if place is None else replace(made, at=place)


def _currents(node: Node, is_global: Callable[[str], bool]) -> frozenset[str]:
    """Return the locals that are only ever assigned the current task."""
    found: Counter[str] = Counter()
    others: set[str] = set()
    for one in walk(node):
        if isinstance(one, Assign | Crement) and isinstance(one.target, Name):
            value = one.value if isinstance(one, Assign) and one.op == "=" else None
            if isinstance(value, Call) and value.name == "task_current":
                found[one.target.name] += 1
            else:
                others.add(one.target.name)
        elif isinstance(one, Foreach):
            others |= {variable.name for variable in one.keys}
    return frozenset(name for name in found if name not in others and not is_global(name))
