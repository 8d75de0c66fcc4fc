"""Emit handlers and functions as Python text, compiled once and called for each event."""

from collections.abc import Mapping, Sequence
from dataclasses import field

from ktrace.records import dataclass
from ktrace.script.language.ast import (
    Aggregate,
    Assign,
    Block,
    Call,
    Crement,
    Delete,
    Expr,
    ExprStatement,
    Foreach,
    If,
    Index,
    Jump,
    Name,
    Return,
    Statement,
    Try,
    While,
    walk,
)
from ktrace.script.language.definitions import Functions
from ktrace.script.language.points import OwnSite
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.builtins import PRINTS
from ktrace.script.passes.emit_expressions import ExpressionText
from ktrace.script.passes.emitted import Emitted, Handler
from ktrace.script.passes.types import Types, codes_of, scope_of


def emit(types: Types, functions: Functions, bound: Sequence[Bound]) -> Emitted:
    """Write the functions and handlers as Python text."""
    written = {code.scope: _Body(types, code, {}, function=True) for code in codes_of(functions)}
    texts = [_function(types, body) for body in written.values()]
    made: dict[str, Handler] = {}
    for number, one in enumerate(bound):
        name = f"p_{number}"
        entries = one.wanted.entries
        if entries:
            body = _Body(types, one.code, one.wanted.entry_fields, function=False)
            texts.append(_entry(types, body, written, one, name))
            made[f"{one.scope} entry"] = Handler(f"{name}_entry", tuple(body.needs))
        body = _Body(types, one.code, one.wanted.fields, function=False)
        texts.append(_handler(types, body, written, one, name))
        kept = {f"e{i}" for i in range(len(entries))}
        made[one.scope] = Handler(name, tuple(n for n in body.needs if n not in kept))
    return Emitted("\n\n".join(texts) + "\n", made)


def _function(types: Types, body: "_Body") -> str:
    (function,) = [f for f in types.functions.values() if scope_of(f) == body.code.scope]
    body.line(0, "")
    body.statement(function.body, 1)
    params = [p.name for p in function.params]
    default = body.default(types.slots.get(("f", body.code.scope), "long"))
    head = [f"def f_{body.code.scope.replace('/', '_')}({', '.join('v_' + p for p in params)}):"]
    head.append(f"    global {', '.join(['act', 'nest', *body.writes])}")
    head.append(f"    act -= {_weight(function.body)}")
    head += ["    if act < 0: too_many()", "    nest += 1", "    if nest > NESTING: too_deep()", "    try:"]
    head += ["    " + line for line in _locals(types, body, params)]
    tail = [f"        return {default}", "    finally: nest -= 1"]
    return "\n".join([*head, *("    " + line for line in body.lines if line), *tail])


def _entry(types: Types, body: "_Body", functions: Mapping[str, "_Body"], bound: Bound, name: str) -> str:
    """Emit the entry handler, which keeps values for the function's return.

    Text that the return's handler reads itself is kept as it is: lengths and quotes are applied there.
    """
    wanted = bound.wanted
    values = ", ".join(
        body.need(body.fields[e]) if e in wanted.fields and body.fields.get(e) else body.value(e)
        for e in wanted.entries
    )
    told = _told(types, body, functions)
    for one in ("tid", *told):
        body.need(one)
    lines = [f"saved_{name} = {{}}", f"def {name}_entry({', '.join('c_' + n for n in body.needs)}):"]
    if body.counts:
        lines += [
            "    global act, nest" + "".join(f", x_{one}" for one in told),
            "    act = ACTIONS; nest = 0",
        ]
    lines += [f"    x_{one} = c_{one}" for one in told]
    lines.append(f"    saved_{name}.setdefault(c_tid, []).append(({values},))")
    return "\n".join(lines)


def _handler(types: Types, body: "_Body", functions: Mapping[str, "_Body"], bound: Bound, name: str) -> str:
    entries = bound.wanted.entries
    if entries:
        body.need("tid")
    for condition in body.code.conditions:
        body.line(1, f"if not {body.condition(condition)}: return")
    body.statement(body.code.body, 1)
    told = _told(types, body, functions)
    for one in told:
        body.need(one)
    names = [*body.writes, *(f"x_{one}" for one in told)]
    if body.counts:
        names += ["act", "nest"]
    kept = [f"e{i}" for i in range(len(entries))]
    head = [f"def {name}({', '.join('c_' + n for n in body.needs if n not in kept)}):"]
    if names:
        head.append(f"    global {', '.join(names)}")
    if kept:
        head.append(f"    stack_ = saved_{name}.get(c_tid)")
        head.append("    if not stack_: return no_entry()")
        head.append(f"    {''.join(f'c_{k}, ' for k in kept)} = stack_.pop()")
        head.append(f"    if not stack_: saved_{name}.pop(c_tid, None)")
    if body.counts:
        own = isinstance(bound.site, OwnSite)  # no event waits for it
        head.append(f"    act = {'MORE_ACTIONS' if own else 'ACTIONS'}; nest = 0")
    head += [f"    x_{one} = c_{one}" for one in told]
    return "\n".join([*head, *_locals(types, body, ()), *body.lines, *([] if body.lines else ["    pass"])])


