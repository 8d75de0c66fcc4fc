"""`kprobe_profile` and `uprobe_profile`: hits of each probe point since it was defined.

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
    """Hits and misses of one probe point since its definition; `missed` is None if not counted."""

    name: str
    hits: int
    missed: int | None


def read_profiles(files: Files) -> list[Profile]:
    """Return the lines of kprobe_profile in the order of kprobe_events; event names have no group."""
    return parse_profiles(files.read("kprobe_profile"))


def profiles_of(files: Files, events: Collection[str]) -> list[tuple[str, Profile]]:
    """Return the profiles of these events (`GROUP/NAME`) with their event, in kprobe_events order.

    The kernel prints no group, and several groups may have an event of the same name, for example two
    sessions that probe the same function. kprobe_events has the same lines in the same order, with groups. If
    the lines for a name do not match, because somebody is adding probes, the name is assumed to be one of
    these events.
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
    """Parse `kprobe_profile`: name, hits, misses."""
    rows = []
    for line in text.splitlines():
        words = line.split()
        if len(words) == 3 and all(map(_COUNT.fullmatch, words[1:])):
            rows.append(Profile(words[0], int(words[1]), int(words[2])))
    return rows


def parse_uprobe_profiles(text: str) -> list[Profile]:
    """Parse `uprobe_profile`: file, name, hits (the file's name may contain blanks)."""
    rows = []
    for line in text.split("\n"):  # not splitlines(): a file's name may hold other Unicode line ends
        words = line.rsplit(None, 2)
        if len(words) == 3 and _COUNT.fullmatch(words[2]):
            rows.append(Profile(words[1], int(words[2]), None))
    return rows
