"""`ktrace funcs`, as text and as JSON Lines."""

import json
from collections.abc import Sequence
from typing import Protocol

from ktrace.output.terminal.table import render_table

SCHEMA = 1


class Symbol(Protocol):
    """Where a function is."""

    @property
    def address(self) -> int:
        """0 where the kernel hides it."""

    @property
    def module(self) -> str | None:
        """None of the kernel itself."""


class Row(Protocol):
    """A function, as `session.functions` finds it."""

    @property
    def name(self) -> str:
        """With the compiler's suffixes."""

    @property
    def symbol(self) -> Symbol | None:
        """None of one that is inlined."""

    @property
    def why_not(self) -> str | None:
        """Why it cannot be probed."""

    @property
    def signature(self) -> str | None:
        """Its declaration, where it is known and was asked for."""


def functions_text(rows: Sequence[Row], width: int | None) -> str:
    """A line each: name or declaration last, since it is the longest."""
    header = ("PROBE", "MODULE", "FUNCTION")
    table = [
        [
            "yes" if row.why_not is None else "no",
            (row.symbol.module if row.symbol else None) or "-",
            (row.signature or row.name) + (f"  ({row.why_not})" if row.why_not else ""),
        ]
        for row in rows
    ]
    return render_table(header, table, width=width)


def function_record(row: Row) -> str:
    """One record of type `function`."""
    symbol = row.symbol
    address = f"0x{symbol.address:016x}" if symbol and symbol.address else None
    return json.dumps(
        {
            "schema": SCHEMA,
            "type": "function",
            "name": row.name,
            "module": symbol.module if symbol else None,
            "address": address,
            "probeable": row.why_not is None,
            "why_not": row.why_not,
            "signature": row.signature,
        }
    )
