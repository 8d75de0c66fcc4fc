"""`kprobe_profile` and `uprobe_profile`: how often each probe point was hit since it was defined.

See Documentation/trace/kprobetrace.rst and uprobetracer.rst, "Event Profiling".
"""

import re
from dataclasses import dataclass

from ktrace.tracefs.files import Files

_COUNT = re.compile(r"[0-9]{1,20}")


@dataclass(frozen=True, slots=True)
class Profile:
    """Hits and misses of one probe point since it was defined; `missed` None where not counted."""

    name: str
    hits: int
    missed: int | None


def read_profiles(files: Files) -> list[Profile]:
    """Lines of kprobe_profile, in the order of kprobe_events; event names come without group."""
    return parse_profiles(files.read("kprobe_profile"))


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
