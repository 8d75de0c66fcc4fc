"""Emit expressions as Python text, for the pass `emit`."""

from collections.abc import Mapping
from dataclasses import field

from ktrace.model.patterns.syntax import PatternError
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
    Name,
    Number,
    Target,
    Ternary,
    Text,
    TypeFact,
    Unary,
)
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.builtins import FETCHES, LIMITED, PRINTS, WIDE, gives_text
from ktrace.script.passes.calls import find_builtin
from ktrace.script.passes.printf_formats import read_format
from ktrace.script.passes.types import Code, Types, scope_of

_WRAPPED = {"+": "+", "-": "-", "*": "*"}
_CALLED = {"<<": "shl", ">>": "shr"}
_COMPARED = ("==", "!=", "<", "<=", ">", ">=")
_CONDITIONS = (*_COMPARED, "&&", "||", "=~", "!~")
_HIGH = (1 << 63) - 1

# Functions whose value is the value of a column.
_INLINE = {
    "tid": "tid",
    "pid": "pid",
    "execname": "comm",
    "cpu": "cpu",
    "pp": "point",
    "pn": "name",
    "probefunc": "func",
    "ppfunc": "func",
    "probemod": "mod",
    "is_return": "isreturn",
    "returnval": "retval",
    "user_mode": "usermode",
    "addr": "addr",
}


