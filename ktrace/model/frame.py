"""Convert a batch to a Polars frame: first the columns that every record has, then its fields.

Polars stores text only as UTF-8. A byte that is not UTF-8 becomes `\\xNN`, as on a terminal. A value
that the kernel could not read is null.
"""

import resource
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from ktrace.errors import Unavailable
from ktrace.model.column import Column, Strings

if TYPE_CHECKING:
    import polars as pl

OWN = ("ts", "cpu", "pid", "tgid", "comm", "flags", "event", "ip", "func", "ret_ip")
"""Columns of a record in addition to its fields. Not every record has all of them."""


POLARS_BYTES = 1 << 30
"""Address space in bytes that Polars and its allocator need. With less, Polars aborts the process."""


def has_room_for_polars() -> bool:
    """Return whether the limit of this process's address space (`ulimit -v`) lets Polars work."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return limit == resource.RLIM_INFINITY or limit >= POLARS_BYTES


def require_polars(what: str) -> None:
    """Raise unless Polars is installed and can be loaded.

    Args:
        what: what needs Polars, as the subject of the message.

    Raises:
        Unavailable: Polars cannot be used; the hint says how to install it or what prevents it from working.
    """
    if find_spec("polars") is None:
        raise Unavailable(f"{what} needs Polars", hint="pip install 'ktrace[bulk]'")
    if not has_room_for_polars():
        limit = resource.getrlimit(resource.RLIMIT_AS)[0] >> 20
        raise Unavailable(
            f"{what} needs more memory than `ulimit -v` lets it have, which is {limit} MiB",
            hint=f"ulimit -v {POLARS_BYTES >> 9}",
        )
    import polars as pl  # noqa: PLC0415 -- an extra, and slow to load

    try:
        pl.Series()
    except NameError as error:  # Polars hides that its native library could not be loaded
        raise Unavailable(
            f"{what} needs Polars, of which a library could not be loaded",
            hint="python -c 'import polars._plr' says why: memory, or too many open files (ulimit -n)?",
        ) from error


def column_name(field: str) -> str:
    """Return the column name of a field: its name, prefixed with `arg_` if it is one of `OWN`.

    For example, the fields `comm` and `pid` of sched_wakeup are those of the task that is woken.
    """
    return f"arg_{field}" if field in OWN else field


def utf8(text: str) -> str:
    """Replace lone surrogates: a byte that was not UTF-8 becomes `\\xNN`."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def series(column: Column | str, rows: int) -> "pl.Series":
    """Convert a column, or one text repeated in each row, to a Polars series."""
    import polars as pl  # noqa: PLC0415 -- as above

    if isinstance(column, str):
        return pl.Series([utf8(column)], dtype=pl.String).new_from_index(0, rows)
    if isinstance(column, Strings):
        values = pl.Series([None if text is None else utf8(text) for text in column.values], dtype=pl.String)
        return values.gather(column.codes.astype(np.uint32))
    if column.dtype.kind != "O":
        return pl.Series(np.ascontiguousarray(column))
    cells = column.tolist()
    if any(isinstance(cell, list) for cell in cells):
        items = [item for cell in cells for item in cell or ()]
        if items and all(isinstance(item, int) for item in items):
            wide = pl.Int64 if max(items) < 1 << 63 else pl.UInt64
            return pl.Series(cells, dtype=pl.List(wide))
        lists = [[None if text is None else utf8(text) for text in cell or ()] for cell in cells]
        return pl.Series(lists, dtype=pl.List(pl.String))
    return pl.Series(cells, dtype=pl.Int128)
