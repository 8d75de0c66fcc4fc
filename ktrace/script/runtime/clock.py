"""Time functions. In a handler of an event, they use the event's time."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from ktrace.host.host import Host
from ktrace.host.local import LocalHost
from ktrace.script.language.faults import Fault
from ktrace.script.runtime.state import State

_COARSE = 6  # CLOCK_MONOTONIC_COARSE of clock_getres(2): its resolution is the length of a tick
_BEFORE_WRAP_NS = 300_000_000_000  # jiffies starts as long before it passes 32 bits


def functions(state: State) -> Mapping[str, Callable[..., Any]]:
    """Return the functions by name. `ts` is in nanoseconds of the events' clock."""

    def wall(unit: int) -> Callable[[int], int]:
        return lambda ts: (ts + state.wall_offset) // unit

    def local(unit: int) -> Callable[[int], int]:
        return lambda ts: ts // unit

    zone = time.localtime()  # as it is when the script starts, like SystemTap's
    units = {"ns": 1, "us": 1000, "ms": 1_000_000, "s": 1_000_000_000}
    made: dict[str, Callable[..., Any]] = {}
    for name, unit in units.items():
        made[f"gettimeofday_{name}"] = wall(unit)
        made[f"local_clock_{name}"] = local(unit)
        made[f"cpu_clock_{name}"] = lambda ts, _cpu, unit=unit: ts // unit
    return made | {
        "get_cycles": lambda ts: ts,
        "ktime_get_ns": lambda ts: ts,
        "jiffies": lambda ts: (1 << 32) + (ts - _BEFORE_WRAP_NS) * _hz(state.host) // 1_000_000_000,
        "HZ": lambda: _hz(state.host),
        "ctime": lambda ts, seconds=None: _ctime(wall(10**9)(ts) if seconds is None else seconds),
        "tz_ctime": lambda seconds: f"{_ctime(seconds + zone.tm_gmtoff)} {zone.tm_zone}",
        "tz_gmtoff": lambda: -zone.tm_gmtoff,
        "tz_name": lambda: zone.tm_zone,
    }


def _hz(host: Host) -> int:
    """Return the ticks of the kernel in a second."""
    if not isinstance(host, LocalHost):
        raise Fault("how many ticks a second has on that machine is not known")
    return round(1 / time.clock_getres(_COARSE))


def _ctime(seconds: int) -> str:
    """Format a time like SystemTap: seconds have 32 bits, which covers the years 1901 to 2038."""
    if not -(1 << 31) <= seconds < 1 << 31:
        raise Fault(f"Time too far in the {'future' if seconds > 0 else 'past'} to be converted")
    return time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(seconds))
