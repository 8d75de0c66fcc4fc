"""Find the events that have records: a recording has the formats of many more.

Only the headers of records are read, and reading ends as soon as all events in question have been seen.
"""

from collections.abc import Collection, Sequence

import numpy as np

from ktrace.model.format import Format
from ktrace.stream.inputs import Source
from ktrace.stream.known_formats import fields_of, has_rows
from ktrace.stream.recording import Opened, Recording
from ktrace.stream.select import is_called
from ktrace.stream.text_recording import TextRecording

_PIECE = 1 << 20  # bytes of pages: the first ones often have all events
_EVER = (1 << 63) - 1


def occurring_fields(
    recording: Source, names: Sequence[str] = (), until: int | None = None
) -> dict[str, tuple[str, ...]]:
    """Return the field names of each event that has records among those selected, by the event's name.

    Args:
        recording: only its selected CPUs and the time from its `since` on are read.
        names: only events of these names, as in `ktrace.stream.select.of_events`; empty for all.
        until: only records up to this time; None for no end.

    Raises:
        Damaged: a file cannot be read.
    """
    if isinstance(recording, TextRecording):
        return fields_of(form for form in recording.formats() if _is_asked_for(form, names))
    found: list[Format] = []
    for opened in recording.opened():
        wanted = {
            ident: form
            for ident, form in opened.known.items()
            if has_rows(form) and _is_asked_for(form, names)
        }
        seen = _seen(recording, opened, wanted.keys(), until)
        found += [form for ident, form in wanted.items() if ident in seen]
    return fields_of(found)


def _is_asked_for(form: Format, names: Sequence[str]) -> bool:
    return not names or is_called(form.system, form.name, names)


def _seen(recording: Recording, opened: Opened, wanted: Collection[int], until: int | None) -> set[int]:
    """Return which of these ids occur in one buffer."""
    low = -_EVER - 1 if recording.since is None else recording.since
    high = _EVER if until is None else until
    missing = set(wanted)
    seen: set[int] = set()
    for cpu, read in recording.pages(opened, _PIECE):
        while missing and (pages := read()):
            records = opened.decoder.walk(pages, cpu)
            ids, ts = records.id, records.ts
            if until is not None or recording.since is not None:
                ids = ids[(ts >= low) & (ts <= high)]
            here = missing.intersection(np.flatnonzero(np.bincount(ids)).tolist() if len(ids) else ())
            seen |= here
            missing -= here
            if len(ts) and int(ts[0]) > high:
                break
    return seen
