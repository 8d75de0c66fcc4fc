"""Probe points of perf events: `kernel.data("jiffies").write`, `perf.sw.page_faults`, `timer.profile.freq`.

The numbers of events are those of perf_event_open(2).
"""

from collections.abc import Sequence

from ktrace.script.language.definitions import Component, Point
from ktrace.script.language.sites import PerfEvent, Watch
from ktrace.script.language.source import NoSuchPoint, ScriptError

_LENGTHS = (1, 2, 4, 8)
_HINT = 'kernel.data("NAME").write, kernel.data(0xADDRESS).length(4).rw'


def watch_site(what: Component, suffixes: Sequence[Component]) -> Watch:
    """Return the site of `kernel.data(PLACE)...`. Raises ScriptError."""
    if what.arg is None:
        raise ScriptError("kernel.data takes an address or a variable's name", what.at, hint=_HINT)
    length, rest = 8, list(suffixes)
    if rest and rest[0].name == "length":
        size = rest.pop(0)
        if size.arg not in _LENGTHS or not isinstance(size.arg, int):
            raise ScriptError("a watchpoint has 1, 2, 4 or 8 bytes", size.at, hint=_HINT)
        length = size.arg
    if len(rest) != 1 or rest[0].name not in ("write", "rw"):
        raise ScriptError("is the memory written (.write), or read as well (.rw)?", what.at, hint=_HINT)
    return Watch(what.arg, length, rest[0].name == "rw")


_HARDWARE = {
    "cpu_cycles": 0,
    "instructions": 1,
    "cache_references": 2,
    "cache_misses": 3,
    "branch_instructions": 4,
    "branch_misses": 5,
    "bus_cycles": 6,
    "stalled_cycles_frontend": 7,
    "stalled_cycles_backend": 8,
    "ref_cpu_cycles": 9,
}
_SOFTWARE = {
    "cpu_clock": 0,
    "task_clock": 1,
    "page_faults": 2,
    "context_switches": 3,
    "cpu_migrations": 4,
    "page_faults_min": 5,
    "page_faults_maj": 6,
    "alignment_faults": 7,
    "emulation_faults": 8,
}
_TYPES = {"hw": (0, _HARDWARE), "sw": (1, _SOFTWARE)}
_OF_CACHES = 3
# SystemTap's tapset spells one of the names of the memory nodes wrong, so scripts may have either spelling.
_CACHES = {"l1d": 0, "l1i": 1, "ll": 2, "dtlb": 3, "itlb": 4, "bpu": 5, "node": 6, "ndoe": 6}
_ACCESSES = {"read": 0, "write": 1, "prefetch": 2}
_RESULTS = {"access": 0, "miss": 1}
_PERF_HINT = "perf.sw.page_faults, perf.hw.instructions.sample(100000), perf.type(1).config(0).hz(99)"
_HZ_MAX = 1_000_000


def counter_site(point: Point) -> PerfEvent:
    """Return the site of `perf...` or `timer.profile.freq...`. Raises ScriptError."""
    _, *rest = point.parts
    names = [one.name for one in rest]
    match names:
        case ["type", "config", *_] if all(isinstance(one.arg, int) for one in rest[:2]):
            kind, config, suffixes = rest[0].arg, rest[1].arg, rest[2:]
        case [("hw" | "sw") as name, event, *_] if event in _TYPES[name][1]:
            kind, config, suffixes = _TYPES[name][0], _TYPES[name][1][event], rest[2:]
        case ["hw_cache", cache, access, result, *_] if (
            cache in _CACHES and access in _ACCESSES and result in _RESULTS
        ):
            kind, config = _OF_CACHES, _CACHES[cache] | _ACCESSES[access] << 8 | _RESULTS[result] << 16
            suffixes = rest[4:]
        case ["profile", "freq", *_]:
            kind, config, suffixes = _TYPES["sw"][0], _SOFTWARE["cpu_clock"], rest[2:]
        case _:
            raise NoSuchPoint(f"there is no perf event '{point}'", point.at, hint=_PERF_HINT)
    assert isinstance(kind, int) and isinstance(config, int)
    return _counter(PerfEvent(kind, config), suffixes)


def _counter(site: PerfEvent, suffixes: Sequence[Component]) -> PerfEvent:
    """Return the site with the period or the rate of its suffix."""
    if not suffixes:
        return site
    first, *more = suffixes
    if first.name in ("process", "counter"):
        raise ScriptError(
            f"perf events of a process, and read by @perf, are not supported: .{first.name}", first.at
        )
    if more or first.name not in ("sample", "hz"):
        raise NoSuchPoint(
            f"'{(more or [first])[0]}' does not belong to a perf event", first.at, hint=_PERF_HINT
        )
    if not isinstance(first.arg, int) or first.arg <= 0 or (first.name == "hz" and first.arg > _HZ_MAX):
        raise ScriptError(f".{first.name} takes a number above 0", first.at, hint=_PERF_HINT)
    if first.name == "hz":
        return PerfEvent(site.type, site.config, 0, first.arg)
    return PerfEvent(site.type, site.config, first.arg)
