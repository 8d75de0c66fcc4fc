"""A wrong query is answered in one line, with the place in it and the closest names."""

import pytest

from ktrace.stream.sql_errors import explained, listed

TABLES = {
    "events": ["ts", "cpu", "comm", "f_path"],
    "sched_switch": ["ts", "prev_comm", "next_comm"],
    "wide": [f"c{n:03}" for n in range(500)],
}


def explain(message: str, query: str, *named: str):
    columns = {name: (lambda name=name: TABLES[name]) for name in TABLES}
    return explained(message, query, TABLES, {name: columns[name] for name in named}, columns)


def missing(name: str) -> str:
    return (
        f'unable to find column "{name}"; valid columns: [{"x " * 3000}]\n\nResolved plan until failure:\n'
        + "\n" * 180
    )


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("f_pth", "did you mean f_path?"),
        ("f_pa", "did you mean f_path?"),
        ("cmm", "did you mean comm?"),
        ("next_comm", "next_comm is a column of sched_switch"),
        ("zzzz", "columns of events: ts cpu comm f_path"),
    ],
)
def test_a_missing_column(name, hint):
    query = f"select cpu, {name} from events"
    error = explain(missing(name), query, "events")
    assert error.message == f"SQL: there is no column '{name}'" and error.hint == hint
    assert error.excerpt is not None and error.caret == 12


def test_many_columns_are_not_all_listed():
    error = explain(missing("zzzz"), "select zzzz from wide", "wide")
    assert error.hint == f"columns of wide: {' '.join(f'c{n:03}' for n in range(12))} and 488 more"
    assert listed(["a", "b"]) == "a b"


@pytest.mark.parametrize(
    ("message", "query", "told", "caret", "hint"),
    [
        (
            "relation 'evnts' was not found",
            "select 1 from evnts",
            "there is no table 'evnts'",
            14,
            "did you mean events?",
        ),
        (
            "relation 'q' was not found",
            "select 1 from q",
            "there is no table 'q'",
            14,
            "tables: events sched_switch wide",
        ),
        (
            "no column named 'cmm' found in table 'e'\nplan",
            "select e.cmm from events e",
            "there is no column 'cmm'",
            9,
            "did you mean comm?",
        ),
        (
            "no table or struct column named 'evnts' found",
            "select evnts.ts from events",
            "there is no table 'evnts'",
            7,
            "did you mean events?",
        ),
        (
            "unsupported function 'lenght'\n\nplan",
            "select lenght(comm) from events",
            "there is no function 'lenght'",
            7,
            "did you mean length?",
        ),
        (
            "sql parser error: Expected: identifier, found: EOF",
            "select * from",
            "expected identifier, found: EOF",
            13,
            None,
        ),
        (
            "sql parser error: Expected: end of statement, found: x at Line: 2, Column: 3",
            "select 1\na x",
            "expected end of statement, found: x",
            11,
            None,
        ),
        (
            "statement type is not supported:\nUpdate(Update {" + "x" * 9000,
            " update events",
            "a query is a SELECT",
            1,
            None,
        ),
        ("arithmetic on dtypes\nplan\nplan", "select 1", "arithmetic on dtypes", None, None),
        ("", "select 1", "the query failed", None, None),
    ],
)
def test_others(message, query, told, caret, hint):
    error = explain(message, query, "events")
    assert (error.message, error.caret, error.hint) == (f"SQL: {told}", caret, hint)
