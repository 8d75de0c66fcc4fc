"""Parse definitions in the kernel's own words: `p:grp/name vfs_read a=%di`.

A group or name that a line leaves out is the one that the kernel would choose: the group by the kind of
probe, the name by its place (Documentation/trace/kprobetrace.rst, uprobetracer.rst, fprobetrace.rst,
eprobetrace.rst). A probe by address is the exception: the kernel makes its name from a hash.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from ktrace.errors import UsageError
from ktrace.model.fetch import name_args
from ktrace.model.names import EVENT_MAX
from ktrace.model.place import AddressPlace, EventPlace, FilePlace, Place, SymbolPlace, TracepointPlace
from ktrace.model.probe import DEFAULT_GROUPS, MAXACTIVE_MAX, Kind, Probe
from ktrace.resolve.spec import ProbeOptions

_HEAD = re.compile(r"(?P<kind>[prftes])(?P<digits>\w*)(?:(?P<colon>:)(?P<event>.*))?\Z", re.DOTALL)
_BARE = re.compile(r"[prfte]\d*\Z|s\Z")
_UNNAMED = "-"  # holds the place of a name while the rest is read
_REPLACED = re.compile(r"[:.*]")  # in a name that the kernel makes of a place


def is_kernel_line(words: Sequence[str]) -> bool:
    """Return whether a definition is in the kernel's own words, judged by its first word.

    >>> is_kernel_line(["p:x", "vfs_read"]), is_kernel_line(["r", "vfs_read"]), is_kernel_line(["p"])
    (True, True, False)
    """
    head = words[0]
    if re.match(r"[pf]\d*:|[tes]:|[-!](?:[prftes]\d*)?:", head):
        return True
    # r8169 is a module, and so is e1000: only a number that the kernel takes makes the line its own.
    if number := re.match(r"r(\d{0,4}):", head):
        return int(number[1] or 0) <= MAXACTIVE_MAX
    return len(words) > 1 and _BARE.match(head) is not None


def probe_from_kernel_line(words: Sequence[str], defaults: ProbeOptions) -> Probe:
    """Return the probe that a line defines.

    Args:
        words: the words of the line; a `#` begins a comment.
        defaults: the group and the name for a line that has none.

    Raises:
        UsageError: the line does not define a probe, or an option contradicts it.
    """
    line = " ".join(words).partition("#")[0].strip()
    if line[:1] in "-!":
        raise _removes(line)
    head, _, rest = line.partition(" ")
    match = _HEAD.match(head)
    if match is None:
        raise UsageError("not the definition of a probe", excerpt=line, caret=0)
    kind, digits = match["kind"], match["digits"]
    if kind == "s":
        raise UsageError(
            "a synthetic event is not a probe: it has no place",
            excerpt=line,
            caret=0,
            hint="`ktrace latency A B` makes one for itself; by hand it is written to dynamic_events",
        )
    if digits and not (digits.isdecimal() and int(digits)):
        raise UsageError(
            f"'{digits}' is not a number of calls that may be inside at a time",
            excerpt=line,
            caret=1,
            hint="r16:NAME PLACE",
        )
    _refuse_options(head, defaults)
    group, name = _event(line, match["event"] or "", has_colon=match["colon"] is not None)
    if name and defaults.name is not None:
        raise UsageError(
            f"--name {defaults.name} and '{name}' in the line: which?", excerpt=line, caret=line.find(name)
        )
    if not rest.strip():
        raise UsageError("the definition names no place", excerpt=line, caret=len(line))
    probe = Probe.from_line(f"{kind}{digits}:{_UNNAMED}/{_UNNAMED} {rest}")
    _check_event_probe(line, probe)
    at_return = probe.is_return
    probe = replace(
        probe,
        group=group or defaults.group or default_group(cast(Kind, kind), probe.place),
        name=name or defaults.name or default_name(probe.kind, probe.place, at_return=at_return),
        args=name_args(probe.args),
    )
    if probe.maxactive and not at_return:
        raise UsageError(
            f"{head}: only a return probe has a number of calls that may be inside at a time",
            excerpt=line,
            caret=1,
        )
    return probe.checked()


def default_group(kind: Kind, place: Place) -> str:
    """Return the group that the kernel gives to an event without one."""
    if isinstance(place, FilePlace):
        return "uprobes"
    return DEFAULT_GROUPS[kind]


def default_name(kind: Kind, place: Place, *, at_return: bool = False) -> str:
    """Return the name that the kernel gives to an event without one."""
    letter = "r" if at_return else "p"
    match place:
        case SymbolPlace() if kind == "f":
            name = f"{place.symbol}__{'exit' if at_return else 'entry'}"
        case SymbolPlace():
            module = f"{place.module}_" if place.module else ""
            name = f"{letter}_{module}{place.symbol}_{place.offset}"
        case AddressPlace():
            name = f"{letter}_0x{place.address:x}"
        case FilePlace():
            base = re.split(r"[.\-_]", place.path.rpartition("/")[2], maxsplit=1)[0]
            name = f"p_{base}_0x{place.offset:x}"
        case TracepointPlace():
            name = f"_{place.name}" if place.name[:1].isdigit() else place.name
        case EventPlace():
            name = place.event
    return _REPLACED.sub("_", name)[:EVENT_MAX]


def _event(line: str, text: str, *, has_colon: bool) -> tuple[str, str]:
    """Return the group and the name in the line; empty if it has none."""
    if not has_colon:
        return "", ""
    at = line.index(":") + 1
    if not text:
        raise UsageError("the event's name is missing after the colon", excerpt=line, caret=at)
    group, separator, name = re.match(r"([^/.]*)([/.]?)(.*)\Z", text, re.DOTALL).groups()  # type: ignore[union-attr]  # anything matches
    if not separator:
        return "", group
    if not group:
        raise UsageError("the group's name is missing before the event's", excerpt=line, caret=at)
    return group, name


def _check_event_probe(line: str, probe: Probe) -> None:
    """Refuse an `e` line without an event, or with an empty filter."""
    if isinstance(probe.place, EventPlace) and not (probe.place.system and probe.place.event):
        raise UsageError(
            "an event is named with its group",
            excerpt=line,
            caret=line.find(" ") + 1,
            hint="e sched.sched_switch",
        )
    if probe.filter == "":
        raise UsageError("there is no filter after 'if'", excerpt=line, caret=len(line))


def _refuse_options(head: str, defaults: ProbeOptions) -> None:
    """Refuse options about what the line itself says."""
    if option := defaults.given:
        raise UsageError(
            f"{option} does not apply to '{head} ...': a line in the kernel's own words says all of it",
            hint="write PLACE ARG... instead, or say it in the line: r16:NAME PLACE, PLACE%return",
        )


def _removes(line: str) -> UsageError:
    event = re.sub(r"^[-!](?:[prftes]\d*)?:?", "", line).split(" ")[0]
    return UsageError(
        "this line removes an event: `add` and runs only define",
        excerpt=line,
        caret=0,
        hint=f"ktrace remove {event or 'NAME'}",
    )
