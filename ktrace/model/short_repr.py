"""Show a batch or a column of text in one line, and a batch in a notebook as a small table.

Names and texts come from the kernel and from files: they are escaped for terminals and for HTML, and cut.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from ktrace.diagnostic import visible

ROWS = 5
"""Rows of the table."""

_NAMES = 6  # columns or texts in the line
_COLUMNS = 12  # columns of the table
_WIDTH = 48  # characters of one text


class _Rows(Protocol):
    def tolist(self) -> list[Any]: ...


def batch_line(
    event: str, rows: int, times: tuple[int, int] | None, names: tuple[str, ...], *, ticks: bool
) -> str:
    """Describe a batch, such as `vfs_read: 2 records, 14.066338 to 14.107766 s; columns count, path`.

    Args:
        event: the event's name.
        rows: the number of records.
        times: the times of the first and the last record, in nanoseconds; None without records.
        names: the columns, without those that every record has.
        ticks: whether the times count something other than nanoseconds.
    """
    line = f"{_cut(event)}: {rows:,} record{'' if rows == 1 else 's'}"
    if times is not None:
        first, last = times
        line += f", {first} to {last} ticks" if ticks else f", {first / 1e9:.6f} to {last / 1e9:.6f} s"
    if names:
        line += "; columns " + ", ".join(_cut(name) for name in names[:_NAMES])
    return line + (f" and {len(names) - _NAMES} more" if len(names) > _NAMES else "")


def batch_table(line: str, rows: int, columns: Mapping[str, _Rows | None]) -> str:
    """Return a table in HTML.

    Args:
        line: the caption, as `batch_line` returns it.
        rows: how many records there are; at most `ROWS` of them are shown.
        columns: by name, the columns of the records that are shown; None: a column that is left out.
    """
    there = {name: column for name, column in columns.items() if column is not None}
    shown = dict(list(there.items())[:_COLUMNS])
    head = "".join(f"<th>{_escaped(_cut(name))}</th>" for name in shown)
    lines = zip(*(column.tolist() for column in shown.values()), strict=True)
    body = "".join(f"<tr>{''.join(map(_cell, cells))}</tr>" for cells in lines)
    left_out = [f"{rows - ROWS:,} more rows"] if rows > ROWS else []
    left_out += [f"{len(there) - len(shown)} more columns"] if len(there) > len(shown) else []
    rest = f"<p>{', '.join(left_out)}</p>" if left_out else ""
    return f"<table><caption>{_escaped(line)}</caption><tr>{head}</tr>{body}</table>{rest}"


def strings_line(rows: int, values: tuple[str | None, ...]) -> str:
    """Return what a column of text is, such as `3 rows, 2 values: 'sh', 'cat'`."""
    shown = ", ".join("None" if value is None else f"'{_cut(value)}'" for value in values[:_NAMES])
    more = f" and {len(values) - _NAMES:,} more" if len(values) > _NAMES else ""
    return f"{rows:,} rows, {len(values):,} values{': ' if values else ''}{shown}{more}"


def _cell(value: object) -> str:
    return f"<td>{'' if value is None else _escaped(_cut(str(value)))}</td>"


def _cut(text: str) -> str:
    """Return the text escaped for a terminal, and cut."""
    shown = visible(text[: _WIDTH + 1])
    return shown if len(shown) <= _WIDTH else shown[: _WIDTH - 3] + "..."


def _escaped(text: str) -> str:
    from html import escape  # noqa: PLC0415 -- loads a large table, and only notebooks show HTML

    return escape(text)