def _told(types: Types, body: "_Body", functions: Mapping[str, "_Body"]) -> list[str]:
    """Return the event data needed by the functions that a handler calls, directly or indirectly."""
    told: dict[str, None] = {}
    seen: set[str] = set()
    todo = list(body.calls)
    while todo:
        scope = scope_of(types.functions[todo.pop()])
        if scope not in seen:
            seen.add(scope)
            told.update(functions[scope].needs)
            todo += functions[scope].calls
    return list(told)


def _locals(types: Types, body: "_Body", params: Sequence[str]) -> list[str]:
    """Emit the initial values of locals."""
    lines = []
    for name in types.locals.get(body.code.scope, ()):
        kind = types.variable(body.code.scope, name)
        if name not in params:
            lines.append(f"    v_{name} = {'EMPTY' if kind == 'stats' else body.default(kind)}")
    return lines


@dataclass(slots=True)
class _Body(ExpressionText):
    """Writes the statements of one body.

    Attributes:
        lines: the lines written so far.
        steps: the step of each enclosing loop; it ends an iteration.
    """

    lines: list[str] = field(default_factory=list)
    steps: list[str | None] = field(default_factory=list)

    def line(self, depth: int, text: str) -> None:
        """Write one line."""
        self.lines.append("    " * depth + text)

    def statement(self, one: Statement, depth: int) -> None:
        """Write one statement, as one line or more."""
        match one:
            case Block():
                for inner in one.body:
                    self.statement(inner, depth)
                if not one.body:
                    self.line(depth, "pass")
            case ExprStatement():
                self._effect(one.value, depth)
            case If():
                self.line(depth, f"if {self.condition(one.condition)}:")
                self.statement(one.yes, depth + 1)
                if one.no is not None:
                    self.line(depth, "else:")
                    self.statement(one.no, depth + 1)
            case While():
                self._while(one, depth)
            case Foreach():
                self._foreach(one, depth)
            case Return():
                default = self.default(self.types.slots.get(("f", self.code.scope), "long"))
                self.line(depth, f"return {self.value(one.value) if one.value is not None else default}")
            case Jump():
                self._jump(one, depth)
            case Delete():
                self._delete(one, depth)
            case Try():
                self.line(depth, "try:")
                self.statement(one.body, depth + 1)
                self.line(depth, "except Fault as fault_:")
                if one.message is not None:
                    self.line(depth + 1, f"{self.variable(one.message.name, write=True)} = fault_.text")
                self.statement(one.handler, depth + 1)

    def _effect(self, e: Expr, depth: int) -> None:
        """Write an expression whose value is not used. The most common forms have fast code."""
        target = e.target if isinstance(e, Crement | Assign) else None
        if isinstance(e, Assign) and e.op == "<<<":
            assert isinstance(target, Name | Index)
            if isinstance(target, Index):
                key, array = self._plain_key(target, depth), self.array(target)
                self.line(depth, f"({array}.get({key}) or {array}.stat({key})).add({self.value(e.value)})")
            else:
                self.line(depth, f"{self.stat(target)}.add({self.value(e.value)})")
        elif isinstance(e, Crement) and isinstance(target, Name):
            name = self.variable(target.name, write=True)
            self.line(depth, f"{name} {e.op[0]}= 1")
            self.line(depth, f"if {name} {'> HIGH' if e.op == '++' else '< LOW'}: {name} = wrap({name})")
        elif isinstance(e, Crement) and isinstance(target, Index):
            key, array = self._plain_key(target, depth), self.array(target)
            temp = self.temp()
            self.line(depth, f"try: {temp} = {array}[{key}] {e.op[0]} 1")
            self.line(depth, f"except KeyError: {array}.put({key}, {e.op[0]}1)")
            limit = "> HIGH" if e.op == "++" else "< LOW"
            self.line(depth, f"else: {array}[{key}] = wrap({temp}) if {temp} {limit} else {temp}")
        elif isinstance(e, Assign) and isinstance(target, Name):
            name = self.variable(target.name, write=True)
            self.line(depth, f"{name} = {self.combined(e, name)}")
        elif isinstance(e, Call) and e.name in PRINTS and not e.name.startswith("s"):
            self.line(depth, f"out({self.printed(e)})")
        else:
            self.line(depth, self.value(e))

    def _plain_key(self, target: Index, depth: int) -> str:
        """Assign an element's key to a name, unless it is one already. Return the name."""
        key = self.key(target.keys)
        if key.isidentifier():
            return key
        temp = self.temp()
        self.line(depth, f"{temp} = {key}")
        return temp

    def _while(self, one: While, depth: int) -> None:
        if one.first is not None:
            self._effect(one.first, depth)
        self.line(depth, f"while {self.condition(one.condition)}:")
        self._round(one.body, depth)
        self.steps.append(None if one.step is None else self.value(one.step))
        self.statement(one.body, depth + 1)
        step = self.steps.pop()
        if step is not None:
            self.line(depth + 1, step)

    def _round(self, body: Statement, depth: int) -> None:
        """Write the start of a loop's iteration."""
        self.counts = True
        self.writes["act"] = None
        self.line(depth + 1, f"act -= {_weight(body) + 1}")  # the iteration itself counts as one
        self.line(depth + 1, "if act < 0: too_many()")

    def _foreach(self, one: Foreach, depth: int) -> None:
        key, value = self.temp(), self.temp()
        limit = self.value(one.limit) if one.limit is not None else "None"
        if isinstance(one.base, Aggregate):
            base = one.base
            items = f"histogram({self.stat(base.target)}.pairs({base.op!r}, {base.params!r}), "
            items += f"{one.sort!r}, {one.descending}, {limit})"
        else:
            items = f"ordered(g_{one.base.name}, {self.keys_list(one.slice) if one.slice else 'None'}, "
            items += f"{self._sort(one)}, {one.descending}, {limit})"
        self.line(depth, f"for {key}, {value} in {items}:")
        if isinstance(one.base, Aggregate) or self.types.arrays.get(one.base.name, 1) <= 1:
            self.line(depth + 1, f"{self.variable(one.keys[0].name, write=True)} = {key}")
        else:
            for i, variable in enumerate(one.keys):
                self.line(depth + 1, f"{self.variable(variable.name, write=True)} = {key}[{i}]")
        if one.value is not None:
            self.line(depth + 1, f"{self.variable(one.value.name, write=True)} = {value}")
        self._round(one.body, depth)
        self.steps.append(None)
        self.statement(one.body, depth + 1)
        self.steps.pop()

    def _sort(self, one: Foreach) -> str:
        """Return the key function that a loop sorts by."""
        assert isinstance(one.base, Name)
        if one.sort is None:
            return "None"
        if one.sort:
            many = self.types.arrays.get(one.base.name, 1) > 1
            return f"lambda item: item[0][{one.sort - 1}]" if many else "lambda item: item[0]"
        if self.types.variable("", one.base.name) == "stats":
            return f"lambda item: item[1].value({one.by or 'count'!r})"
        return "lambda item: item[1]"

    def _jump(self, one: Jump, depth: int) -> None:
        if one.word == "next":
            self.line(depth, "no_more()" if self.function else "return")
            return
        if not self.steps:
            raise ScriptError(f"'{one.word}' belongs in a loop", one.at)
        if one.word == "continue" and self.steps[-1] is not None:
            self.line(depth, self.steps[-1])
        self.line(depth, one.word)

    def _delete(self, one: Delete, depth: int) -> None:
        target = one.target
        if isinstance(target, Index):
            array = self.array(target)
            if None in target.keys:
                self.line(depth, f"{array}.drop({self.keys_list(target.keys)})")
            else:
                self.line(depth, f"{array}.pop({self.key(target.keys)}, None)")
            return
        assert isinstance(target, Name)
        kind = self.types.variable(self.code.scope, target.name)
        if target.name in self.types.globals and self.types.arrays.get(target.name):
            self.line(depth, f"g_{target.name}.clear()")
        elif kind == "stats":
            self.line(depth, f"{self.variable(target.name)}.clear()")
        else:
            self.line(depth, f"{self.variable(target.name, write=True)} = {self.default(kind)}")


def _weight(body: Statement) -> int:
    """Return the number of statements in a body, for MAXACTION."""
    kinds = (ExprStatement, If, While, Foreach, Return, Jump, Delete, Try)
    return max(sum(isinstance(node, kinds) for node in walk(body)), 1)
