"""The types of a script's variables, functions and expressions."""

from collections.abc import Mapping
from dataclasses import field
from typing import TypeAlias

from ktrace.records import dataclass
from ktrace.script.language.ast import Expr, Kind, Statement
from ktrace.script.language.definitions import Function, Functions, Global
from ktrace.script.language.source import Spot

Slot: TypeAlias = tuple[str, ...]
"""`("g", name)`, `("key", name, "0")`, `("l", scope, name)`, `("f", function)`."""


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """A body with its own variables: a handler or a function.

    Attributes:
        scope: its unique name.
        conditions: the probe point's conditions, evaluated before the body.
    """

    scope: str
    body: Statement
    conditions: tuple[Expr, ...] = ()


@dataclass(slots=True)
class Types:
    """Inferred types.

    Attributes:
        slots: the type of each slot.
        arrays: the number of keys of each array.
        texts: the `$` expressions that are text.
        kinds: the type of each expression.
        locals: the local variables of each scope, with the place where each is first used.
        histograms: the histograms and variances that the script reads, by the aggregate's name.
    """

    globals: Mapping[str, Global]
    functions: Functions
    slots: dict[Slot, Kind] = field(default_factory=dict)
    arrays: dict[str, int] = field(default_factory=dict)
    texts: Mapping[Expr, bool] = field(default_factory=dict)
    kinds: dict[Expr, Kind] = field(default_factory=dict)
    locals: dict[str, dict[str, Spot]] = field(default_factory=dict)
    histograms: dict[str, set[tuple[str, tuple[int, ...]]]] = field(default_factory=dict)

    def of(self, node: Expr) -> Kind:
        """Return the type of an expression."""
        return self.kinds.get(node, "long")

    def variable(self, scope: str, name: str) -> Kind:
        """Return the type of a variable; for an array, the type of its values."""
        slot = ("g", name) if name in self.globals else ("l", scope, name)
        return self.slots.get(slot, "long")


def codes_of(functions: Functions) -> list[Code]:
    """Return the bodies of functions."""
    return [Code(scope_of(one), one.body) for one in functions.values()]


def scope_of(function: Function) -> str:
    """Return the name of a function's scope."""
    return f"{function.name}/{len(function.params)}"
