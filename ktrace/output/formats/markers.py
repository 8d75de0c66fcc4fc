"""Markers of user space that mean slices and counters, as Android's atrace writes them to trace_marker.

    B|PID|NAME            a slice of the thread begins        E|PID   the innermost one ends
    S|PID|NAME|COOKIE     a job of the process begins         F|PID|NAME|COOKIE   it ends
    G|PID|TRACK|NAME|COOKIE, H|PID|TRACK|COOKIE               the same on a separate track
    I|PID|NAME, N|PID|TRACK|NAME                              an instant of the thread, of a track
    C|PID|NAME|VALUE      a counter of the process has a value

See system/core/libcutils of Android, "trace.h". Whatever is not spelled so is an instant with its text.
"""

import re
from dataclasses import dataclass
from typing import Literal

_FORM = re.compile(r"([BEISFCGHN])(?:\|([0-9]{0,10})(?:\|(.*))?)?\Z", re.DOTALL)
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_DECIMAL = re.compile(r"-?[0-9]{1,40}\.[0-9]{0,40}")

Kind = Literal["begin", "end", "start", "finish", "instant", "counter"]
_KINDS: dict[str, Kind] = {
    "B": "begin",
    "E": "end",
    "S": "start",
    "F": "finish",
    "G": "start",
    "H": "finish",
    "I": "instant",
    "N": "instant",
    "C": "counter",
}


@dataclass(frozen=True, slots=True)
class Marker:
    """One marker.

    Attributes:
        pid: the process that it names; 0 for none.
        name: of the slice, instant or counter; empty for an end.
        track: of which it is; empty for the thread's or, of a job, for its name's.
        cookie: tells jobs of one name apart.
        value: of a counter.
    """

    kind: Kind
    pid: int = 0
    name: str = ""
    track: str = ""
    cookie: str = ""
    value: int | float = 0


def parse_marker(text: str) -> Marker | None:
    """Return what a marker means; None for any other text."""
    match = _FORM.match(text.rstrip("\n\0"))
    if match is None:
        return None
    letter, pid, rest = match[1], int(match[2] or 0), match[3]
    kind = _KINDS[letter]
    if kind == "end":
        return Marker("end", pid)
    if rest is None or match[2] is None:
        return None
    # A name may hold a bar: what is counted is at the end, except for the track.
    if letter in "BI":
        return Marker(kind, pid, rest)
    first, bar, last = rest.rpartition("|")
    if not bar:
        return None
    if letter == "C":
        value = _number(last)
        if value is None:  # Chrome writes its category at the end
            first, _, last = first.rpartition("|")
            value = _number(last)
        return None if value is None else Marker(kind, pid, first, value=value)
    if letter in "SF":
        return Marker(kind, pid, first, cookie=last)
    if letter == "H":
        return Marker(kind, pid, track=first.partition("|")[0], cookie=last)
    track, bar, name = rest.partition("|") if letter == "N" else first.partition("|")
    return Marker(kind, pid, name, track, last if letter == "G" else "") if bar else None


def _number(text: str) -> int | float | None:
    if _INTEGER.fullmatch(text):
        value = int(text)
        return value if -(1 << 63) <= value < 1 << 63 else float(value)  # as no format has larger integers
    return float(text) if _DECIMAL.fullmatch(text) else None
