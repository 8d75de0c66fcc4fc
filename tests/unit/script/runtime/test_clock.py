"""Times as text, in a zone that is not that of Greenwich."""

import time
from collections.abc import Iterator

import pytest

from tests.unit.script.scripts import run

ZONES = [
    ("XYZ-5:30", "Wed Nov 15 03:43:20 2023 XYZ", -19800, "XYZ"),
    ("ABC+3", "Tue Nov 14 19:13:20 2023 ABC", 10800, "ABC"),
]


@pytest.fixture
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(("zone", "text", "west", "name"), ZONES, indirect=["zone"])
def test_the_local_zone(zone: None, text: str, west: int, name: str) -> None:
    body = 'printf("%s|%d|%s|%s", tz_ctime(1700000000), tz_gmtoff(), tz_name(), ctime(1700000000)) exit()'
    assert run(f"probe begin {{ {body} }}") == f"{text}|{west}|{name}|Tue Nov 14 22:13:20 2023"


def test_ticks_are_those_of_the_kernel() -> None:
    tick_ns = round(time.clock_getres(6) * 1e9)  # CLOCK_MONOTONIC_COARSE
    hz, ticks, ns = map(
        int, run('probe begin { print(HZ(), " ", jiffies(), " ", local_clock_ns()) exit() }').split()
    )
    assert round(1e9 / tick_ns) == hz
    assert ticks == (1 << 32) - 300 * hz + ns * hz // 10**9
