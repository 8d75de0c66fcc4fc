"""The line at the end of a run: what came, and what could not be had."""

from collections.abc import Sequence

from ktrace.model.outcome import Outcome


def summary_text(events: int, outcome: Outcome, more: Sequence[str] = ()) -> str:
    """Return the summary of a run that delivered events.

    Args:
        more: parts to insert after the number of events.
    """
    rate = events / outcome.seconds if outcome.seconds else 0.0
    parts = [f"{events} events in {outcome.seconds:.2f} s ({rate:.0f}/s)", *more, lost_text(outcome)]
    return ", ".join([*parts, *shortcomings(outcome)])


def lost_text(outcome: Outcome) -> str:
    """Return how many records were lost."""
    return f"{outcome.lost} lost" if outcome.lost else "none lost"


def shortcomings(outcome: Outcome, muted: str = "{} could not be hit") -> list[str]:
    """Return what the run could not deliver, lost records excepted.

    Args:
        muted: the sentence for events that could not be hit, with a place for their names.
    """
    parts = []
    if outcome.unread:
        parts.append(f"{outcome.unread} left unread")
    if outcome.missed:
        parts.append(f"{outcome.missed} hits missed")
    if outcome.untimed:
        parts.append(f"{outcome.untimed} calls not timed")
    return [*parts, *(muted.format(one.names) for one in outcome.muted)]
