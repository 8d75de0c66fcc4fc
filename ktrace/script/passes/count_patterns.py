"""Recognize handlers that only add to variables, for the pass `push_down_counts`."""

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from typing import TypeAlias

from ktrace.aggregate.hist import Term, both
from ktrace.records import dataclass
from ktrace.script.kernel_interface import TASK_NAME, Found
from ktrace.script.language.ast import (
    Assign,
    Binary,
    Call,
    Crement,
    Expr,
    ExprStatement,
    If,
    Index,
    Jump,
    Name,
    Number,
    Statement,
    Ternary,
    Text,
    Unary,
    flat,
    is_next,
    variable_of,
)
from ktrace.script.language.points import AtFunction, AtSyscall
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.push_down_filters import filter_text
from ktrace.script.passes.side_effects import is_quiet
from ktrace.script.passes.types import Types

_NUMBERS = frozenset(f"{sign}{bits}" for sign in "sux" for bits in (8, 16, 32, 64))
_CONSTANTS = ("probefunc", "ppfunc", "pp", "probemod")
# Injective functions: they do not merge keys.
_APART = ("__ktrace_syscall_name",)

Keys: TypeAlias = tuple[tuple[Term, bool], ...]
"""The kernel's keys, each with a flag that says whether it is text."""


class NotCounting(Exception):
    """Raised if the handler does anything but count."""


@dataclass(frozen=True, slots=True)
class Added:
    """One addition: like `push_down_counts.Sum`, with the kernel's keys and the field to sum.

    Attributes:
        condition: a kernel event filter; None for every hit.
    """

    name: str
    keys: Keys
    parts: tuple[int | str | None, ...]
    picks: tuple[int, ...]
    shows: tuple[str, ...]
    value: str | None
    factor: int
    stat: bool
    condition: str | None


def additions(bound: Bound, found: Found, types: Types) -> list[Added]:
    """Return all additions of a handler at one event. Raises NotCounting if it does anything else."""
    reader = _Reader(bound, found, types)
    condition = None
    for one in bound.hook.conditions:
        condition = both(condition, reader.condition(one))
    return list(reader.statements([bound.hook.code], condition, top=True))


