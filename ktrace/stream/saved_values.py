"""Load how the values of a recording read, which was stored when it was made."""

import json

from ktrace.model.meaning import Meaning, Names, merged
from ktrace.model.meanings import of_filter, of_format
from ktrace.stream.inputs import Source
from ktrace.stream.text_recording import TextRecording
from ktrace.tracedat.contents import CLOCKS, VALUES, Contents

_FARTHEST = 1 << 62  # nanoseconds: with a record's time it fits into 64 bits


def saved_values(contents: Contents) -> dict[str, dict[str, Names]]:
    """Return how values read, by event and argument; empty if the file has nothing about it that is known."""
    _, found, text = contents.options.written_by.partition(VALUES)
    if not found:
        return {}
    try:
        told = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(told, dict):
        return {}
    values: dict[str, dict[str, Names]] = {}
    for event, names in told.items():
        if isinstance(names, dict):
            known = {name: meaning for name, one in names.items() if (meaning := Meaning.from_json(one))}
            values[event] = dict(known)
    return values


def values_of(
    source: Source, *, static: bool = True, in_filters: bool = False
) -> dict[str, dict[str, Names]]:
    """Return how values read, by event and argument.

    A text has no types, and shows its values as the kernel printed them.

    Args:
        static: also those of static events, by the types of their fields; text does not need them.
        in_filters: of static events, as filters may spell them.
    """
    if isinstance(source, TextRecording):
        return {}
    big = any(contents.order == "big" for contents in source.contents)
    forms = [form for form in source.formats() if not form.is_probe] if static else []
    of_static = of_filter if in_filters else of_format
    found = merged([*map(saved_values, source.contents), *({f.name: of_static(f, big=big)} for f in forms)])
    return {event: names for event, names in found.items() if any(names.values())}


def saved_clocks(source: Source) -> dict[str, int]:
    """Return the nanoseconds to add to a record's time to get that of `mono`, `boot` and `wall`.

    Returns:
        Nothing if the recording does not say, if it was made by another program, or if records of several
        machines were merged into the clock of one.
    """
    if isinstance(source, TextRecording):
        return {}
    options = source.contents[0].options
    text = options.written_by.partition(CLOCKS)[2].partition(VALUES)[0]
    try:
        told = json.loads(text or "{}")
    except ValueError:
        return {}
    is_plain = not (options.offset or options.date_us or options.shifts)
    if not isinstance(told, dict) or not is_plain:
        return {}
    return {name: one for name, one in told.items() if isinstance(one, int) and abs(one) < _FARTHEST}
