"""Confine a query to its tables: Polars' SQL has functions that read any file or address.

A query may come from somebody else, and `sudo ktrace sql` would read for it whatever root can read. The check
does not rely on where the dialect's strings and comments end: a call is refused anywhere in the text and with
any quoting of its name. Any other way to read something else is found in the plan, before it runs.
"""

import re
from collections.abc import Collection
from typing import Protocol

from ktrace.errors import UsageError
from ktrace.stream.sql_errors import listed

# A name, its closing quote, and the start of a call or of a comment before the call. Polars also accepts FROM
# 'read_csv'('...').
_CALL = re.compile(r"""(?<!\w)((?:read|scan)_\w+)["'`\]]*\s*(?:\(|--|/[*/]|\#)""", re.IGNORECASE)
_COMMENT = re.compile(r"\s+|--[^\n]*(?:\n|\Z)")
_SELECT = re.compile(r"(?:select|with|values)(?!\w)|\(", re.IGNORECASE)
# Each input of a plan is on its own line. Only the tables of a recording are Python scans.
_INPUT = re.compile(r"^\s*(?!PYTHON\b)(\w+) SCAN\b", re.MULTILINE)


class Plan(Protocol):
    """The plan of a query, as a LazyFrame gives it."""

    def explain(self, *, optimized: bool) -> str:
        """Return the plan as text."""


def check_query(query: str, tables: Collection[str]) -> None:
    """Refuse a query that reads anything but tables, or is not a SELECT.

    Raises:
        UsageError: the query is refused; the caret shows where.
    """
    for call in _CALL.finditer(query):
        if call[1] not in tables:
            raise _refusal(f"{call[1]}()", query, call.start(1))
    begin = _begin(query)
    if not _SELECT.match(query, begin):
        hint = f"tables: {listed(sorted(tables))}"
        raise UsageError("SQL: a query is a SELECT", excerpt=query, caret=begin, hint=hint)


def check_plan(plan: Plan, query: str) -> None:
    """Refuse a plan that reads anything but tables. Raises UsageError."""
    other = _INPUT.search(plan.explain(optimized=False))
    if other:
        raise _refusal(f"a scan of {other[1]} files", query, None)


def _refusal(what: str, query: str, caret: int | None) -> UsageError:
    return UsageError(
        f"SQL: {what} would read something other than the recording's tables",
        excerpt=query,
        caret=caret,
        hint="in Python, where the query is your own:\nktrace.sql(PATH, QUERY, confined=False)",
    )


def _begin(query: str) -> int:
    """Return the offset of the first word after blanks and comments, which may be nested."""
    at = 0
    while True:
        if match := _COMMENT.match(query, at):
            at = match.end()
        elif query.startswith("/*", at):
            at = _comment_end(query, at)
        else:
            return at


def _comment_end(query: str, at: int) -> int:
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(query, at):
        depth += 1 if mark[0] == "/*" else -1
        if not depth:
            return mark.end()
    return len(query)
