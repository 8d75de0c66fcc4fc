"""A query that is to read a file does not, however it is written."""

from importlib.util import find_spec

import pytest

from ktrace.errors import UsageError
from ktrace.stream import confined as module
from ktrace.stream.api import sql
from ktrace.stream.confined import check_plan, check_query
from tests.unit.stream import recorded

CALLS = [
    "read_csv('{}')",
    "READ_CSV('{}')",
    "rEaD_cSv ('{}')",
    "\"read_csv\"('{}')",
    "`read_csv`('{}')",
    "'read_csv'('{}')",
    "read_csv\n\t('{}')",
    "read_csv\u00a0\u2003('{}')",
    "read_csv/**/('{}')",
    "read_csv /* /* */ */ ('{}')",
    "read_csv--\n('{}')",
    "\"read_csv\" -- (\n('{}')",
    "(read_csv('{}'))",
    "read_parquet('{}')",
    "read_ipc('{}')",
    "read_json('{}')",
    "read_ndjson('{}')",
    "scan_csv('{}')",
]
PLACES = [
    "select * from {}",
    "/* c */ -- d\nselect * from {}",
    "with c as (select * from {}) select * from c",
    "select * from hit join {} as r on hit.n = r.n",
    "select * from hit, {}",
    "select * from hit where n in (select n from {})",
    "select (select max(n) from {}) from hit",
    "select n from hit union all select n from {}",
    "explain select * from {}",
    "create table x as select * from {}",
    # The dialect has no backslash escapes: the string ends before `union`.
    "select comm from hit where comm = 'a\\' union select n from {} --'",
    # And what only looks like a string does not hide anything.
    "select comm from hit where comm = '''' union select n from {} -- '",
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("place", PLACES)
def test_no_call_passes(call: str, place: str) -> None:
    with pytest.raises(UsageError, match="would read something other"):
        check_query(place.format(call.format("/etc/passwd")), ["hit", "events"])


@pytest.mark.parametrize(
    "query",
    [
        "select * from read_end",
        "select read_csv, scan_parquet from hit",
        "select comm from hit where comm = 'read_csv'",
        "select comm from hit where comm like '%read_csv%' and n > (1)",
        "select * from hit where spread_csv(1) = 2",
        "  -- first\n/* a /* b */ c */ SELECT 1",
        "(select 1) union (select 2)",
        "with c as (select 1) select * from c",
        "values (1)",
        "select * from read_probe -- a table",
    ],
)
def test_what_only_looks_like_one(query: str) -> None:
    check_query(query, ["hit", "events", "read_probe"])


@pytest.mark.parametrize(
    "query",
    [
        "drop table hit",
        "explain select 1",
        "show tables",
        "create table x as select 1",
        "",
        "/* a",
        "selected",
    ],
)
def test_a_query_is_a_select(query: str) -> None:
    with pytest.raises(UsageError, match="a query is a SELECT"):
        check_query(query, ["hit"])


def test_the_caret_is_at_the_call() -> None:
    with pytest.raises(UsageError) as refused:
        check_query("select 1 union select * from \"Read_CSV\"('x')", [])
    assert refused.value.caret == 30 and "confined=False" in (refused.value.hint or "")


if find_spec("polars") is not None:

    @pytest.fixture
    def files(tmp_path):
        import polars as pl

        (tmp_path / "x.csv").write_text("n\n2\n")
        (tmp_path / "x.json").write_text('{"n":1}\n')
        pl.DataFrame({"n": [1]}).write_parquet(tmp_path / "x.parquet")
        pl.DataFrame({"n": [1]}).write_ipc(tmp_path / "x.ipc")
        return tmp_path

    @pytest.mark.parametrize("kind", ["csv", "parquet", "ipc", "json"])
    def test_what_the_words_do_not_show_is_found_in_the_plan(files, kind):
        """Polars may have a new function some day, whose name is not known here."""
        import polars as pl

        query = f"select * from read_{kind}('{files}/x.{kind}')"
        plan = pl.SQLContext().execute(query, eager=False)
        with pytest.raises(UsageError, match="would read something other"):
            check_plan(plan, query)

    def test_ones_own_query_may_read_what_it_likes(files):
        path = recorded.write(files / "a.dat")
        query = f"select count(*) as n from hit join read_csv('{files}/x.csv') as r on hit.n = r.n"
        with pytest.raises(UsageError, match="read_csv"):
            sql(path, query)
        assert sql(path, query, confined=False).rows() == [(1,)]

    def test_a_call_that_the_words_miss_is_refused_all_the_same(files, monkeypatch):
        monkeypatch.setattr(module, "check_query", lambda query, tables: None)
        monkeypatch.setattr("ktrace.stream.sql.check_query", lambda query, tables: None)
        path = recorded.write(files / "a.dat")
        with pytest.raises(UsageError, match="a scan of Csv files"):
            sql(path, f"select * from read_csv('{files}/x.csv')")
