"""Explain why a query was refused: in one line, with the place in the query and the closest names."""

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TypeAlias

from ktrace.errors import UsageError
from ktrace.model.near import close_to

Columns: TypeAlias = Callable[[], Collection[str]]
"""Returns the columns of a table, which costs time for many tables."""

_FUNCTION_NAMES = """
    abs array_agg avg between cast ceil coalesce concat concat_ws contains corr count date_part distinct
    ends_with exp extract first floor greatest ifnull initcap last least left length like ln log log10 log2
    lower ltrim max median min mod nullif pow quantile_cont quantile_disc regexp_like replace reverse right
    round row_number rtrim sign sqrt starts_with stddev string_agg strpos substr sum trim unnest upper"""
FUNCTIONS = tuple(re.findall(r"\w+", _FUNCTION_NAMES))
"""Functions that a person may have meant."""

_COLUMN = re.compile(r"unable to find column \"([^\"]+)\"|no column named '([^']+)' found")
_TABLE = re.compile(r"relation '([^']+)' was not found|no table or struct column named '([^']+)'")
_FUNCTION = re.compile(r"unsupported function '([^']+)'")
_PARSER = re.compile(
    r"sql parser error: (?:Expected: )?(.*?)(?: at Line: (\d{1,9}), Column: (\d{1,9}))?\Z", re.DOTALL
)
_STATEMENT = re.compile(r"statement type is not supported")
_SHOWN = 12  # names that a hint lists


def explained(
    message: str,
    query: str,
    tables: Collection[str],
    named: Mapping[str, Columns],
    of_others: Mapping[str, Columns],
) -> UsageError:
    """Return the error for a query that Polars refused.

    Args:
        message: the words of Polars, of many lines.
        tables: the names of all tables.
        named: the tables that the query names, with their columns.
        of_others: more tables, in which a missing column may be.
    """
    line = (message.splitlines() or ["the query failed"])[0]
    if match := _COLUMN.match(line):
        name = match[1] or match[2]
        return _wrong(f"there is no column '{name}'", query, name, _column_hint(name, named, of_others))
    if match := _TABLE.match(line):
        name = match[1] or match[2]
        return _wrong(f"there is no table '{name}'", query, name, _hint(name, tables, "tables"))
    if match := _FUNCTION.match(line):
        return _wrong(f"there is no function '{match[1]}'", query, match[1], _meant(match[1], FUNCTIONS, 1))
    if _STATEMENT.match(line):
        return _wrong("a query is a SELECT", query, query.split(maxsplit=1)[0], None)
    if match := _PARSER.match(line):
        said = f"expected {match[1]}" if "Expected: " in line else match[1]
        return UsageError(f"SQL: {said}", excerpt=query, caret=_offset(query, match[2], match[3]))
    return UsageError(f"SQL: {line}", excerpt=query)


def listed(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = len(names) - _SHOWN
    return " ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _wrong(problem: str, query: str, name: str, hint: str | None) -> UsageError:
    match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", query) if name else None
    return UsageError(f"SQL: {problem}", excerpt=query, caret=match.start() if match else None, hint=hint)


def _column_hint(name: str, named: Mapping[str, Columns], of_others: Mapping[str, Columns]) -> str | None:
    own = list(dict.fromkeys(column for columns in named.values() for column in columns()))
    meant = _meant(name, own)
    others = [table for table, columns in of_others.items() if name in columns()]
    if others:
        return f"{name} is a column of {listed(others)}"
    if meant:
        return meant
    return (
        "; ".join(f"columns of {table}: {listed(list(columns()))}" for table, columns in named.items())
        or None
    )


def _hint(name: str, names: Collection[str], kind: str) -> str:
    return _meant(name, names) or f"{kind}: {listed(sorted(names))}"


def _meant(name: str, names: Collection[str], limit: int = 3) -> str | None:
    near = close_to(name, names, limit)
    return f"did you mean {' or '.join(near)}?" if near else None


def _offset(query: str, line: str | None, column: str | None) -> int:
    """Return the offset of a line and column, both from 1 on; without them, the end."""
    if line is None or column is None:
        return len(query)
    before = query.splitlines(keepends=True)[: int(line) - 1]
    return min(sum(map(len, before)) + int(column) - 1, len(query))
