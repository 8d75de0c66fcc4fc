"""Infer the type of every variable, function and expression.

Each variable, array key, parameter and return value has a slot for its type. The pass repeats until no slot
changes. Slots that are still unknown become numbers.
"""

from collections.abc import Sequence

from ktrace.model.near import close_to
from ktrace.records import dataclass
from ktrace.script.language.ast import (
    Aggregate,
    Assign,
    Block,
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
    Text,
    Try,
    While,
    variable_of,
    walk,
)
from ktrace.script.language.definitions import Functions, Script
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.bound import Bound
from ktrace.script.passes.infer_expression_types import ExpressionTypes
from ktrace.script.passes.types import Code, Types, codes_of, scope_of


def infer_types(script: Script, functions: Functions, bound: Sequence[Bound]) -> Types:
    """Infer the types of variables, functions and values.

    Raises:
        ScriptError: a name is not defined or is defined twice, or a value has two types.
    """
    _check_names(script)
    codes = [*codes_of(functions), *(one.code for one in bound)]
    texts = {e: is_text for one in bound for e, is_text in one.wanted.texts.items()}
    types = Types({one.name: one for one in script.globals}, functions, texts=texts)
    for one in types.globals.values():
        if one.initial is not None:
            types.slots["g", one.name] = "string" if isinstance(one.initial, Text) else "long"
        if one.size is not None:
            types.arrays.setdefault(one.name, 0)
    for function in functions.values():
        if function.kind:
            types.slots["f", scope_of(function)] = function.kind
        for param in function.params:
            if param.kind:
                types.slots["l", scope_of(function), param.name] = param.kind
    while True:
        before = len(types.slots)
        for code in codes:
            _Visitor(types, code.scope, final=False).code(code)
        if len(types.slots) == before:
            break
    for code in codes:
        _Visitor(types, code.scope, final=True).code(code)
    return types


def infer_more(types: Types, code: Code) -> None:
    """Infer the types of a body that was added after the script's types were inferred."""
    for final in (False, True):
        _Visitor(types, code.scope, final=final).code(code)


def _check_names(script: Script) -> None:
    """Refuse a global that is defined twice."""
    seen: set[str] = set()
    for one in script.globals:
        if one.name in seen:
            raise ScriptError(f"there are two global variables '{one.name}'", one.at)
        seen.add(one.name)


@dataclass(slots=True)
class _Visitor(ExpressionTypes):
    """Visits the statements of one body."""

    def code(self, code: Code) -> None:
        """Visit the conditions and the body."""
        self.types.locals.setdefault(code.scope, {})
        for condition in code.conditions:
            self._check_condition(condition)
            self.number(condition)
        self._statement(code.body)

    def _check_condition(self, condition: Expr) -> None:
        """Refuse variables of the handler in a condition, which is evaluated before it, and assignments."""
        for node in walk(condition):
            if isinstance(node, Assign | Crement):
                raise ScriptError("the condition of a probe point changes no variable", node.at)
            if isinstance(node, Name) and node.name not in self.types.globals:
                near = close_to(node.name, self.types.globals, 1)
                raise ScriptError(
                    f"the condition of a probe point tests global variables, and '{node.name}' is not one",
                    node.at,
                    hint=f"did you mean {near[0]}?" if near else f"global {node.name}",
                )

    # Statements

    def _statement(self, one: Statement | None) -> None:
        match one:
            case None | Jump():
                pass
            case Block():
                for inner in one.body:
                    self._statement(inner)
            case ExprStatement():
                self.visit(one.value, None)
            case If():
                self.number(one.condition)
                self._statement(one.yes)
                self._statement(one.no)
            case While():
                for part in (one.first, one.step):
                    if part is not None:
                        self.visit(part, None)
                self.number(one.condition)
                self._statement(one.body)
            case Foreach():
                self._foreach(one)
            case Return():
                if "/" not in self.scope:
                    raise ScriptError("'return' belongs in a function", one.at, hint="next ends a handler")
                if one.value is not None:
                    slot = ("f", self.scope)
                    self.learn(slot, self.visit(one.value, self.types.slots.get(slot)), one.value.at)
            case Delete():
                self._delete(one)
            case Try():
                self._statement(one.body)
                if one.message is not None:
                    self.assign(one.message, "string")
                self._statement(one.handler)

    def _delete(self, one: Delete) -> None:
        target = one.target
        base = variable_of(target)
        if base is None:
            raise ScriptError("delete takes an array, an element or a variable", target.at)
        if isinstance(target, Index):
            self.array(base, len(target.keys), target.at)
            self.keys(base.name, target.keys)
        elif base.name not in self.types.globals:
            self.visit(base, None)

    def _foreach(self, one: Foreach) -> None:
        types = self.types
        if isinstance(one.base, Aggregate):
            self.visit(one.base, None)
            if len(one.keys) != 1:
                raise ScriptError("a histogram has one key", one.keys[1].at)
            self.assign(one.keys[0], "long")
            if one.value is not None:
                self.assign(one.value, "long")
        else:
            name = one.base.name
            count = len(one.slice) or len(one.keys)
            self.array(one.base, max(len(one.keys), count), one.base.at)
            self.keys(name, one.slice)
            for i, variable in enumerate(one.keys):
                slot = ("key", name, str(i))
                kind = self.assign(variable, types.slots.get(slot))
                self.learn(slot, kind, variable.at)
            if one.by:
                self.learn(("g", name), "stats", one.base.at)
            if one.value is not None:
                kind = types.slots.get(("g", name))
                if kind == "stats":
                    self._alias_of_stats(one.value, name)
                else:
                    self.learn(("g", name), self.assign(one.value, kind), one.value.at)
        if one.limit is not None:
            self.number(one.limit)
        self._check_loop(one)
        self._statement(one.body)

    def _check_loop(self, one: Foreach) -> None:
        """Refuse a loop that changes the array that it goes over."""
        for node in walk(one.body):
            if not isinstance(node, Assign | Crement | Delete):
                continue
            target = variable_of(node.target)
            if isinstance(one.base, Name) and target is not None and target.name == one.base.name:
                raise ScriptError(f"'{target.name}' is changed in a loop over it", node.target.at)

    def _alias_of_stats(self, variable: Name, name: str) -> None:
        """Make `v` an aggregate in `foreach (v = k in x)` over aggregates."""
        self.assign(variable, "stats")
        for found in self.types.histograms.get(f"{self.scope}:{variable.name}", ()):
            self.types.histograms.setdefault(name, set()).add(found)
