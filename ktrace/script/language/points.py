"""Interpret probe points that are not aliases: their kind, function or interval."""

import re
from dataclasses import replace
from fnmatch import fnmatchcase

from ktrace.script.language.definitions import Component, Point
from ktrace.script.language.sampled import counter_site, watch_site
from ktrace.script.language.served import served_site
from ktrace.script.language.sites import (
    AtEvent,
    AtFunction,
    AtMoment,
    AtSyscall,
    OwnSite,
    PerfEvent,
    Profile,
    Site,
    Timer,
)
from ktrace.script.language.source import NoSuchPoint, ScriptError

__all__ = ["AtEvent", "AtFunction", "AtMoment", "AtSyscall", "OwnSite", "Site", "Timer", "read_point"]

_UNITS = {
    "s": 10**9,
    "sec": 10**9,
    "ms": 10**6,
    "msec": 10**6,
    "us": 10**3,
    "usec": 10**3,
    "ns": 1,
    "nsec": 1,
}
# FILE, FILE:LINES or FILE+N.
_PLACE = re.compile(r"(.*?)(?::?(\+\d+)|:(.*))?", re.DOTALL)
_ONE_LINE = re.compile(r"\d{1,9}", re.ASCII)
_LINES = re.compile(r"\*|\+?\d{1,9}|\d{1,9}(-\d{1,9})?(,\d{1,9}(-\d{1,9})?)*", re.ASCII)
_MOMENTS = ("begin", "end", "error", "never", "oneshot")
_JIFFY = 10**6  # nanoseconds, at SystemTap's HZ of 1000


REFUSED_FAMILIES = {
    "process": "programs are not probed by scripts yet; `ktrace add` takes FILE:OFFSET",
    "java": "Java methods are not probed",
    **dict.fromkeys(("python", "python2", "python3"), "Python functions are not probed"),
    "plugin": "plugins are not supported",
    "init": "its order among the begin probes is not documented: begin(-1) runs before begin",
    **dict.fromkeys(
        ("stap", "stapio", "staprun"), "it is in SystemTap's own programs, which ktrace does not use"
    ),
    **dict.fromkeys(("dw_kprocess", "tp_kprocess"), "it is a part of kprocess.create: probe that"),
}
"""Probe points that ktrace refuses, by their first word, with the reason."""


_REFUSED_SUFFIXES = {
    "callee": "ktrace does not know which functions a function calls: probe the callee's own function",
    "callees": "ktrace does not know which functions a function calls: probe their own functions",
    "label": 'labels are not looked up: kernel.statement("FUNCTION@FILE:LINE") probes the label\'s line',
    "absolute": "give the address without it: kernel.statement(0xADDRESS)",
}
"""Suffixes of functions that ktrace refuses, with the reason or what to write."""

_REFUSED_KINDS = {
    "mark": 'kernels have tracepoints in place of markers: kernel.trace("EVENT")',
    "tracepoint": 'a tracepoint is kernel.trace("EVENT")',
}
"""Second words after `kernel` and `module` that ktrace refuses, with the reason or what to write."""


REFUSED_ALIASES = dict.fromkeys(
    ("netfilter.hook", "netfilter.pf"),
    "hooks are not added to the kernel: netfilter.ipv4.local_in and the like probe what calls them",
)
"""Probe points that would be aliases, by their first two words, with the reason or what to write."""


def read_point(point: Point) -> Site:
    """Return the site that a probe point describes.

    Raises:
        ScriptError: the probe point does not exist, or ktrace cannot probe it (the message says why).
    """
    head, *rest = point.parts
    match head.name:
        case "begin" | "end" | "error" | "never" | "oneshot":
            _nothing_more(rest)
            if isinstance(head.arg, str) or (head.arg is not None and head.name in ("never", "oneshot")):
                raise NoSuchPoint(
                    f"there is no probe point '{head}'", head.at, hint="begin, begin(5), end(-1)"
                )
            return AtMoment(head.name, head.arg or 0)
        case "timer":
            return _timer(point, rest)
        case "perf":
            return counter_site(point)
        case "kernel" | "module" | "kprobe" | "__ktrace":
            return _in_kernel(point, head, rest)
        case "procfs" | "__ktrace_input":
            return served_site(point)
    if head.name in REFUSED_FAMILIES:
        raise ScriptError(f"{head.name}: {REFUSED_FAMILIES[head.name]}", point.at)
    raise NoSuchPoint(f"there is no probe point '{point}'", point.at)


