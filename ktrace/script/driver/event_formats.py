"""Read the formats of the events that a script's session records."""

from ktrace.errors import KtraceError
from ktrace.model.format import Format
from ktrace.session.session import Session
from ktrace.tracefs.events import read_format


def event_formats(session: Session) -> dict[int, Format]:
    """Return the formats of a session's events, by id."""
    forms = (read_format(session.tracing, event) for event in session.events)
    return {form.id: form for form in forms}


def stack_formats(session: Session) -> dict[int, Format]:
    """Return the formats of stacks, by id."""
    forms: dict[int, Format] = {}
    for own in ("kernel_stack", "user_stack"):
        try:
            form = read_format(session.tracing, f"ftrace/{own}")
        except KtraceError:
            continue
        forms[form.id] = form
    return forms
