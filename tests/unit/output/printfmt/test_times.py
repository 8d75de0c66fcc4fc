import struct
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ktrace.output.printfmt.cint import Machine
from ktrace.output.printfmt.times import spell_time

BROKEN_DOWN = struct.pack("<9i", 5, 4, 3, 2, 0, 119, 0, 0, 0)


@pytest.mark.parametrize(
    ("extension", "value", "want"),
    [
        ("R", BROKEN_DOWN, "2019-01-02T03:04:05"),
        ("Rd", BROKEN_DOWN, "2019-01-02"),
        ("Rt", BROKEN_DOWN, "03:04:05"),
        ("Rr", BROKEN_DOWN, "0119-00-02T03:04:05"),
        ("Rs", BROKEN_DOWN, "2019-01-02 03:04:05"),
        ("Rdr", BROKEN_DOWN, "0119-00-02"),
        ("T", struct.pack("<q", 1546398245), "2019-01-02T03:04:05"),
        ("T", struct.pack("<q", -1), "1969-12-31T23:59:59"),
        ("Sp", struct.pack("<qq", 12, 345), "12.000000345"),
        ("T", b"short", None),
        ("X", BROKEN_DOWN, None),
    ],
)
def test_times(extension: str, value: bytes, want: str | None) -> None:
    assert spell_time(extension, value, Machine()) == want


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 1, 1)))
def test_dates_are_those_of_the_calendar(time: datetime) -> None:
    seconds = (
        (time.replace(tzinfo=UTC, microsecond=0) - datetime(1970, 1, 1, tzinfo=UTC))
        // (datetime(1970, 1, 2) - datetime(1970, 1, 1))
        * 86400
        + time.hour * 3600
        + time.minute * 60
        + time.second
    )
    value = struct.pack(">q", seconds)
    assert spell_time("T", value, Machine(big_endian=True)) == time.replace(microsecond=0).isoformat()
