"""Events that exist, by the words that mean them."""

import fnmatch
from collections.abc import Iterable

from ktrace.model.probe import Probe
from ktrace.resolve.parse import is_source_place, split_words
from ktrace.tracefs.dynevents import list_probes
from ktrace.tracefs.events import find_static
from ktrace.tracefs.files import Files
from ktrace.tracefs.instances import Owner


def existing_events(tracing: Files, words: str) -> list[str]:
    """The events that exist and that each of these words means; none where one of them means none."""
    existing = probes_that_stay(tracing)
    events: dict[str, None] = {}
    for word in split_words(words):
        found = [] if is_source_place(word) else events_meant(tracing, existing, word)
        if not found:
            return []
        events.update(dict.fromkeys(found))
    return list(events)


def events_meant(tracing: Files, probes: Iterable[Probe], name: str) -> list[str]:
    """The events that one word means: of these probes, or else of the kernel's own events."""
    return events_named(probes, name) or find_static(tracing, name)


def probes_that_stay(tracing: Files) -> list[Probe]:
    """All dynamic events but those that ktrace sessions made for themselves, running or not."""
    return [probe for probe in list_probes(tracing)[0] if not belongs_to_session(probe)]


def events_named(probes: Iterable[Probe], name: str) -> list[str]:
    """The events that a name means, as in `select`; none where it means none.

    The private events of a session are meant only where their group is spelled out: neither a bare name
    nor a wildcard in the group's place means them.
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
    """Whether a ktrace session made it for itself."""
    return Owner.of_name(probe.group) is not None