_WORDS = {
    "timer": (*_UNITS, "hz", "jiffies", "profile"),
    "kernel": ("function", "statement", "trace"),
    "module": ("function", "statement"),
}
_SUFFIXES = ("call", "exported", "inline", "maxactive", "return")


_SEQUENCE_MAX = 5  # words that ** stands for


def sequences(point: Point) -> list[Point]:
    """Return the points that a point with `**` stands for: `a.**` is `a.*`, `a.*.*` and so on."""
    ways: list[tuple[Component, ...]] = [()]
    for part in point.parts:
        before, stars, after = part.name.partition("**")
        more: list[tuple[Component, ...]] = [(part,)]
        if stars:
            last = "*" + after.lstrip("*").replace("**", "*")
            more = [(replace(part, name=before + last),)]
            for count in range(_SEQUENCE_MAX - 1):
                between = [Component(part.at, "*")] * count
                more.append((Component(part.at, before + "*"), *between, replace(part, name=last)))
        ways = [(*way, *parts) for way in ways for parts in more][:_SEQUENCES_MAX]
    return [point] if "**" not in str(point) else [replace(point, parts=way) for way in ways]


_SEQUENCES_MAX = 200


def spelled(point: Point) -> list[Point]:
    """Return the probe points that a point with wildcards in its words stands for, by their full words.

    Aliases are not among them. The list may be empty.
    """
    ways: list[tuple[Component, ...]] = [()]
    for number, part in enumerate(point.parts):
        more: list[tuple[Component, ...]] = []
        for way in ways:
            known: tuple[str, ...] = (*_MOMENTS, *_WORDS) if not number else _SUFFIXES
            if number == 1:
                known = _WORDS.get(way[0].name, ())
            names = [one for one in known if fnmatchcase(one, part.name)] if "*" in part.name else [part.name]
            more += [(*way, replace(part, name=name)) for name in names]
        ways = more
    found = [replace(point, parts=way) for way in ways]
    return [one for one in found if _is_point(one)]


def _is_point(point: Point) -> bool:
    try:
        read_point(point)
    except NoSuchPoint:
        return False
    except ScriptError:
        return point.parts[-1].arg is not None  # a mistake that is told later
    return True


def _nothing_more(rest: list[Component]) -> None:
    if rest:
        raise NoSuchPoint(f"'{rest[0]}' does not belong to this probe point", rest[0].at)


