"""`ktrace funcs`: functions as text and as JSON Lines."""

import json
from collections.abc import Sequence
from typing import Protocol

from ktrace.output.terminal.table import render_table

SCHEMA = 1
_ANSWER = {True: "yes", False: "no", None: "?"}


class Symbol(Protocol):
    """The address and module of a function."""

    @property
    def address(self) -> int:
        """Return the address; 0 if the kernel hides it."""

    @property
    def module(self) -> str | None:
        """Return the module; None for the kernel itself."""


class Row(Protocol):
    """A function, as `session.functions` finds it."""

    @property
    def name(self) -> str:
        """Return the name, including the compiler's suffixes."""

    @property
    def symbol(self) -> Symbol | None:
        """Return the symbol; None if the function is inlined."""

    @property
    def probeable(self) -> bool | None:
        """Return whether the function can be probed; None if that is not known."""

    @property
    def why_not(self) -> str | None:
        """Return why the function cannot be probed; None if it can, or if that is not known."""

    @property
    def signature(self) -> str | None:
        """Return the declaration, if it is known and was asked for."""


def functions_text(rows: Sequence[Row], width: int | None) -> str:
    """Return a line for each function; its name or declaration, the longest column, is last."""
    header = ("PROBE", "MODULE", "FUNCTION")
    table = [
        [
            _ANSWER[row.probeable],
            (row.symbol.module if row.symbol else None) or "-",
            (row.signature or row.name) + (f"  ({row.why_not})" if row.why_not else ""),
        ]
        for row in rows
    ]
    return render_table(header, table, width=width)


def function_record(row: Row) -> str:
    """Return a record of type `function`."""
    symbol = row.symbol
    address = f"0x{symbol.address:016x}" if symbol and symbol.address else None
    return json.dumps(
        {
            "schema": SCHEMA,
            "type": "function",
            "name": row.name,
            "module": symbol.module if symbol else None,
            "address": address,
            "probeable": row.probeable,
            "why_not": row.why_not,
            "signature": row.signature,
        }
    )
