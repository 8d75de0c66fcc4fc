"""Relate the trace clock to the clocks that people and logs use."""

from ktrace.host.host import Host
from ktrace.tracedat.options import selected_clock
from ktrace.tracefs.files import Files


def clock_offsets(files: Files) -> dict[str, int]:
    """Return the nanoseconds to add to a record's time to get that of `mono`, `boot` and `wall`.

    Args:
        files: those of the instance.

    Returns:
        Nothing if the trace clock is neither `mono` nor `boot`.
    """
    readings = _readings(files.host)
    base = readings.get(selected_clock(files.read("trace_clock")))
    return {} if base is None else {name: reading - base for name, reading in readings.items()}


def _readings(host: Host) -> dict[str, int]:
    """Return the time of each clock, all of the same moment but for some microseconds."""
    before, boot, wall, after = (
        host.monotonic_ns(),
        host.boottime_ns(),
        host.time_ns(),
        host.monotonic_ns(),
    )
    return {"mono": (before + after) // 2, "boot": boot, "wall": wall}
