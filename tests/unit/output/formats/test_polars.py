import csv
import io
import json
from functools import partial
from importlib.util import find_spec

from tests.unit.output.schema import SCHEMA, fits

if find_spec("polars") is not None:
    import polars as pl

    from ktrace.output.formats.polars import write_csv, write_json, write_table

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

    def test_csv_holds_no_formula():
        texts = ["=1+1", "-x", "\t=1", "plain", "=a,b", ""]
        many = pl.DataFrame(
            {"=n": range(-1, 5), "s": texts, "c": texts}, schema_overrides={"c": pl.Categorical}
        )
        rows = [["-1", "'=1+1"], ["0", "'-x"], ["1", "\\t=1"], ["2", "plain"], ["3", "'=a,b"], ["4", ""]]
        read = list(csv.reader(io.StringIO(written(write_csv, [many]))))
        assert read == [["'=n", "s", "c"], *([*row, row[1]] for row in rows)]
        plain = list(csv.reader(io.StringIO(written(partial(write_csv, raw=True), [many]))))
        assert plain[0] == ["=n", "s", "c"] and plain[1] == ["-1", "=1+1", "=1+1"] and plain[5][1] == "=a,b"

    def test_table():
        assert written(write_table, FRAMES).splitlines() == [
            "comm                         n  l           x",
            "a\\x1b[2J                     1  [1, 2]  0.500",
            "-         18446744073709551615  -       2.000",
            'b,"                          7  [3]         -',
        ]

    def test_nothing():
        assert written(write_table, []) == written(write_json, []) == ""
