"""Parameters and local variables that debug info describes at a place inside a function."""

from ktrace.errors import UsageError
from ktrace.expr.problems import did_you_mean, lines, wrong
from ktrace.expr.source import Site
from ktrace.expr.value import SYMBOL, Load, Value
from ktrace.model.ctype import Record, bare, declare
from ktrace.model.debuginfo import Absent, AtSymbol, Constant, InMemory, InRegister, Variable

_SHOWN = 16


def variable(name: str, site: Site, text: str, at: int) -> Value:
    """Return the variable of that name in the innermost scope that has one.

    Raises:
        UsageError: there is none, or its value cannot be read at this place.
    """
    assert isinstance(site.variables, tuple)
    found = next((one for one in site.variables if one.name == name), None)
    if found is None:
        raise _unknown(name, site.variables, site, text, at)
    return value_of(found, text, at)


def parameters(site: Site) -> tuple[Variable, ...]:
    """Return the parameters of the function whose source is at this place."""
    assert isinstance(site.variables, tuple)
    return tuple(one for one in site.variables if one.is_parameter and one.function == site.function)


def value_of(found: Variable, text: str, at: int) -> Value:
    """Return a variable as a value, from its location."""
    name, kind, location = found.name, found.type, found.location
    match location:
        case InRegister():
            in_words = kind is not None and isinstance(bare(kind), Record)
            return Value((f"%{location.register}",), kind, name, in_words=in_words)
        case InMemory():
            *before, last = location.offsets
            loads = tuple(Load(offset) for offset in before)
            return Value((f"%{location.register}",), kind, name, loads, last, memory=True)
        case AtSymbol():
            return Value((SYMBOL + location.symbol,), kind, name, (), location.offset, memory=True)
        case Constant():
            return Value((f"\\{location.value}",), kind, name)
        case Absent():
            raise wrong(
                text,
                at,
                f"'{name}' cannot be read at this place: {location.why}",
                "`ktrace vars PLACE` shows which variables can; try a line before or after",
            )


def _unknown(name: str, known: tuple[Variable, ...], site: Site, text: str, at: int) -> UsageError:
    readable = [v for v in known if not isinstance(v.location, Absent)]
    names = dict.fromkeys(declare(v.type, v.name) if v.type else v.name for v in readable)
    shown = ", ".join(list(names)[:_SHOWN])
    return wrong(
        text,
        at,
        f"there is no variable '{name}' at this place in {site.function}",
        lines(did_you_mean(name, [v.name for v in known]), f"can be read: {shown or 'none'}"),
    )