@dataclass(slots=True)
class ExpressionText:
    """Writes the expressions of one body.

    Attributes:
        fields: the column of each `$` expression.
        function: whether the body is a function, which gets event data from globals.
        needs: the event data that the body needs.
        writes: the globals that it assigns.
        calls: the functions that it calls.
        counts: whether it counts its statements (MAXACTION).
    """

    types: Types
    code: Code
    fields: Mapping[Expr, str]
    function: bool
    needs: dict[str, None] = field(default_factory=dict)
    writes: dict[str, None] = field(default_factory=dict)
    calls: dict[tuple[str, int], None] = field(default_factory=dict)
    counts: bool = False
    temps: int = 0

    def temp(self) -> str:
        """Return a new name."""
        self.temps += 1
        return f"t{self.temps}"

    def need(self, name: str) -> str:
        """Return the Python name of a piece of event data and note that the body needs it."""
        self.needs[name] = None
        return f"x_{name}" if self.function else f"c_{name}"

    def variable(self, name: str, *, write: bool = False) -> str:
        """Return the Python name of a plain variable."""
        if name in self.types.globals:
            if write:
                self.writes[f"g_{name}"] = None
            return f"g_{name}"
        return f"v_{name}"

    def condition(self, e: Expr) -> str:
        """Return a Python condition with the truth value of the expression."""
        if isinstance(e, Binary) and e.op in ("&&", "||"):
            word = " and " if e.op == "&&" else " or "
            return "(" + word.join(self.condition(part) for part in _chain(e)) + ")"
        if isinstance(e, Binary) and e.op in _COMPARED:
            return f"({self.value(e.left)} {e.op} {self.value(e.right)})"
        if isinstance(e, Binary) and e.op in ("=~", "!~"):
            assert isinstance(e.right, Text)
            try:
                from ktrace.model.patterns.regex import Regex  # noqa: PLC0415 -- few scripts match patterns

                Regex(e.right.value)
            except PatternError as error:
                raise ScriptError(f"this is not a pattern: {error}", e.right.at) from None
            found = f"regex({e.right.value!r}, {self.value(e.left)})"
            return found if e.op == "=~" else f"(not {found})"
        if isinstance(e, Unary) and e.op == "!":
            return f"(not {self.condition(e.value)})"
        if isinstance(e, In):
            if None in e.keys:
                return f"bool(g_{e.array.name}.matching({self.keys_list(e.keys)}))"
            return f"({self.key(e.keys)} in g_{e.array.name})"
        return self.value(e)

    def value(self, e: Expr) -> str:
        """Return a Python expression for the expression's value."""
        match e:
            case Number():
                return str(e.value) if e.value >= 0 else f"({e.value})"
            case Text():
                return repr(e.value)
            case Name():
                return self.variable(e.name)
            case Index():
                return self._index(e)
            case Unary():
                return self._unary(e)
            case Binary():
                return self._binary(e)
            case In():
                return f"(1 if {self.condition(e)} else 0)"
            case Ternary():
                return f"({self.value(e.yes)} if {self.condition(e.condition)} else {self.value(e.no)})"
            case Assign():
                return self._assign(e)
            case Crement():
                return self._crement(e)
            case Call():
                return self._call(e)
            case Aggregate():
                return self._aggregate(e)
            case Container():
                if e.offset is None:
                    raise ScriptError("the kernel's types are known in handlers of kernel probes only", e.at)
                return self.arithmetic("-", self.value(e.value), str(e.offset), str(e.at))
            case TypeFact():
                raise ScriptError("the kernel's types are not known here", e.at)
            case Target() | Cast() | Entry():
                if e not in self.fields:
                    what = "only handlers of kernel probes can read the kernel's variables"
                    hint = "give the value to the function: function f(x) { ... }, f($x) in the handler"
                    raise ScriptError(what, e.at, hint=hint if self.function else None)
                return self.need(self.fields[e])
            case Defined():
                raise ScriptError("@defined tests a variable of the kernel", e.at)

    def stat(self, target: Name | Index, *, make: bool = False) -> str:
        """Return a Python expression for an aggregate. `make` creates it if it is missing."""
        if isinstance(target, Name):
            return self.variable(target.name)
        array = self.array(target)
        if make:
            key = self.key(target.keys)
            if key.isidentifier() or key.isdigit():
                return f"({array}.get({key}) or {array}.stat({key}))"
            return f"{array}.stat({key})"
        return f"{array}.get({self.key(target.keys)}, {array.replace('g_', 'e_', 1)})"

    def array(self, target: Index) -> str:
        """Return the Python name of an element's array."""
        assert isinstance(target.base, Name)
        return f"g_{target.base.name}"

    def key(self, keys: tuple[Expr | None, ...]) -> str:
        """Return the dictionary key of an element."""
        parts = [self.value(key) for key in keys if key is not None]
        return parts[0] if len(parts) == 1 else f"({', '.join(parts)})"

    def keys_list(self, keys: tuple[Expr | None, ...]) -> str:
        """Return the tuple of a slice's keys, with None for `*`."""
        return "(" + "".join(f"{'None' if k is None else self.value(k)}, " for k in keys) + ")"

    def default(self, kind: str) -> str:
        """Return the initial value of a variable of this kind."""
        return "''" if kind == "string" else "0"

    def wrapped(self, text: str) -> str:
        """Wrap a number that may not fit into 64 bits."""
        temp = self.temp()
        return f"({temp} if {-_HIGH - 1} <= ({temp} := {text}) <= {_HIGH} else wrap({temp}))"

    def arithmetic(self, op: str, left: str, right: str, where: str) -> str:
        """Return `left op right` for numbers."""
        if op in _WRAPPED:
            return self.wrapped(f"{left} {op} {right}")
        if op in ("/", "%"):
            return f"{'div' if op == '/' else 'mod'}({left}, {right}, {where!r})"
        if op in _CALLED:
            return f"{_CALLED[op]}({left}, {right})"
        return f"({left} {op} {right})"

    def joined(self, parts: list[str]) -> str:
        """Concatenate strings and truncate the result to the maximum length."""
        return f"({' + '.join(parts)})[:LONGEST]"

    def _index(self, e: Index) -> str:
        if isinstance(e.base, Aggregate):
            assert e.keys[0] is not None
            base = e.base
            return f"{self.stat(base.target)}.bucket({base.op!r}, {base.params!r}, {self.value(e.keys[0])})"
        default = self.default(self.types.of(e))
        return f"g_{e.base.name}.get({self.key(e.keys)}, {default})"

    def _unary(self, e: Unary) -> str:
        if e.op == "!":
            return f"(0 if {self.condition(e.value)} else 1)"
        if e.op == "-":
            return self.wrapped(f"-{self.value(e.value)}")
        return f"(~{self.value(e.value)})" if e.op == "~" else self.value(e.value)

    def _binary(self, e: Binary) -> str:
        if e.op in _CONDITIONS:
            return f"(1 if {self.condition(e)} else 0)"
        if e.op == ".":
            return self.joined([self.value(part) for part in _chain(e)])
        return self.arithmetic(e.op, self.value(e.left), self.value(e.right), str(e.at))

    def _assign(self, e: Assign) -> str:
        target = e.target
        assert isinstance(target, Name | Index)
        if e.op == "<<<":
            temp = self.temp()
            return f"({self.stat(target, make=True)}.add({temp} := {self.value(e.value)}), {temp})[1]"
        if isinstance(target, Name):
            name = self.variable(target.name, write=True)
            return f"({name} := {self.combined(e, name)})"
        array = self.array(target)
        if e.op == "=":
            return f"{array}.put({self.key(target.keys)}, {self.value(e.value)})"
        key = self.temp()
        old = f"{array}.get({key}, {self.default(self.types.of(target))})"
        return f"{array}.put(({key} := {self.key(target.keys)}), {self.combined(e, old)})"

    def combined(self, e: Assign, old: str) -> str:
        """Return the new value of an assignment's target."""
        value = self.value(e.value)
        if e.op == "=":
            return value
        if e.op == ".=":
            return self.joined([old, value])
        return self.arithmetic(e.op[:-1], old, value, str(e.at))

    def _crement(self, e: Crement) -> str:
        op = e.op[0]
        back = "-" if op == "+" else "+"
        target = e.target
        if isinstance(target, Name):
            name = self.variable(target.name, write=True)
            new = f"({name} := {self.wrapped(f'{name} {op} 1')})"
        else:
            assert isinstance(target, Index)
            array, key = self.array(target), self.temp()
            changed = self.wrapped(f"{array}.get({key}, 0) {op} 1")
            new = f"{array}.put(({key} := {self.key(target.keys)}), {changed})"
        return new if e.prefix else self.wrapped(f"{new} {back} 1")

    def _aggregate(self, e: Aggregate) -> str:
        stat = self.stat(e.target)
        if e.op == "count":
            return f"{stat}.count"
        if e.op.startswith("hist"):
            return f"{stat}.draw({e.op!r}, {e.params!r}, ELISION)"
        return f"{stat}.value({e.op!r}, {e.params!r})"

    def _call(self, e: Call) -> str:
        if function := self.types.functions.get((e.name, len(e.args))):
            self.calls[e.name, len(e.args)] = None
            self.counts = True
            return f"f_{scope_of(function).replace('/', '_')}({', '.join(map(self.value, e.args))})"
        if e.name in PRINTS:
            text = self.printed(e)
            # Like any function that returns nothing, a print has the value 0 in an expression.
            return text if e.name.startswith("s") else f"(out({text}) or 0)"
        if e.name in FETCHES:
            if e in self.fields:
                nothing = "(0,)" if e.name in WIDE else "''" if gives_text(e.name) else "0"
                return self._shaped(e, self.need(self.fields[e]) if self.fields[e] else nothing)
            if e.args and self.types.of(e.args[0]) == "string":
                return self.value(e.args[0])  # read before, and kept
            raise ScriptError(
                f"{e.name} reads memory at the probe: give it a variable of the kernel",
                e.at,
                hint=f"{e.name}($x->member) in the handler itself",
            )
        one = find_builtin(e, self.types.functions)
        if e in self.fields:
            return self.need(self.fields[e])
        if e.name in _INLINE:
            return self.need(_INLINE[e.name])
        if e.name == "strlen":
            return f"len({self.value(e.args[0])})"
        args = [self.need(n) for n in one.needs] + [self.value(arg) for arg in e.args]
        return f"b_{e.name}({', '.join(args)})"

    def _shaped(self, e: Call, text: str) -> str:
        """Apply the function's own options to text: a maximum length, quotes, or a default value."""
        if e.name in WIDE:
            text = f"b___ktrace_wide({text})"
            if "_quoted" in e.name:
                return f"b_text_strn({text}, 0, 1)"
        if e.name.endswith("_quoted_error"):
            text = f"b___ktrace_checked_text({text}, {e.name!r})"
        if e.name in LIMITED and len(e.args) > 1:
            length = self.temp()
            text = f"{text}[: {length} if ({length} := {self.value(e.args[1])}) >= 0 else None]"
        if e.name.endswith(("_quoted", "_quoted_error")):
            return f"b_text_strn({text}, 0, 1)"
        if e.name in ("user_string_n2", "user_string2_n_warn") and len(e.args) == 3:
            return f"({text} or {self.value(e.args[2])})"
        if e.name in LIMITED:
            return f"({text})"
        if gives_text(e.name) and len(e.args) == 2:
            return f"({text} or {self.value(e.args[1])})"
        return text

    def printed(self, e: Call) -> str:
        """Return a Python expression for the text that a print function makes."""
        name = e.name.removeprefix("s")
        if name == "printf":
            if not e.args or not isinstance(e.args[0], Text):
                raise ScriptError("a format is a literal string", e.at)
            return self._formatted(e.args[0], e.args[1:], cut=e.name == "sprintf")
        ln = "\\n" if name.endswith("ln") else ""
        args = list(e.args)
        if name.startswith("printd"):
            if len(args) < 2 or self.types.of(args[0]) != "string":
                raise ScriptError(f"{e.name} takes a delimiter and values", e.at)
            delimiter = self._shown(args[0], e)
            parts = f"{delimiter}.join(({''.join(self._shown(a, e) + ', ' for a in args[1:])}))"
        else:
            if not (args or ln):
                raise ScriptError(f"{e.name} takes a value", e.at)
            parts = " + ".join(self._shown(a, e) for a in args) or "''"
            if args and isinstance(args[-1], Aggregate) and args[-1].op.startswith("hist"):
                ln = ""  # a histogram ends its last line itself
        text = f"{parts} + '{ln}'" if ln else parts
        return f"({text})[:LONGEST]" if e.name.startswith("s") else text

    def _formatted(self, text: Text, args: tuple[Expr, ...], *, cut: bool) -> str:
        form = read_format(text.value, [self.types.of(arg) for arg in args], text.at)
        if not args:
            return repr(form.text.replace("%%", "%"))
        values = "".join(
            wrap.replace("{}", self.value(a) if cut else self._safe(a)) + ", "
            for wrap, a in zip(form.wraps, args, strict=True)
        )
        made = f"{form.text!r} % ({values})"
        return f"({made})[:LONGEST]" if cut else made

    def _safe(self, e: Expr) -> str:
        """Return a value to print. Text is escaped for the terminal, except the script's own literals."""
        text = self.value(e)
        return text if self.types.of(e) != "string" or isinstance(e, Text) else f"shown({text})"

    def _shown(self, e: Expr, of: Call) -> str:
        if self.types.of(e) == "stats" and not isinstance(e, Aggregate):
            raise ScriptError("an aggregate is printed by @hist_log, @count and so on", e.at)
        if self.types.of(e) == "long":
            return f"str({self.value(e)})"
        return self.value(e) if of.name.startswith("s") else self._safe(e)


def _chain(e: Binary) -> list[Expr]:
    """Return the operands of `a op b op c` as a flat list."""
    parts: list[Expr] = []
    here: Expr = e
    while isinstance(here, Binary) and here.op == e.op:
        parts.append(here.right)
        here = here.left
    return [here, *reversed(parts)]
