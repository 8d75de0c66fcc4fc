"""Turn conditions of handlers into kernel event filters, without changing the result.

If a handler does nothing unless `$count == 777`, that condition becomes the event's filter. If no handler
does anything unless `pid() == target()`, only the command's tasks are recorded. A filter only drops events
that the handler would ignore; the handler still tests all its conditions.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from ktrace.model.fetch_types import INTEGERS
from ktrace.script.kernel_interface import Found
from ktrace.script.language.ast import (
    Assign,
    Binary,
    Call,
    Expr,
    ExprStatement,
    If,
    Name,
    Number,
    Statement,
    Text,
    Unary,
    flat,
    is_next,
)
from ktrace.script.language.definitions import Script
from ktrace.script.language.points import AtFunction, AtSyscall
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.pushed import Pushed
from ktrace.script.passes.side_effects import is_quiet

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}
_LARGEST = (1 << 31) - 1
_HIGH = (1 << 63) - 1
# Types that the kernel orders in the same way as signed 64-bit numbers.
_ORDERED = [one.name for one in INTEGERS if one.signed or one.size < 8]
_UNSIGNED = [one.name for one in INTEGERS if one.name not in _ORDERED]
_COMM_MAX = 15


def push_down_filters(script: Script, bound: Sequence[Bound]) -> Pushed:
    """Turn conditions of handlers into kernel event filters."""
    is_global = script.global_names.__contains__
    handlers = Counter(found.event for b in bound for found in (*b.found, *b.entries))
    inside = [b for b in bound if b.found]
    guards = {b.scope: list(_guards(b, is_global)) for b in inside}
    filters: dict[int, str] = {}
    for one in inside:
        if one.entries:
            continue  # every return has to remove the entry that was kept for it
        for found in one.found:
            parts = [filter_text(guard, one, found) for guard in guards[one.scope]]
            wanted = [part for part in parts if part]
            if wanted and handlers[found.event] == 1:
                filters[found.key] = " && ".join(dict.fromkeys(wanted))
    only_target = bool(inside) and all(any(map(_of_target, parts)) for parts in guards.values())
    return Pushed(filters, only_target)


def _guards(bound: Bound, is_global: Callable[[str], bool]) -> Iterator[Expr]:
    """Yield the conditions that must all hold for the handler to do anything."""
    for condition in bound.hook.conditions:
        if not is_quiet(condition):
            return
        yield from _all_of(condition)
    todo = list(flat(bound.hook.code))
    while todo and _is_local(todo[0], is_global):
        todo.pop(0)
    if not todo or not isinstance(todo[0], If):
        return
    first = todo[0]
    if first.no is not None or not is_quiet(first.condition):
        return
    if len(todo) == 1:
        yield from _all_of(first.condition)
    elif is_next(first.yes):
        for one in _parts(first.condition, "||"):
            if isinstance(one, Binary) and one.op in _OPPOSITE:
                yield Binary(one.at, _OPPOSITE[one.op], one.left, one.right)


def _is_local(one: Statement, is_global: Callable[[str], bool]) -> bool:
    """Return whether a statement only assigns to a local variable, as those of aliases do."""
    value = one.value if isinstance(one, ExprStatement) else None
    if not isinstance(value, Assign) or value.op != "=" or not isinstance(value.target, Name):
        return False
    return not is_global(value.target.name) and is_quiet(value.value)


def _all_of(e: Expr) -> Iterator[Expr]:
    yield from _parts(e, "&&")


def _parts(e: Expr, op: str) -> Iterator[Expr]:
    if isinstance(e, Binary) and e.op == op:
        yield from _parts(e.left, op)
        yield from _parts(e.right, op)
    else:
        yield e


def _of_target(e: Expr) -> bool:
    """Return whether an expression is `pid() == target()` or `tid() == target()`, in either order."""
    if not isinstance(e, Binary) or e.op != "==":
        return False
    names = {side.name for side in (e.left, e.right) if isinstance(side, Call) and not side.args}
    return names in ({"pid", "target"}, {"tid", "target"})


def filter_text(e: Expr, bound: Bound, found: Found) -> str | None:
    """Return the kernel event filter that is equivalent to a comparison, or None if there is none."""
    if isinstance(e, Unary) or not isinstance(e, Binary) or e.op not in _OPPOSITE:
        return None
    left, op, right = e.left, e.op, e.right
    if isinstance(left, Number | Text):
        left, op, right = right, _MIRRORED[op], left
    if isinstance(right, Text):
        return _of_name(left, op, right.value, bound)
    if not isinstance(right, Number) or not 0 <= right.value <= _LARGEST:
        return None
    if isinstance(left, Call) and not left.args and op in ("==", "!="):
        name = {"tid": "common_pid", "cpu": "CPU"}.get(left.name)
        return f"{name} {op} {right.value}" if name else None
    column = bound.wanted.fields.get(left, "")
    if column[:1] != "f" or not isinstance(bound.site, AtFunction | AtSyscall):
        return None
    index = int(column[1:])
    kind = found.types[index] if index < len(found.types) else ""
    name = found.columns[index]
    if op in ("==", "!=") or kind in _ORDERED:
        return f"{name} {op} {right.value}"
    if kind not in _UNSIGNED:
        return None
    # The largest unsigned values are negative in a script.
    return (
        f"({name} {op} {right.value} {'&& ' + name + ' <=' if op[0] == '>' else '|| ' + name + ' >'} {_HIGH})"
    )


def _of_name(left: Expr, op: str, name: str, bound: Bound) -> str | None:
    if not (isinstance(left, Call) and left.name == "execname" and op in ("==", "!=")):
        return None
    if not isinstance(bound.site, AtFunction | AtSyscall):
        return None  # the filter would see the name that the kernel saved, which may be older
    plain = name.isascii() and name.isprintable() and not set(name) & set("\"'\\*?[]")
    return f'COMM {op} "{name}"' if plain and 0 < len(name) <= _COMM_MAX else None
