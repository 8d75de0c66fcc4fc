"""Describe events, for `ktrace show`."""

from ktrace.errors import NotFound
from ktrace.model.listing import Description
from ktrace.probes.listing import read_listing, select
from ktrace.tracefs.events import enabled_state, find_static, read_filter, read_format, read_triggers
from ktrace.tracefs.files import Files


def describe(tracing: Files, debug: Files | None, name: str) -> list[Description]:
    """Describe all events of a name: probes by `NAME`, other events by `SYSTEM:NAME`; wildcards allowed.

    Raises:
        NotFound: there is no event of that name.
    """
    listing = read_listing(tracing, debug)
    try:
        events = [p.event for p in select((row.probe for row in listing.probes), [name])]
    except NotFound:
        events = find_static(tracing, name)
        if not events:
            raise
    return [
        Description(
            event,
            tuple(row for row in listing.probes if row.probe.event == event),
            enabled_state(tracing, event),
            read_filter(tracing, event),
            tuple(read_triggers(tracing, event)),
            read_format(tracing, event),
        )
        for event in events
    ]
