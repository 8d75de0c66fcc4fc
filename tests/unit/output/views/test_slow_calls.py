"""Slow calls as text and JSON."""

import json

from ktrace.model.slow_call import Slow
from ktrace.output.views.slow_calls import slow_record, slow_text
from tests.unit.output.schema import SCHEMA, fits

SLOW = Slow(3_337_561_000, 1, 138, "sl\x1b", 30_492_400, {"fd": 7, "$retval": -11}, ["f", "g"])


def test_text() -> None:
    assert slow_text(SLOW) == (
        "      3.337561   30.5 ms  sl\\x1b-138 [001]  fd=7 $retval=-11\n"
        "                 f\n"
        "                 g\n"
    )  # fmt: skip


def test_json() -> None:
    record = json.loads(slow_record(SLOW))
    assert fits(record, SCHEMA) and record["latency_ns"] == 30_492_400 and record["comm"] == "sl\x1b"
