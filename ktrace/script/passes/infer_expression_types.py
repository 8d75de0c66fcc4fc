"""Infer the types of expressions, for the pass `infer_types`."""

from collections.abc import Sequence
from itertools import zip_longest

from ktrace.model.near import close_to
from ktrace.records import dataclass
from ktrace.script.language.ast import (
    Aggregate,
    Assign,
    Binary,
    Call,
    Cast,
    Container,
    Crement,
    Defined,
    Entry,
    Expr,
    In,
    Index,
    Kind,
    Name,
    Number,
    Target,
    Ternary,
    Text,
    TypeFact,
    Unary,
    variable_of,
)
from ktrace.script.language.source import ScriptError, Spot
from ktrace.script.passes.builtins import FETCHES, PRINTS, gives_text
from ktrace.script.passes.calls import find_builtin
from ktrace.script.passes.kernel_expressions import refuse_kernel_write
from ktrace.script.passes.printf_formats import wanted_kinds
from ktrace.script.passes.types import Slot, Types, scope_of

KEYS_MAX = 9


@dataclass(slots=True)
class ExpressionTypes:
    """Visits the expressions of one body. In the `final` round, an unknown type becomes a number."""

    types: Types
    scope: str
    final: bool

    # Slots

    def learn(self, slot: Slot, kind: Kind | None, at: Spot) -> Kind | None:
        """Record a slot's type and return the known type. Raises ScriptError if the two differ."""
        known = self.types.slots.get(slot)
        if kind is None:
            return known
        if known is None:
            self.types.slots[slot] = kind
            return kind
        if known != kind:
            raise ScriptError(f"{_named(slot)} is {a_kind(known)} elsewhere, but {a_kind(kind)} here", at)
        return known

    def assign(self, name: Name, kind: Kind | None) -> Kind | None:
        """Record the type assigned to a plain variable."""
        if name.name in self.types.globals:
            if self._is_array(name.name):
                raise ScriptError(f"'{name.name}' is an array", name.at, hint=f"{name.name}[key] = ...")
            return self.learn(("g", name.name), kind, name.at)
        self.types.locals[self.scope].setdefault(name.name, name.at)
        return self.learn(("l", self.scope, name.name), kind, name.at)

    def _is_array(self, name: str) -> bool:
        """Return whether a name is a global array: it has keys elsewhere, or a size."""
        one = self.types.globals.get(name)
        return one is not None and (one.size is not None or self.types.arrays.get(name, 0) > 0)

    def array(self, name: Name, count: int, at: Spot) -> None:
        """Record that an array is used with `count` keys."""
        types = self.types
        if name.name not in types.globals:
            near = close_to(name.name, types.globals, 1)
            hint = f"did you mean {near[0]}?" if near else f"global {name.name}"
            raise ScriptError(f"there is no global array '{name.name}'", at, hint=hint)
        if count > KEYS_MAX:
            raise ScriptError(f"an array has at most {KEYS_MAX} keys", at)
        known = types.arrays.get(name.name) or 0
        if known and known != count:
            raise ScriptError(f"'{name.name}' has {known} keys elsewhere, {count} here", at)
        types.arrays[name.name] = count

    def number(self, node: Expr) -> None:
        """Visit an expression that must be a number."""
        kind = self.visit(node, "long")
        if kind not in (None, "long"):
            raise ScriptError(f"a number is expected here, not {a_kind(kind)}", node.at)

    def text(self, node: Expr) -> None:
        """Visit an expression that must be a string."""
        kind = self.visit(node, "string")
        if kind not in (None, "string"):
            raise ScriptError(f"a string is expected here, not {a_kind(kind)}", node.at)

    # Expressions

    def visit(self, node: Expr, want: Kind | None) -> Kind | None:
        """Return the type of an expression, given the expected type `want`; None if not yet known."""
        kind = self._visit(node, want)
        if self.final:
            self.types.kinds[node] = kind or "long"
        return kind

    def _visit(self, node: Expr, want: Kind | None) -> Kind | None:
        types = self.types
        match node:
            case Number():
                return "long"
            case Text():
                return "string"
            case Name():
                return self._name(node, want)
            case Index():
                return self._index(node, want)
            case Unary():
                self.number(node.value)
                return "long"
            case Binary():
                return self._binary(node)
            case In():
                self.array(node.array, len(node.keys), node.at)
                self.keys(node.array.name, node.keys)
                return "long"
            case Ternary():
                self.number(node.condition)
                yes = self.visit(node.yes, want)
                no = self.visit(node.no, want or yes)
                if yes is None and no is not None:
                    yes = self.visit(node.yes, no)
                if yes and no and yes != no:
                    raise ScriptError(f"?: gives {a_kind(yes)} or {a_kind(no)}", node.at)
                return yes or no
            case Assign():
                return self._assignment(node, want)
            case Crement():
                self._written(node.target)
                self.number(node.target)
                return "long"
            case Call():
                return self._call(node, want)
            case Target() | Cast():
                if isinstance(node, Cast):
                    self.visit(node.value, "long")
                return "string" if types.texts.get(node) else "long"
            case Container():
                self.number(node.value)
                return "long"
            case TypeFact():
                return "long"
            case Entry():
                return self.visit(node.value, want)
            case Defined():
                return "long"
            case Aggregate():
                return self._aggregate(node)
        return None

    def _name(self, node: Name, want: Kind | None) -> Kind | None:
        types = self.types
        if self._is_array(node.name):
            raise ScriptError(f"'{node.name}' is an array", node.at, hint=f"{node.name}[key]")
        if node.name in types.globals:
            return (
                self.learn(("g", node.name), want, node.at)
                if want != "stats"
                else types.slots.get(("g", node.name))
            )
        types.locals[self.scope].setdefault(node.name, node.at)
        slot = ("l", self.scope, node.name)
        return types.slots.get(slot) or (self.learn(slot, want, node.at) if want != "stats" else None)

    def _index(self, node: Index, want: Kind | None) -> Kind | None:
        if isinstance(node.base, Aggregate):
            self.visit(node.base, None)
            if len(node.keys) != 1 or node.keys[0] is None:
                raise ScriptError("a histogram has one key", node.at)
            self.number(node.keys[0])
            return "long"
        if None in node.keys:
            raise ScriptError("* stands for any key in delete, in and foreach only", node.at)
        self.array(node.base, len(node.keys), node.at)
        self.keys(node.base.name, node.keys)
        slot = ("g", node.base.name)
        known = self.types.slots.get(slot)
        return known if want in (None, "stats") else self.learn(slot, known or want, node.at)

    def keys(self, name: str, keys: Sequence[Expr | None]) -> None:
        """Visit the keys of an element or a slice; None stands for `*`."""
        for i, key in enumerate(keys):
            if key is not None:
                slot = ("key", name, str(i))
                self.learn(slot, self.visit(key, self.types.slots.get(slot)), key.at)

    def _binary(self, node: Binary) -> Kind | None:
        if node.op in (".", "=~", "!~"):
            self.text(node.left)
            self.text(node.right)
            return "string" if node.op == "." else "long"
        if node.op in ("==", "!=", "<", "<=", ">", ">="):
            left = self.visit(node.left, None)
            right = self.visit(node.right, left)
            if left is None and right is not None:
                left = self.visit(node.left, right)
            if left and right and left != right:
                raise ScriptError(f"{a_kind(left)} is compared with {a_kind(right)}", node.at)
            if "stats" in (left, right):
                raise ScriptError("an aggregate is read by @count, @sum and so on", node.at)
            return "long"
        self.number(node.left)
        self.number(node.right)
        return "long"

    def _written(self, target: Expr) -> Name:
        """Return the variable that is written. Raises ScriptError if nothing can be written there."""
        refuse_kernel_write(target)
        variable = variable_of(target)
        if variable is not None:
            return variable
        raise ScriptError("only a variable or an element takes a value", target.at)

    def _assignment(self, node: Assign, want: Kind | None) -> Kind | None:
        target, name = node.target, self._written(node.target).name
        if node.op == "<<<":
            if name not in self.types.globals:
                raise ScriptError(f"an aggregate must be a global variable, and '{name}' is not", target.at)
            if isinstance(target, Index):
                self._index(target, "stats")
            self.learn(("g", name), "stats", target.at)
            self.number(node.value)
            if self.final:
                self.types.kinds[target] = "stats"
            return "long"
        if node.op == ".=":
            self.text(node.value)
            self._take(target, "string")
            return "string"
        if node.op != "=":
            self.number(node.value)
            self._take(target, "long")
            return "long"
        known = self._take(target, None)
        value = self.visit(node.value, known or want)
        if value == "stats":
            raise ScriptError("an aggregate cannot be copied", node.value.at)
        return self._take(target, value)

    def _take(self, target: Expr, kind: Kind | None) -> Kind | None:
        """Record the type assigned to a variable or element."""
        if isinstance(target, Name):
            found = self.assign(target, kind)
        else:
            assert isinstance(target, Index)
            found = self._index(target, None)
            if kind is not None:
                found = self.learn(("g", self._written(target).name), kind, target.at)
        if self.final:
            self.types.kinds[target] = found or "long"
        return found

    def _aggregate(self, node: Aggregate) -> Kind:
        target = node.target
        variable = variable_of(target)
        assert variable is not None  # the parser takes nothing else
        name = variable.name
        if isinstance(target, Index):
            self._index(target, "stats")
            self.learn(("g", name), "stats", target.at)
        elif name in self.types.globals:
            if self.types.arrays.get(name):
                raise ScriptError(f"'{name}' is an array", target.at, hint=f"{name}[key]")
            self.learn(("g", name), "stats", target.at)
        elif self.types.slots.get(("l", self.scope, name)) not in (None, "stats"):
            raise ScriptError(f"'{name}' is not an aggregate", target.at)
        elif self.final and ("l", self.scope, name) not in self.types.slots:
            raise ScriptError(f"'{name}' is not an aggregate", target.at, hint=f"{name} <<< value")
        if node.op.startswith("hist") or node.op == "variance":
            owner = name if name in self.types.globals else f"{self.scope}:{name}"
            self.types.histograms.setdefault(owner, set()).add((node.op, node.params))
        if self.final:
            self.types.kinds[target] = "stats"
        return "stats" if node.op.startswith("hist") else "long"

    def _call(self, node: Call, want: Kind | None) -> Kind | None:
        types = self.types
        if function := types.functions.get((node.name, len(node.args))):
            scope = scope_of(function)
            for param, arg in zip(function.params, node.args, strict=True):
                slot = ("l", scope, param.name)
                self.learn(slot, self.visit(arg, types.slots.get(slot)), arg.at)
            return (
                self.learn(("f", scope), want, node.at) if want != "stats" else types.slots.get(("f", scope))
            )
        if node.name in PRINTS:
            wants: list[Kind] = []
            if node.name.endswith("printf") and node.args and isinstance(node.args[0], Text):
                wants = ["string", *wanted_kinds(node.args[0].value)]
            for arg, kind in zip_longest(node.args, wants[: len(node.args)]):
                self.visit(arg, kind)
            return "string" if node.name.startswith("s") else "long"
        if node.name in FETCHES:
            for arg in node.args:
                self.visit(arg, None)
            return "string" if gives_text(node.name) else "long"
        one = find_builtin(node, types.functions)
        for kind, arg in zip(one.params, node.args, strict=False):
            found = self.visit(arg, kind)
            if found not in (None, kind):
                assert found is not None
                raise ScriptError(f"{node.name} takes {a_kind(kind)} here, not {a_kind(found)}", arg.at)
        return one.returns or "long"


def a_kind(kind: Kind) -> str:
    """Return a type in words."""
    return {"long": "a number", "string": "a string", "stats": "an aggregate"}[kind]


def _named(slot: Slot) -> str:
    if slot[0] == "key":
        return f"key {int(slot[2]) + 1} of '{slot[1]}'"
    return f"what '{slot[1].split('/')[0]}' returns" if slot[0] == "f" else f"'{slot[-1]}'"
