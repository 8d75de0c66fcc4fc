"""SQL over a recording."""

import io
import warnings

from ktrace.output.formats.polars import write_csv, write_json, write_table
from ktrace.stream.recording import Recording
from ktrace.stream.sql import answers, run_query
from tests.fuzz.mutate import Material
from tests.fuzz.target import Target
from tests.unit.stream import recorded


class Queries(Target):
    """Queries as a user writes them."""

    name = "sql"

    def material(self) -> Material:
        """Take queries of every kind that the documentation shows."""
        self.recording = recorded.write(self.folder / "r.dat", 1)
        seeds = (
            "select comm, count(*) n from hit group by comm",
            "select event, count(*) n from events group by 1",
            "select ts, n from hit where n > 10 order by n desc limit 5",
            "select a.n, b.pid from hit a join wake b on a.cpu = b.cpu where b.comm like 'w%'",
            "with x as (select max(ts) t from events) select * from x",
            "select avg(n), sum(n) / 2, case when cpu = 1 then 'a' else 'b' end from hit group by cpu",
        )
        words = (
            *(
                "select",
                "from",
                "where",
                "group by",
                "order by",
                "limit",
                "having",
                "join",
                "on",
                "union",
                "(",
                ")",
            ),
            *(
                "*",
                ",",
                "'",
                '"',
                ";",
                "--",
                "hit",
                "wake",
                "events",
                "ts",
                "n",
                "d",
                "comm",
                "count(",
                "max(",
                "cast(",
            ),
            *(
                "as int",
                "interval '1 day'",
                "like",
                "~",
                "in (1)",
                "over (partition by cpu)",
                "null",
                "-1",
                "1e400",
            ),
            *(
                "distinct",
                "explode",
                "unnest(d)",
                "substr(",
                "regexp_like(comm, '(a+)+$')",
                "drop table hit",
                "\udcff",
            ),
        )
        return Material(
            [s.encode() for s in seeds], [f" {w} ".encode("utf-8", "surrogateescape") for w in words]
        )

    def run(self, data: bytes) -> None:
        """Ask, and write the answer in one of three ways."""
        write = (write_table, write_json, write_csv)[len(data) % 3]
        query = data.decode("utf-8", "surrogateescape")
        with Recording([self.recording]) as recording, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            write(io.BytesIO(), answers(run_query(recording, query)))
