"""The columns `NAME_text`: how the numbers of the column `NAME` read.

JSON, CSV and SQL have them next to the numbers. They are made once for each distinct value, and only for
fields that have a meaning.
"""

from collections.abc import Mapping
from functools import cache

import numpy as np

from ktrace.model.batch import Batch
from ktrace.model.column import Column, Strings
from ktrace.model.format import Format
from ktrace.model.lookups import NO_LOOKUPS
from ktrace.model.meaning import Meaning, Names
from ktrace.model.meanings import of_format
from ktrace.output.rendering.distinct_values import distinct


def text_name(name: str) -> str:
    """Return the name of the column with the text of a column's numbers."""
    return f"{name}_text"


def text_columns(batch: Batch, names: Mapping[str, Names]) -> dict[str, Column]:
    """Return the texts of a batch's columns, by the name of the column with the numbers.

    Args:
        names: by argument, how its values read.
    """
    if not names:
        return {}
    found: dict[str, Column] = {}
    for name, meaning in names.items():
        column = batch.columns.get(name)
        is_shown = column is not None and not isinstance(column, Strings)
        if column is not None and is_shown and text_name(name) not in batch.columns:
            found[name] = text_column(column, meaning)
    return found


def meanings_of(batch: Batch) -> Mapping[str, Names]:
    """Return how the fields of a static event read, by their types in its format."""
    if batch.format is None or batch.format.is_probe:
        return {}
    return _of_format(batch.format, (batch.lookups or NO_LOOKUPS).big_endian)


@cache
def _of_format(form: Format, big: bool) -> Mapping[str, Names]:
    return of_format(form, big=big)


def text_column(column: Column, names: Names) -> Column:
    """Return the text of each row; None where the number says it all."""
    assert not isinstance(column, Strings)
    if column.ndim == 1 and column.dtype.kind in "iu":
        values, codes = distinct(column)
        return Strings(codes.astype(np.int32), tuple(names.get(value) for value in values.tolist()))
    if isinstance(names, Meaning) and names.takes_all:
        return Strings.of(names.get(value) for value in column.tolist())
    rows = np.empty(len(column), object)
    for i, values in enumerate(column.tolist()):
        rows[i] = [names.get(v) for v in values] if isinstance(values, list) else names.get(values)
    return rows