def _timer(point: Point, rest: list[Component]) -> Timer | Profile | PerfEvent:
    if not rest:
        raise ScriptError("which timer?", point.at, hint="timer.s(1), timer.ms(100), timer.hz(10)")
    unit, *more = rest
    if unit.name == "profile" and more and more[0].name == "freq":
        return counter_site(point)
    if unit.name == "profile":
        _nothing_more([one for one in more if one.name != "tick"])
        return Profile()
    value = unit.arg
    if unit.name in ("hz", "jiffies", *_UNITS) and not isinstance(value, int):
        raise ScriptError(f"timer.{unit.name} takes a number", unit.at)
    if unit.name not in ("hz", "jiffies", *_UNITS) or not isinstance(value, int):
        raise NoSuchPoint(f"there is no timer '{unit}'", unit.at, hint="s ms us ns hz jiffies profile")
    if value <= 0:
        raise ScriptError("a timer's time must be above 0", unit.at)
    if unit.name == "hz":
        _nothing_more(more)
        return Timer(max(10**9 // value, 1))
    factor = _JIFFY if unit.name == "jiffies" else _UNITS[unit.name]
    random = 0
    if more:
        if more[0].name != "randomize" or not isinstance(more[0].arg, int):
            raise ScriptError(f"'{more[0]}' does not belong to a timer", more[0].at, hint=".randomize(N)")
        _nothing_more(more[1:])
        random = more[0].arg * factor
    return Timer(value * factor, random)


def _in_kernel(point: Point, head: Component, rest: list[Component]) -> Site:
    if not rest:
        raise NoSuchPoint(f"'{point}' names no function", point.at, hint='kernel.function("vfs_read")')
    what, *suffixes = rest
    if head.name == "kprobe" and what.name == "module" and suffixes:
        head, what, *suffixes = rest
    if head.name == "__ktrace":
        _nothing_more([one for one in suffixes if one.name == "inline"])
        site = _with_suffixes(AtFunction(str(what.arg)), suffixes)
        return AtSyscall(site.pattern, site.at_return, site.maxactive)
    if what.name == "trace" and isinstance(what.arg, str):
        _nothing_more(suffixes)
        system, colon, name = what.arg.rpartition(":")
        return AtEvent(system if colon else None, name)
    if what.name == "data" and head.name == "kernel":
        return watch_site(what, suffixes)
    if what.name == "statement" and isinstance(what.arg, int):
        _nothing_more([one for one in suffixes if one.name != "absolute"])
        return AtFunction(hex(what.arg & (1 << 64) - 1), absolute=what.arg)
    if what.name not in ("function", "statement") or not isinstance(what.arg, str):
        if what.name in _REFUSED_KINDS:
            raise ScriptError(f"'{what}' cannot be probed: {_REFUSED_KINDS[what.name]}", what.at)
        raise NoSuchPoint(f"'{what}' cannot be probed", what.at, hint="function statement trace")
    function, at_sign, place = what.arg.partition("@")
    module = str(head.arg) if head.name == "module" else None
    site = AtFunction(function, False, module, statement=what.name == "statement")
    if at_sign:
        file, lines = _file_and_lines(place, what)
        site = replace(site, place=file, lines=lines)
    return _with_suffixes(site, suffixes)


def _file_and_lines(place: str, what: Component) -> tuple[str, str]:
    """Split what follows the `@` of a function: `FILE`, `FILE:LINES`, `FILE+N`."""
    match = _PLACE.fullmatch(place)
    assert match is not None
    file, lines = match[1], match[2] or match[3] or ""
    if not lines and place == file and file:
        return file, lines
    known = _LINES if what.name == "statement" else _ONE_LINE
    if file and known.fullmatch(lines):
        return file, lines
    if file and _LINES.fullmatch(lines):
        hint = f'statement("{what.arg}")'
        raise NoSuchPoint(f"'{lines}' are lines in a function, not the function", what.at, hint=hint)
    hint = "FILE:474 FILE:474-480,490 FILE:* FILE+12"
    raise NoSuchPoint(f"'{place}' is neither a file nor lines of one", what.at, hint=hint)


def _with_suffixes(site: AtFunction, suffixes: list[Component]) -> AtFunction:
    for suffix in suffixes:
        match suffix.name:
            case "call" | "exported":
                pass
            case "nearest":
                site = replace(site, nearest=True)
            case "return":
                site = replace(site, at_return=True)
            case "maxactive" if isinstance(suffix.arg, int):
                site = replace(site, maxactive=suffix.arg)
            case "inline":
                site = replace(site, inline=True)
            case word if word in _REFUSED_SUFFIXES:
                raise ScriptError(f"'{suffix}' cannot be probed: {_REFUSED_SUFFIXES[word]}", suffix.at)
            case _:
                raise NoSuchPoint(
                    f"'{suffix}' does not belong to a function",
                    suffix.at,
                    hint=".call .return .inline .maxactive(N)",
                )
    return site
