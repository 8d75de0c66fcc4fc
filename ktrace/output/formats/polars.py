"""Write Polars data frames one after the other, as JSON Lines, CSV or a table.

Their texts are UTF-8: bytes that were not are already escapes (`ktrace.model.frame`).
"""

from collections.abc import Iterable
from itertools import chain
from json import JSONEncoder
from typing import TYPE_CHECKING, Any, BinaryIO

from ktrace.diagnostic import visible
from ktrace.output.csv_cell import csv_cell, csv_text
from ktrace.output.formats.jsonl import SCHEMA

if TYPE_CHECKING:
    import polars as pl

_to_json = JSONEncoder(separators=(",", ":"), default=str).encode
_GAP = "  "


def write_json(out: BinaryIO, frames: "Iterable[pl.DataFrame]") -> None:
    """Write each row as a record of type `result`."""
    head = f'{{"schema":{SCHEMA},"type":"result","columns":'
    for frame in frames:
        lines = (f"{head}{_to_json(row)}}}\n" for row in frame.iter_rows(named=True))
        out.write("".join(lines).encode())


def write_csv(out: BinaryIO, frames: "Iterable[pl.DataFrame]", *, raw: bool = False) -> None:
    """Write a header, then a line for each row.

    Args:
        raw: do not escape texts that a spreadsheet would take for formulas.
    """
    begun = False
    for frame in frames:
        if not begun:
            out.write((",".join(csv_cell(name, raw=raw) for name in frame.columns) + "\n").encode())
        out.write(_flat(frame, raw=raw).write_csv(include_header=False).encode())
        begun = True


def write_table(out: BinaryIO, frames: "Iterable[pl.DataFrame]") -> None:
    """Write a table with numbers aligned to the right.

    The first frame sets the widths; a wider cell later makes its own line longer.
    """
    rows = iter(frames)
    first = next(rows, None)
    if first is None:
        return
    header = first.columns
    right = [dtype.is_numeric() for dtype in first.dtypes]
    widths = [
        max([len(visible(name)), *map(len, cells)], default=0)
        for name, cells in zip(header, _columns(first), strict=True)
    ]
    out.write(_line(list(map(visible, header)), widths, right).encode())
    for frame in chain([first], rows):
        cells = zip(*_columns(frame), strict=True)
        out.write("".join(_line(row, widths, right) for row in cells).encode())


def _line(cells: Iterable[str], widths: list[int], right: list[bool]) -> str:
    padded = (
        cell.rjust(width) if to_right else cell.ljust(width)
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return _GAP.join(padded).rstrip() + "\n"


def _columns(frame: "pl.DataFrame") -> list[list[str]]:
    return [[_cell(value) for value in column.to_list()] for column in frame.get_columns()]


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, float):
        return f"{value:.3f}"
    return visible(str(value))


def _flat(frame: "pl.DataFrame", *, raw: bool) -> "pl.DataFrame":
    """Return the frame as CSV writes it: arrays as in JSON, text without control characters."""
    import polars as pl  # noqa: PLC0415 -- an extra, and slow to load

    columns = [
        column
        if column.dtype.is_numeric() or column.dtype.is_temporal() or column.dtype == pl.Boolean
        else pl.Series(column.name, [_csv(value, raw=raw) for value in column.to_list()], dtype=pl.String)
        for column in frame.get_columns()
    ]
    return pl.DataFrame(columns)


def _csv(value: Any, *, raw: bool) -> str | None:
    if value is None:
        return None
    return csv_text(value if isinstance(value, str) else _to_json(value), raw=raw)
