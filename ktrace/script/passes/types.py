"""The types of a script: what is known of every variable, function and expression."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from ktrace.script.language.ast import Expr, Kind, Statement
from ktrace.script.language.definitions import Function, Global
from ktrace.script.language.source import Spot

Slot: TypeAlias = tuple[str, ...]
"""`("g", name)`, `("key", name, "0")`, `("l", scope, name)`, `("f", function)`."""


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """A body with variables of its own: a handler or a function.

    Attributes:
        scope: its name, unlike any other's.
        conditions: of the probe point, evaluated before the body.
    """

    scope: str
    body: Statement
    conditions: tuple[Expr, ...] = ()


@dataclass(slots=True)
class Types:
    """What was found out.

    Attributes:
        slots: the type of each slot.
        arrays: how many keys each array has.
        targets: which of the `$` expressions are text.
        histograms: by the name of an aggregate, the histograms and variances asked of it.
    """

    globals: Mapping[str, Global]
    functions: Mapping[tuple[str, int], Function]
    slots: dict[Slot, Kind] = field(default_factory=dict)
    arrays: dict[str, int] = field(default_factory=dict)
    texts: Mapping[Expr, bool] = field(default_factory=dict)
    kinds: dict[Expr, Kind] = field(default_factory=dict)
    locals: dict[str, dict[str, Spot]] = field(default_factory=dict)
    histograms: dict[str, set[tuple[str, tuple[int, ...]]]] = field(default_factory=dict)

    def of(self, node: Expr) -> Kind:
        """The type of an expression."""
        return self.kinds.get(node, "long")

    def variable(self, scope: str, name: str) -> Kind:
        """The type of a variable, of an array that of its values."""
        slot = ("g", name) if name in self.globals else ("l", scope, name)
        return self.slots.get(slot, "long")


def scope_of(function: Function) -> str:
    """The name of a function's scope."""
    return f"{function.name}/{len(function.params)}"
