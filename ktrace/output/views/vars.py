"""`ktrace vars`: the variables at a place as text and as a JSON record."""

from collections.abc import Sequence
from itertools import groupby

from ktrace.diagnostic import visible
from ktrace.model.ctype import declare
from ktrace.model.debuginfo import (
    Absent,
    Constant,
    Location,
    Spot,
    Variable,
    Variables,
    spell,
)
from ktrace.model.place import SymbolPlace
from ktrace.output.terminal.table import render_table
from ktrace.output.views.lines import spot_record


def variables_text(found: Variables) -> str:
    """Return a heading, then a table for the function and for each function inlined there."""
    text = visible(f"{found.spot.place.to_text()}  {found.function}  {found.file}:{found.line}") + "\n"
    if not found.variables:
        return text + "  no parameters, no variables\n"
    for function, group in groupby(found.variables, key=lambda v: v.function):
        rows = [_row(variable) for variable in group]
        title = "VARIABLE" if function == found.function else f"VARIABLE (inlined {function})"
        text += render_table((f"  {title}", "WHERE", "READ IT WITH"), rows)
    return text


def variables_record(found: Variables) -> dict[str, object]:
    """Return the variables as a record of the JSON schema."""
    return {
        "schema": 1,
        "type": "vars",
        "from": "dwarf",
        **spot_record(found.spot),
        "function": found.function,
        "file": found.file,
        "line": found.line,
        "variables": [_variable(variable) for variable in found.variables],
    }


def parameters_record(function: str, rows: Sequence[tuple[str, str, str]]) -> dict[str, object]:
    """Return a function's parameters at its entry, found in BTF, as a record of the JSON schema.

    Each row is (name, type, where).
    """
    return {
        "schema": 1,
        "type": "vars",
        "from": "btf",
        **spot_record(Spot(SymbolPlace(function), 0)),
        "function": function,
        "file": None,
        "line": None,
        "variables": [
            {
                "name": name,
                "type": ctype,
                "parameter": True,
                "function": function,
                "line": None,
                "where": where,
                "why": None,
                "fetch": None,
            }
            for name, ctype, where in rows
        ],
    }


def parameters_text(signature: str, rows: Sequence[tuple[str, str]]) -> str:
    """Return a function's signature and a table of its parameters, found in BTF.

    Each row is (declaration, where).
    """
    table = render_table(("  VARIABLE", "WHERE"), [[f"  {name}", where] for name, where in rows])
    return visible(signature) + "\n" + (table if rows else "  no parameters\n")


def _row(variable: Variable) -> list[str]:
    kind = declare(variable.type, variable.name) if variable.type else variable.name
    return [f"  {kind}", _where(variable.location), variable.fetch.to_text() if variable.fetch else ""]


def _variable(variable: Variable) -> dict[str, object]:
    location = variable.location
    return {
        "name": variable.name,
        "type": declare(variable.type) if variable.type else None,
        "parameter": variable.is_parameter,
        "function": variable.function,
        "line": variable.line,
        "where": None if isinstance(location, Absent) else _where(location),
        "why": location.why if isinstance(location, Absent) else None,
        "fetch": variable.fetch.to_text() if variable.fetch else None,
    }


def _where(location: Location) -> str:
    match location:
        case Constant():
            return f"constant {location.value}"
        case Absent():
            return f"({location.why})"
    return spell(location) or ""
