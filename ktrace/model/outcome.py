"""Describe the end of a run, which every command reports in addition to its own result."""

from dataclasses import dataclass

from ktrace.model.muted import Muted


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of a run, and what it could not deliver.

    Attributes:
        seconds: the time from enabling the events to the end.
        lost: records overwritten or dropped before they were read.
        missed: hits that made no record: a probe hit within a probe, or too few return instances.
        unread: records left in the kernel's buffer, or not written, for lack of time.
        untimed: calls that began, but whose duration is not known; None if calls are not timed.
        output_closed: whether the run ended because nobody reads the output any more.
        given_up: whether the output accepts no more, though a process holds it open.
        muted: events that could not be hit.
    """

    seconds: float
    lost: int = 0
    missed: int = 0
    unread: int = 0
    untimed: int | None = None
    output_closed: bool = False
    given_up: bool = False
    muted: tuple[Muted, ...] = ()
