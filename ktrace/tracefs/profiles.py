"""`kprobe_profile` and `uprobe_profile`: how often each probe point was hit since it was defined.

See Documentation/trace/kprobetrace.rst and uprobetracer.rst, "Event Profiling".
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from ktrace.tracefs.files import Files

_COUNT = re.compile(r"[0-9]{1,20}")
_TRIES = 5
_KPROBE = re.compile(r"^[pr]\d*:(\S+) ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Profile:
    """Hits and misses of one probe point since it was defined; `missed` None where not counted."""

    name: str
    hits: int
    missed: int | None


def read_profiles(files: Files) -> list[Profile]:
    """Lines of kprobe_profile, in the order of kprobe_events; event names come without group."""
    return parse_profiles(files.read("kprobe_profile"))


def profiles_of(files: Files, events: Collection[str]) -> list[tuple[str, Profile]]:
    """The profiles of these events (`GROUP/NAME`), each with its event, in the order of kprobe_events.

    The kernel prints no group, and events of several groups may have one name, as those of two sessions that
    probe the same function. kprobe_events has the same lines in the same order, groups included. A name whose
    lines do not agree, as somebody adds probes all the time, is taken for these events' own.
    """
    profiles: list[Profile] = []
    for _ in range(_TRIES):
        defined = _KPROBE.findall(files.read("kprobe_events") if files.exists("kprobe_events") else "")
        profiles = read_profiles(files)
        if [event.partition("/")[2] for event in defined] == [profile.name for profile in profiles]:
            pairs = zip(defined, profiles, strict=True)
            return [(event, profile) for event, profile in pairs if event in events]
    names = {event.partition("/")[2]: event for event in events}
    return [(names[profile.name], profile) for profile in profiles if profile.name in names]


def parse_profiles(text: str) -> list[Profile]:
    """Read `kprobe_profile`: name, hits, misses."""
    rows = []
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and all(map(_COUNT.fullmatch, words[1:])):
            rows.append(Profile(words[0], int(words[1]), int(words[2])))
    return rows


def parse_uprobe_profiles(text: str) -> list[Profile]:
    """Read `uprobe_profile`: file, name, hits (the file's name may hold blanks)."""
    rows = []
    for line in text.split("\n"):  # not splitlines: a file may be called by what else Unicode ends lines with
        words = line.rsplit(None, 2)
        if len(words) == 3 and _COUNT.fullmatch(words[2]):
            rows.append(Profile(words[1], int(words[2]), None))
    return rows
