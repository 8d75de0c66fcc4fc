"""The trace clock and the clocks of people."""

import time
from pathlib import Path

import pytest

from ktrace.host.local import LocalHost
from ktrace.session.clock_offsets import clock_offsets
from ktrace.tracefs.files import Files


def files(tmp_path: Path, clocks: str) -> Files:
    (tmp_path / "trace_clock").write_text(clocks)
    return Files(LocalHost(), str(tmp_path))


@pytest.mark.parametrize("clock", ["mono", "boot"])
def test_times_of_a_known_clock_can_be_converted(tmp_path: Path, clock: str) -> None:
    offsets = clock_offsets(files(tmp_path, f"local global [{clock}]\n"))
    now = {
        "mono": time.monotonic_ns(),
        "boot": time.clock_gettime_ns(time.CLOCK_BOOTTIME),
        "wall": time.time_ns(),
    }
    assert offsets[clock] == 0
    for name, reading in now.items():
        assert abs(now[clock] + offsets[name] - reading) < 60 * 10**9


def test_other_clocks_tell_no_time_of_day(tmp_path: Path) -> None:
    assert clock_offsets(files(tmp_path, "[local] global mono\n")) == {}
