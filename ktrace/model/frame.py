"""A batch as a Polars frame: what each record has first, then its fields.

Polars holds text as UTF-8 and nothing else: a byte that is not becomes `\\xNN` here, as it does on a
terminal. What the kernel could not read is null.
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
"""What a record has besides its fields; not every record has each of them."""


POLARS_BYTES = 1 << 30
"""Address space that Polars and its allocator want: with less it does not fail, but ends the process."""


def has_room_for_polars() -> bool:
    """Return whether the limit of this process's address space (`ulimit -v`) lets Polars work."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return limit == resource.RLIM_INFINITY or limit >= POLARS_BYTES


def require_polars(what: str) -> None:
    """Raise unless Polars is there, and can be loaded.

    Args:
        what: what needs it, the sentence's subject.

    Raises:
        Unavailable: with how to install it, or what keeps it from working.
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
    except NameError as error:  # it hides that its own library could not be loaded
        raise Unavailable(
            f"{what} needs Polars, of which a library could not be loaded",
            hint="python -c 'import polars._plr' says why: memory, or too many open files (ulimit -n)?",
        ) from error


def column_name(field: str) -> str:
    """The column of a field: its name, with `arg_` before it if each record has something of that name.

    sched_wakeup's own `comm` and `pid` are those of the task that is woken.
    """
    return f"arg_{field}" if field in OWN else field


def utf8(text: str) -> str:
    """Text without lone surrogates: a byte that was not UTF-8 as `\\xNN`."""
    if text.isascii():
        return text
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def series(column: Column | str, rows: int) -> "pl.Series":
    """A column, or the same text in each row, for a frame."""
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