@dataclass(slots=True)
class _Reader:
    """Reads one handler from top to bottom; `values` holds the values of its locals."""

    bound: Bound
    found: Found
    types: Types
    values: dict[str, Expr] = field(default_factory=dict)

    def statements(self, body: Sequence[Statement], condition: str | None, *, top: bool) -> Iterator[Added]:
        todo = [inner for one in body for inner in flat(one)]
        for number, one in enumerate(todo):
            match one:
                case ExprStatement(value=Assign(op="=", target=Name(name=name), value=value)):
                    if not top or name in self.types.globals or not is_quiet(value):
                        raise NotCounting
                    self.values[name] = meaning = self.meant(value)
                    if isinstance(meaning, Name):
                        raise NotCounting  # a global variable, or not yet assigned
                case ExprStatement(value=Assign() | Crement() as change):
                    yield from self.change(change, condition)
                case If():
                    test = self.condition(one.condition)
                    if one.no is None and is_next(one.yes):
                        condition = both(condition, f"!({test})")
                        continue
                    yield from self.statements([one.yes], both(condition, test), top=False)
                    if one.no is not None:
                        yield from self.statements([one.no], both(condition, f"!({test})"), top=False)
                case Jump(word="next") if top and number == len(todo) - 1:
                    pass
                case _:
                    raise NotCounting

    def change(self, change: Assign | Crement, condition: str | None) -> Iterator[Added]:
        target = change.target
        variable = variable_of(target)
        if variable is None or variable.name not in self.types.globals:
            raise NotCounting
        stat = False
        sign = 1
        value: Expr = Number(change.at, 1)
        if isinstance(change, Crement):
            sign = 1 if change.op == "++" else -1
        else:
            stat = change.op == "<<<"
            if change.op not in ("<<<", "+=", "-="):
                raise NotCounting
            sign = -1 if change.op == "-=" else 1
            value = self.meant(change.value)
        parts, keys, picks, shows = self.key(target)
        for more, number in self.ways(value):
            column = None if isinstance(number, Number) else self.column(number)
            factor = number.value if isinstance(number, Number) else 1
            yield Added(
                variable.name, keys, parts, picks, shows, column, sign * factor, stat, both(condition, more)
            )

    def ways(self, value: Expr) -> Iterator[tuple[str | None, Expr]]:
        """Yield the condition and value of each branch of a ternary such as `$return > 0 ? $return : 0`."""
        if not isinstance(value, Ternary):
            yield None, value
            return
        test = self.condition(value.condition)
        for branch, more in ((value.yes, test), (value.no, f"!({test})")):
            for deeper, one in self.ways(self.meant(branch)):
                yield both(more, deeper), one

    def key(
        self, target: Expr
    ) -> tuple[tuple[int | str | None, ...], Keys, tuple[int, ...], tuple[str, ...]]:
        """Split an element's key into constants and kernel keys."""
        parts: list[int | str | None] = []
        keys: list[tuple[Term, bool]] = []
        picks: list[int] = []
        shows: list[str] = []
        for part in target.keys if isinstance(target, Index) else ():
            if part is None:
                raise NotCounting
            one = self.meant(part)
            constant = self.constant(one)
            parts.append(constant)
            if constant is not None:
                continue
            show = ""
            if isinstance(one, Call) and one.name in _APART:
                show, one = one.name, self.meant(one.args[0])
            term = self.term(one)
            if term not in keys:
                keys.append(term)
            picks.append(keys.index(term))
            shows.append(show)
        return tuple(parts), tuple(keys), tuple(picks), tuple(shows)

    def constant(self, e: Expr) -> int | str | None:
        """Return the value of an expression that is the same at every hit of the event."""
        match e:
            case Number() | Text():
                return e.value
            case Call(args=()) if e.name in _CONSTANTS:
                if e.name == "pp":
                    return self.found.point
                return self.found.function if e.name.endswith("func") else self.found.module or ""
        return None

    def term(self, e: Expr) -> tuple[Term, bool]:
        match e:
            case Call(name="tid", args=()):
                return Term("common_pid"), False
            case Call(name="cpu", args=()):
                return Term("common_cpu"), False
            case Call(name="execname", args=()):
                reads = self.bound.wanted.reads
                if isinstance(self.bound.site, AtFunction | AtSyscall) and TASK_NAME in reads:
                    column = self.found.columns[reads.index(TASK_NAME)]
                    if column:
                        return Term(column), True
                raise NotCounting
        return Term(self.column(e)), False

    def column(self, e: Expr) -> str:
        """Return the field that holds a number. Raises NotCounting if there is none."""
        column = self.bound.wanted.fields.get(e, "")
        if column[:1] != "f":
            raise NotCounting
        index = int(column[1:])
        if index >= len(self.found.types) or self.found.types[index] not in _NUMBERS:
            raise NotCounting
        return self.found.columns[index]

    def condition(self, e: Expr) -> str:
        """Return the kernel event filter that is equivalent to a condition."""
        one = self.meant(e)
        if isinstance(one, Binary) and one.op in ("&&", "||"):
            return f"({self.condition(one.left)} {one.op} {self.condition(one.right)})"
        if isinstance(one, Unary) and one.op == "!":
            return f"!({self.condition(one.value)})"
        if isinstance(one, Binary):
            one = replace(one, left=self.meant(one.left), right=self.meant(one.right))
            text = filter_text(one, self.bound, self.found)
            if text:
                return text
        elif self.bound.wanted.fields.get(one):
            return f"{self.column(one)} != 0"
        raise NotCounting

    def meant(self, e: Expr) -> Expr:
        """Replace a local variable by its value."""
        while isinstance(e, Name) and e.name in self.values:
            e = self.values[e.name]
        return e
