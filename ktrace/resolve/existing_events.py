"""Find existing events by name."""

import fnmatch
from collections.abc import Iterable

from ktrace.model.probe import Probe
from ktrace.resolve.parse import split_words
from ktrace.resolve.place_words import is_source_place
from ktrace.tracefs.dynevents import list_probes
from ktrace.tracefs.events import find_static
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import Owner


def existing_events(tracing: Files, words: str) -> list[str]:
    """Return the existing events that these words name; empty if one of the words names none."""
    existing = probes_that_stay(tracing)
    events: dict[str, None] = {}
    for word in split_words(words):
        found = [] if is_source_place(word) else events_meant(tracing, existing, word)
        if not found:
            return []
        events.update(dict.fromkeys(found))
    return list(events)


def events_meant(tracing: Files, probes: Iterable[Probe], name: str) -> list[str]:
    """Return the events that a word names, among these probes or else among the kernel's own events."""
    return events_named(probes, name) or find_static(tracing, name)


def probes_that_stay(tracing: Files) -> list[Probe]:
    """Return all dynamic events except the private ones of ktrace sessions, running or not."""
    return [probe for probe in list_probes(tracing)[0] if not belongs_to_session(probe)]


def events_named(probes: Iterable[Probe], name: str) -> list[str]:
    """Return the events that a name matches, as in `select`; empty if there are none.

    A session's private events match only if their group is given in full: a bare name or a wildcard for
    the group does not match them.
    """
    pattern = name.replace(":", "/", 1)
    group, slash, _ = pattern.partition("/")
    found = (
        p.event
        for p in probes
        if fnmatch.fnmatchcase(p.event if slash else p.name, pattern)
        and (not belongs_to_session(p) or p.group == group)
    )
    return list(dict.fromkeys(found))


def belongs_to_session(probe: Probe) -> bool:
    """Return whether the probe is a private event of a ktrace session."""
    return Owner.of_name(probe.group) is not None
