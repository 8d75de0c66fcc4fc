from importlib.util import find_spec

import pytest

from ktrace.errors import Damaged, Unavailable, UsageError
from ktrace.stream.recording import Recording
from ktrace.stream.sql import answers, heads_ahead, run_query
from tests.unit.stream import recorded


@pytest.fixture
def ask(tmp_path):
    path = recorded.write(tmp_path / "a.dat")

    def rows(query):
        with Recording([path]) as recording:
            return [row for frame in answers(run_query(recording, query)) for row in frame.rows()]

    return rows


def test_without_polars_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("ktrace.model.frame.find_spec", lambda name: None)
    with Recording([recorded.write(tmp_path / "a.dat")]) as recording, pytest.raises(Unavailable) as error:
        run_query(recording, "select 1")
    assert "ktrace[bulk]" in error.value.hint


if find_spec("polars") is not None:

    def test_an_event_is_a_table(ask):
        assert ask("select ts, cpu, pid, comm, event, n, d from hit limit 3") == [
            (2000, 0, 7, "seven", "hit", 2, [2, -1]),
            (3000, 1, 8, "eight", "hit", 3, [3, -1]),
            (6000, 0, 7, "seven", "hit", 6, [1, -1]),
        ]

    def test_rows_come_in_order_of_time(ask):
        times = [ts for (ts,) in ask("select ts from events")]
        assert times == [n * 1000 for n in range(160)]

    def test_group_by(ask):
        assert ask("select comm, pid, count(*) as n from events group by comm, pid order by pid") == [
            ("seven", 7, 80),
            ("eight", 8, 80),
        ]
        assert sorted(ask("select event, count(*), max(ts) from events group by event")) == [
            ("hit", 80, 159000),
            ("wake", 80, 157000),
        ]

    @pytest.mark.parametrize("since", [None, 90_000])
    @pytest.mark.parametrize("until", [None, 100_000])
    @pytest.mark.parametrize(
        "query", ["count(*), min(ts), max(ts) from events", "ts from events order by ts"]
    )
    def test_a_window(tmp_path, since, until, query):
        """Records between two times, both included, whether their fields are needed or not."""
        path = recorded.write(tmp_path / "a.dat", pages=4)
        times = [n * 1000 for n in range(320) if (since or 0) <= n * 1000 <= (until or 1 << 62)]
        with Recording([path]) as recording:
            recording.since, recording.until = since, until
            seen: list[int] = []
            text = f"select {query}"
            ahead = heads_ahead(recording, text, 2)
            frames = list(answers(run_query(recording, text, ahead, watch=seen.append)))
            if ahead is not None:
                ahead.close()
            rows = [row for frame in frames for row in frame.rows()]
            assert seen and (recording.done <= recording.size or ahead is not None)
        assert rows == ([(len(times), min(times), max(times))] if "count" in query else [(t,) for t in times])

    def test_the_event_alone(ask):
        assert sorted(ask("select event, count(*) from events group by event")) == [("hit", 80), ("wake", 80)]

    def test_records_without_their_fields_are_the_same_either_way(ask, monkeypatch):
        queries = [
            "select event, comm, flags, cpu, count(*), sum(ts) from events group by 1, 2, 3, 4 order by 1, 2",
            "select count(*) from events where event = 'hit' and cpu = 1",
        ]
        fast = [ask(query) for query in queries]
        monkeypatch.setattr(Recording, "heads", lambda self, names: None)
        assert fast == [ask(query) for query in queries]
        assert fast[1] == [(40,)] and len(fast[0]) == 4

    def test_fields_named_like_what_each_record_has(ask):
        assert ask("select comm, arg_comm, pid, arg_pid, prio from wake limit 1") == [
            ("seven", "woken0", 7, 0, 120)
        ]

    def test_where_and_an_expression(ask):
        assert ask("select n * 2 as twice from hit where n between 10 and 14 and cpu = 0") == [(20,), (28,)]

    def test_a_join_reads_both(ask):
        pairs = "hit h join wake w on h.n = w.arg_pid + 2 where h.cpu = 0"
        query = f"select h.ts, w.ts as before from {pairs} order by h.ts limit 2"
        assert ask(query) == [(2000, 0), (6000, 4000)]

    def test_counting_all(ask):
        assert ask("select count(*) from hit") == [(80,)]

    def test_all_columns(ask, tmp_path):
        with Recording([str(tmp_path / "a.dat")]) as recording:
            answer = run_query(recording, "select * from hit")
            assert answer.collect_schema().names() == [
                "ts",
                "cpu",
                "pid",
                "comm",
                "flags",
                "event",
                "ip",
                "n",
                "d",
            ]

    def test_only_what_is_asked_for_is_decoded(ask, monkeypatch):
        seen = set()
        true = Recording.chunks

        def chunks(self, wanted, **options):
            for chunk in true(self, wanted, **options):
                seen.update((batch.event, *batch.columns) for batch in chunk.batches)
                yield chunk

        monkeypatch.setattr(Recording, "chunks", chunks)
        ask("select sum(n) from hit")
        assert seen == {("hit", "n")}

    @pytest.mark.parametrize(
        ("query", "message", "hint"),
        [
            ("selec 1", "a query is a SELECT", "tables: events hit wake"),
            ("select * from nothing", "there is no table 'nothing'", "tables: events hit wake"),
            (
                "select m from hit",
                "there is no column 'm'",
                "columns of hit: ts cpu pid comm flags event ip n d",
            ),
        ],
    )
    def test_a_query_that_is_not_understood(ask, query, message, hint):
        with pytest.raises(UsageError) as error:
            ask(query)
        assert message in error.value.message
        assert error.value.hint == hint

    def test_an_event_whose_name_two_groups_have(tmp_path):
        path = tmp_path / "a.dat"
        made = recorded.HIT, recorded.WAKE
        try:
            short = "".join(line for line in recorded.HIT.splitlines(keepends=True) if " d[2]" not in line)
            recorded.WAKE = short.replace("ID: 300", "ID: 301").replace("u64 n", "u64 m")
            recorded.write(path)
        finally:
            recorded.HIT, recorded.WAKE = made
        with Recording([str(path)]) as recording:
            frames = answers(run_query(recording, "select count(m) from sched_hit"))
            assert [frame.rows() for frame in frames] == [[(80,)]]

    def test_a_file_that_cannot_be_read_on(tmp_path, monkeypatch):
        path = recorded.write(tmp_path / "a.dat")

        def damaged(self, wanted, **options):
            raise Damaged("cut", source="a.dat", offset=5)
            yield

        monkeypatch.setattr(Recording, "chunks", damaged)
        with Recording([path]) as recording, pytest.raises(Damaged, match="offset 5"):
            list(answers(run_query(recording, "select count(*) from hit")))

    @pytest.mark.parametrize(
        ("query", "is_used"),
        [
            ("select comm, pid, count(*) n from events group by comm, pid order by pid", True),
            ("select event, max(ts) from events where cpu = 1 group by event order by 1", True),
            ("select count(*) from events", False),
            ("select ts, comm from events", False),
            ("select hit.comm, count(*) from hit join events on hit.ts = events.ts group by 1", False),
        ],
    )
    @pytest.mark.parametrize("processes", [1, 2, 5])
    def test_what_other_processes_read_is_the_same(tmp_path, query, is_used, processes):
        with Recording([recorded.write(tmp_path / "a.dat")]) as recording:
            ahead = heads_ahead(recording, query, processes)
            assert (ahead is not None) == is_used
            here, there = (
                [row for frame in answers(run_query(recording, query, one)) for row in frame.rows()]
                for one in (None, ahead)
            )
            if ahead is not None:
                assert ahead.take(["pid"]) is None  # it has been used
                ahead.close()
        assert sorted(here) == sorted(there) and here

    def test_columns_that_were_not_expected_are_read_here(tmp_path):
        with Recording([recorded.write(tmp_path / "a.dat")]) as recording:
            ahead = heads_ahead(recording, "select max(ts) from events", 2)
            assert ahead.take(["ts", "pid"]) is None
            (row,) = answers(run_query(recording, "select max(pid) from events", ahead))
            assert row.rows() == [(8,)]
            ahead.close()
