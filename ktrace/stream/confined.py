"""Confine a query to its tables: Polars' SQL has functions that read any file or address.

A query may come from somebody else, and `sudo ktrace sql` would read for it whatever root can. Nothing here
relies on where the dialect's strings and comments end: a call is refused wherever it stands, and whatever its
name is quoted in. What still reads something else is found in the plan, before it runs.
"""

import re
from collections.abc import Collection
from typing import Protocol

from ktrace.errors import UsageError

# A name, the end of what quotes it, and what a call or a comment before the call begins with. Polars takes
# FROM 'read_csv'('...'), too.
_CALL = re.compile(r"""(?<!\w)((?:read|scan)_\w+)["'`\]]*\s*(?:\(|--|/[*/]|\#)""", re.IGNORECASE)
_COMMENT = re.compile(r"\s+|--[^\n]*(?:\n|\Z)")
_SELECT = re.compile(r"(?:select|with|values)(?!\w)|\(", re.IGNORECASE)
# Each input of a plan, on a line of its own: tables of a recording are the only ones that Python scans.
_INPUT = re.compile(r"^\s*(?!PYTHON\b)(\w+) SCAN\b", re.MULTILINE)


class Plan(Protocol):
    """What Polars is about to do: a LazyFrame."""

    def explain(self, *, optimized: bool) -> str:
        """Return it as text."""


def check_query(query: str, tables: Collection[str]) -> None:
    """Refuse a query that reads something else than tables, or does something else than select.

    Raises:
        UsageError: with the caret at what is refused.
    """
    for call in _CALL.finditer(query):
        if call[1] not in tables:
            raise _refusal(f"{call[1]}()", query, call.start(1))
    begin = _begin(query)
    if not _SELECT.match(query, begin):
        hint = f"tables: {' '.join(sorted(tables))}"
        raise UsageError("SQL: a query is a SELECT", excerpt=query, caret=begin, hint=hint)


def check_plan(plan: Plan, query: str) -> None:
    """Refuse a plan that reads something else than tables. Raises UsageError."""
    other = _INPUT.search(plan.explain(optimized=False))
    if other:
        raise _refusal(f"a scan of {other[1]} files", query, None)


def _refusal(what: str, query: str, caret: int | None) -> UsageError:
    return UsageError(
        f"SQL: {what} would read something else than the recording's tables",
        excerpt=query,
        caret=caret,
        hint="in Python, where the query is your own:\nktrace.sql(PATH, QUERY, confined=False)",
    )


def _begin(query: str) -> int:
    """Return the offset of the first word, after blanks and comments, which may be nested."""
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
