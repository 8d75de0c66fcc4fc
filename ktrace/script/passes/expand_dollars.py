"""Expand `$$parms`, `$x$` and `$x->y$$` into formatted text of single variables."""

from collections.abc import Callable, Sequence
from dataclasses import field, replace
from typing import Any

from ktrace.records import dataclass
from ktrace.script.kernel_interface import Machine, Read, Shape
from ktrace.script.language.ast import Call, Cast, Expr, Item, Member, Path, Target, Text, rebuilt, walk
from ktrace.script.language.points import OwnSite
from ktrace.script.passes.hook import Hook, Hooks, asking, each, machine_at
from ktrace.script.passes.kernel_expressions import kernel_text, without_pretty

_MEMBERS_MAX = 32  # of one variable; the probe reads all of them
_DEEPEST = 3
_FORMS = {"signed": "%i", "unsigned": "%u", "pointer": "%p", "text": '"%s"'}
_LEFT_OUT = {"record": "{...}", "array": "[...]", "other": "?"}


@dataclass(frozen=True, slots=True)
class Known:
    """Look-ups of a probe's variables.

    Attributes:
        parameters: returns the names of the function's parameters; called only when needed.
        shape: returns the shape of a variable (`x`, `return`) or of a member of it; None if unknown.
        shape_in: returns the shape of a type of a module, or of a member of it; None if unknown.
        variable_shape: returns the shape of a global variable, or of a member of it; None if unknown.
    """

    parameters: Callable[[], Sequence[str]]
    shape: Callable[[str, Sequence[str]], Shape | None] = lambda _name, _path: None
    shape_in: Callable[[str, str | None, Sequence[str]], Shape | None] = lambda _type, _module, _path: None
    variable_shape: Callable[[str, str | None, Sequence[str]], Shape | None] = lambda _n, _module, _path: None


def expand_dollars(hooks: Hooks, machine: Machine | None) -> Hooks:
    """Replace `$$parms` and `$x$` by sprintf() of variables."""

    def one(hook: Hook) -> Hook:
        if isinstance(hook.site, OwnSite):
            return hook  # there are no variables: a later pass says where they are read
        return replace(hook, body=_spelled(hook.body, _known(hook, machine)))

    return each(hooks, one)


def _known(hook: Hook, machine: Machine | None) -> Known:
    site = hook.site
    assert not isinstance(site, OwnSite)
    return Known(
        lambda: asking(hook.point, lambda: machine_at(hook.point, machine).parameters(site, _others(hook))),
        lambda name, path: machine_at(hook.point, machine).shape(site, name, path),
        machine_at(hook.point, machine).shape_in,
        machine_at(hook.point, machine).variable_shape,
    )


def _others(hook: Hook) -> tuple[Read, ...]:
    """Return what a handler reads apart from `$$parms` and its like."""
    found: list[Read] = []
    for one in walk(hook.code):
        if isinstance(one, Target) and not one.name.startswith("$") and not one.variable:
            text = kernel_text(without_pretty(one), lambda _: None, at_return=True)
            found.append(Read(text))
    return tuple(dict.fromkeys(found))


def _spelled(node: Any, known: Known) -> Any:
    if isinstance(node, Target) and node.name in ("$parms", "$vars", "$return"):
        text = _Text(known)
        names = ["return"] if node.name == "$return" else known.parameters()
        if node.name == "$return" and (shape := known.shape("return", ())) and shape.form == "other":
            return Text(node.at, "")  # the function returns nothing
        for number, name in enumerate(names):
            text.form += f"{' ' if number else ''}{name}="
            text.add(Target(node.at, name, pretty=node.pretty))
        return text.call(node)
    if isinstance(node, Target) and node.name == "$name":
        return Call(node.at, "probefunc", ())
    if isinstance(node, Target | Cast) and node.pretty:
        text = _Text(known)
        text.add(node)
        return text.call(node)
    return rebuilt(node, lambda child: _spelled(child, known))


@dataclass(slots=True)
class _Text:
    """A format string under construction, with its values."""

    known: Known
    form: str = ""
    values: list[Expr] = field(default_factory=list)
    left: int = _MEMBERS_MAX

    def call(self, node: Target | Cast) -> Call:
        return Call(node.at, "sprintf", (Text(node.at, self.form), *self.values))

    def add(self, node: Target | Cast) -> None:
        """Add a variable, printed as its `$` or `$$` suffix asks."""
        names = _names(node.path)
        if isinstance(node, Cast) and node.pretty and node.type is not None and names is not None:
            shape = self.known.shape_in(node.type, node.module, names)
            if shape is not None and not node.address:
                self.left = _MEMBERS_MAX
                self.shape(replace(node, pretty=""), shape, len(node.pretty) if shape.members else 0)
                return
        if isinstance(node, Target) and not (node.address or names is None):
            shape = self._shape(node, names)
            if shape is not None and (node.pretty or (shape.stored and shape.form == "text")):
                self.left = _MEMBERS_MAX
                self.shape(replace(node, pretty=""), shape, len(node.pretty) if shape.members else 0)
                return
        self.form += "%i" if node.pretty else "%#x"
        self.values.append(replace(node, pretty=""))

    def shape(self, node: Target | Cast, shape: Shape, levels: int) -> None:
        """Add a variable by its shape, with nested members down to `levels`."""
        if shape.members and levels:
            self.form += "{"
            for number, member in enumerate(shape.members):
                self.form += ", " if number else ""
                if self.left <= 0:
                    self.form += "..."
                    break
                self.form += f".{member.name}="
                path = (*node.path, Member(node.at, member.name))
                inner = None
                if member.form == "record" and levels > 1 and len(path) < _DEEPEST:
                    inner = self._inner(node, _names(path) or ())
                self.shape(replace(node, path=path), inner or member, levels if inner else 0)
            self.form += "}"
            return
        self.value(node, shape)

    def _shape(self, node: Target, path: Sequence[str]) -> Shape | None:
        if node.variable:
            return self.known.variable_shape(node.name.partition("@")[0], node.module, path)
        return self.known.shape(node.name, path)

    def _inner(self, node: Target | Cast, path: Sequence[str]) -> Shape | None:
        if isinstance(node, Target):
            return self._shape(node, path)
        return self.known.shape_in(node.type or "", node.module, path)

    def value(self, node: Target | Cast, shape: Shape) -> None:
        """Add one number or text."""
        if shape.form not in _FORMS:
            self.form += _LEFT_OUT[shape.form]
            return
        self.left -= 1
        self.form += _FORMS[shape.form]
        self.values.append(Call(node.at, "kernel_string", (node,)) if shape.form == "text" else node)


def _names(path: Path) -> list[str] | None:
    """Return the member names of a path, or None if it has indexes."""
    if any(isinstance(step, Item) for step in path):
        return None
    return [step.name for step in path if isinstance(step, Member)]
