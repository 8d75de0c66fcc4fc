"""Tasks that are known by number: `task_current()`, `pid2task(pid)`, their parents, and locals set to them.

A probe cannot read where the current task's struct is. So in a script such a task is its number, and
functions of it are built-in ones that take the number.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeAlias

from ktrace.script.language.ast import (
    Assign,
    Binary,
    Call,
    Cast,
    Crement,
    Expr,
    Foreach,
    Name,
    Node,
    Target,
    walk,
)

Numbered: TypeAlias = Mapping[str, bool]
"""The locals that are tasks known by number, and whether each is only ever the current task."""

_LIMITS = (
    *("cpu", "fsize", "data", "stack", "core", "rss", "nproc", "nofile", "memlock", "as", "locks"),
    *("sigpending", "msgqueue", "nice", "rtprio", "rttime"),
)

CURRENT = {
    "task_pid": "pid",
    "task_tid": "tid",
    "task_execname": "execname",
    "task_uid": "uid",
    "task_euid": "euid",
    "task_gid": "gid",
    "task_egid": "egid",
    "task_cpu": "cpu",
    "task_utime": "task_utime",
    "task_stime": "task_stime",
    "task_backtrace": "sprint_backtrace",
}
"""Functions of the current task that the event itself answers, or built-in ones without an argument."""

_PARENT = {"task_pid": "ppid", "task_execname": "pexecname"}

BY_NUMBER = {
    "task_pid": "__ktrace_task_pid",
    "task_execname": "pid2execname",
    "task_parent": "__ktrace_task_parent",
    "task_prio": "__ktrace_task_prio",
    "task_nice": "__ktrace_task_nice",
    "task_state": "__ktrace_task_state",
    "task_cpu": "__ktrace_task_cpu",
    "task_start_time": "__ktrace_task_start_time",
    "task_utime": "__ktrace_task_utime",
    "task_stime": "__ktrace_task_stime",
    "task_uid": "__ktrace_task_uid",
    "task_euid": "__ktrace_task_euid",
    "task_gid": "__ktrace_task_gid",
    "task_egid": "__ktrace_task_egid",
    "task_open_file_handles": "__ktrace_task_open_files",
    "task_max_file_handles": "__ktrace_task_max_files",
    "pstrace": "__ktrace_pstrace",
    **{f"task_rlimit_{name}": f"__ktrace_task_limit_{name}" for name in _LIMITS},
}
"""Functions of a task, and the built-in functions that take its number."""

_NUMBER = "__ktrace_task"  # returns its argument; a probe does not take it for a pointer
MAKERS = ("task_current", "pid2task", "task_parent")
"""Functions whose result is a task that is known by number."""


def of_number(node: Call, numbered: Numbered) -> Expr | None:
    """Return a call that takes a task's number, in place of one that takes the task.

    Args:
        numbered: the locals that are tasks known by number.

    Return None if the call is not of such a task.
    """
    if node.name in MAKERS and (number := number_of(node, numbered)) is not None:
        return number
    if len(node.args) != 1 or node.name not in {*CURRENT, *BY_NUMBER, "task_tid"}:
        return None
    (task,) = node.args
    if _is_current(task, numbered) and node.name in CURRENT:
        return Call(node.at, CURRENT[node.name], ())
    if node.name in _PARENT and _is_parent_of_current(task, numbered):
        return Call(node.at, _PARENT[node.name], ())
    number = number_of(task, numbered)
    if number is None:
        return None
    if isinstance(number, Call) and number.name == _NUMBER:
        (number,) = number.args
    return number if node.name == "task_tid" else Call(node.at, BY_NUMBER[node.name], (number,))


def number_of(task: Expr, numbered: Numbered) -> Expr | None:
    """Return the number of a task; None if the expression is not a task known by number."""
    match task:
        case Name() if task.name in numbered:
            return task
        case Call(name="task_current" | "tid" | "pid", args=()):
            return Call(task.at, "pid" if task.name == "pid" else "tid", ())
        case Call(name="pid2task", args=(pid,)):
            return Call(task.at, _NUMBER, (pid,))
        case Call(name="task_parent", args=()):
            return Call(task.at, "ppid", ())
        case Call(name="task_parent", args=(child,)) if _is_current(child, numbered):
            return Call(task.at, "ppid", ())
        case Call(name="task_parent", args=(child,)):
            number = number_of(child, numbered)
            return None if number is None else Call(task.at, "__ktrace_task_parent", (number,))
        case Call(name="__ktrace_task_parent" | "__ktrace_task"):
            return task
    return None


def same_task(node: Binary, numbered: Numbered) -> Binary | None:
    """Return a comparison of numbers, in place of one of a task known by number with a pointer."""
    if node.op not in ("==", "!="):
        return None
    for side, other in (("left", "right"), ("right", "left")):
        task, pointer = getattr(node, side), getattr(node, other)
        is_task = isinstance(task, Name) or (isinstance(task, Call) and task.name in MAKERS)
        if is_task and isinstance(pointer, Target | Cast) and number_of(task, numbered) is not None:
            number = Call(pointer.at, "task_tid", (pointer,))
            return replace(node, right=number) if other == "right" else replace(node, left=number)
    return None


def numbered_locals(node: Node, is_global: Callable[[str], bool]) -> Numbered:
    """Return the locals that are only ever set to tasks known by number."""
    values: dict[str, list[Expr]] = {}
    others: set[str] = set()
    for one in walk(node):
        if isinstance(one, Assign) and one.op == "=" and isinstance(one.target, Name):
            values.setdefault(one.target.name, []).append(one.value)
        elif isinstance(one, Assign | Crement) and isinstance(one.target, Name):
            others.add(one.target.name)
        elif isinstance(one, Foreach):
            others |= {variable.name for variable in (*one.keys, *((one.value,) if one.value else ()))}
    found: dict[str, bool] = {}
    left = {name: given for name, given in values.items() if name not in others and not is_global(name)}
    while True:
        made = [name for name, given in left.items() if all(_is_made(value, found) for value in given)]
        if not made:
            return found
        for name in made:
            found[name] = all(_is_current(value, found) for value in left.pop(name))


def _is_made(value: Expr, numbered: Numbered) -> bool:
    """Return whether a value is a task, and not just any number such as `tid()`."""
    is_task = isinstance(value, Name) or (isinstance(value, Call) and value.name in MAKERS)
    return is_task and number_of(value, numbered) is not None


def _is_parent_of_current(task: Expr, numbered: Numbered) -> bool:
    if not (isinstance(task, Call) and task.name == "task_parent"):
        return False
    return not task.args or _is_current(task.args[0], numbered)


def _is_current(task: Expr, numbered: Numbered) -> bool:
    if isinstance(task, Name):
        return numbered.get(task.name, False)
    return isinstance(task, Call) and task.name in ("task_current", "tid") and not task.args
