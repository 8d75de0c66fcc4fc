import io
import json
from importlib.util import find_spec

from tests.unit.output.schema import SCHEMA, fits

if find_spec("polars") is not None:
    import polars as pl

    from ktrace.output.frames import write_csv, write_json, write_table

    TYPES = {"comm": pl.String, "n": pl.UInt64, "l": pl.List(pl.Int64), "x": pl.Float64}
    ROWS = [("a\x1b[2J", 1, [1, 2], 0.5), (None, 2**64 - 1, None, 2.0), ('b,"', 7, [3], None)]
    FRAMES = [pl.DataFrame(rows, schema=TYPES, orient="row") for rows in (ROWS[:2], ROWS[2:])]

    def written(write, frames):
        out = io.BytesIO()
        write(out, iter(frames))
        return out.getvalue().decode()

    def test_json():
        records = [json.loads(line) for line in written(write_json, FRAMES).splitlines()]
        assert all(fits(record, SCHEMA) for record in records)
        assert records[1]["columns"] == {"comm": None, "n": 2**64 - 1, "l": None, "x": 2.0}
        assert written(write_json, FRAMES).isascii()

    def test_csv():
        assert written(write_csv, FRAMES).splitlines() == [
            "comm,n,l,x", 'a\\x1b[2J,1,"[1,2]",0.5', ",18446744073709551615,,2.0", '"b,""",7,[3],',
        ]  # fmt: skip

    def test_table():
        assert written(write_table, FRAMES).splitlines() == [
            "comm                         n  l           x",
            "a\\x1b[2J                     1  [1, 2]  0.500",
            "-         18446744073709551615  -       2.000",
            'b,"                          7  [3]         -',
        ]

    def test_nothing():
        assert written(write_table, []) == written(write_json, []) == ""
