"""A linked script: its variables, and its handlers as Python functions."""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from ktrace.errors import UsageError
from ktrace.records import dataclass
from ktrace.script.language.arithmetic import HIGH, LOW, div, mod, shl, shr, wrap
from ktrace.script.language.faults import Fault, fault
from ktrace.script.passes.emitted import Emitted
from ktrace.script.passes.runnable import Runnable, Variable
from ktrace.script.runtime import (
    call_arguments,
    clock,
    context,
    control,
    floats,
    indent,
    numbers,
    screen,
    served,
    speculation,
    stacks,
    texts,
)
from ktrace.script.runtime.arrays import Array, ordered
from ktrace.script.runtime.state import State
from ktrace.script.runtime.stats import Shape, Stat

_LIBRARY = (
    *(call_arguments, clock, context, control, floats, indent, numbers, screen, served, speculation),
    *(stacks, texts),
)
_BARE = ("regex", "character", "octal", "binary", "narrow")


@dataclass(slots=True)
class Program:
    """A script that can run.

    Attributes:
        names: the names in the program, including its variables.
        emitted: its text and the parameters of each handler.
    """

    emitted: Emitted
    names: dict[str, Any]

    def handler(self, scope: str) -> Callable[..., None]:
        """Return the function of a handler."""
        found: Callable[..., None] = self.names[self.emitted.handlers[scope].name]
        return found


def link(script: Runnable, state: State) -> Program:
    """Compile a program's text and give it its variables and functions.

    Raises:
        UsageError: the script is nested too deeply for Python to compile.
    """
    limits = state.limits
    names: dict[str, Any] = {
        **{"wrap": wrap, "div": div, "mod": mod, "shl": shl, "shr": shr, "HIGH": HIGH, "LOW": LOW},
        **{"ordered": ordered, "histogram": _histogram, "Fault": Fault},
        "out": state.out.append,
        "shown": state.shown,
        "EMPTY": Stat(Shape()),
        "LONGEST": limits.MAXSTRINGLEN - 1,
        "ELISION": limits.HIST_ELISION,
        "ACTIONS": limits.MAXACTION,
        "MORE_ACTIONS": limits.MAXACTION_INTERRUPTIBLE,
        "NESTING": limits.MAXNESTING,
        "no_more": lambda: fault("all functions exhausted"),
        "too_many": lambda: fault("MAXACTION exceeded"),
        "too_deep": lambda: fault("MAXNESTING exceeded"),
        "no_entry": state.no_entry,
        "act": 0,
        "nest": 0,
    }
    for module in _LIBRARY:
        made = module.functions(state)
        names.update({f"b_{name}": function for name, function in made.items()})
    names.update({name: names[f"b_{name}"] for name in _BARE})
    names.update(_variables(script.variables, state))
    try:
        code = script.code or compile(script.emitted.text, "<script>", "exec")
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise UsageError(f"this script is nested too deeply to be compiled: {error}") from None
    exec(code, names)  # text that ktrace generates; only literals and checked names come from the script
    return Program(script.emitted, names)


def _variables(variables: Iterable[Variable], state: State) -> Iterator[tuple[str, Any]]:
    for one in variables:
        shape = Shape.of(one.histograms) if one.kind == "stats" else None
        if one.keys:
            limit = one.size or state.limits.MAXMAPENTRIES
            yield f"g_{one.name}", Array(one.name, limit, one.wrap, shape)
            yield f"e_{one.name}", Stat(shape or Shape())
        elif shape is not None:
            yield f"g_{one.name}", Stat(shape)
        elif one.initial is not None:
            yield f"g_{one.name}", one.initial
        else:
            yield f"g_{one.name}", "" if one.kind == "string" else 0


def _histogram(
    pairs: Iterator[tuple[int, int]], sort: int | None, descending: bool, limit: int | None
) -> Iterator[tuple[int, int]]:
    """Return the buckets of a histogram that a loop visits."""
    found = list(pairs)
    if sort is not None:
        found.sort(key=lambda pair: pair[1 if sort == 0 else 0], reverse=descending)
    return islice(found, max(limit, 0)) if limit is not None else iter(found)
