"""One run of `ktrace trace`: arm, stream, account for what was lost, undo."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ktrace.capture.request import TraceRequest, missed_hits, prepare
from ktrace.capture.snapshot import run_snapshot
from ktrace.errors import Interrupted
from ktrace.model.batch import Chunk, Lost, Mark, Missed, Silent, Unread
from ktrace.model.muted import Muted
from ktrace.session.command import Command
from ktrace.session.muted import watch
from ktrace.session.reader import reading_pages, reading_text
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.session.start_stop_snapshot import until_stopped
from ktrace.session.waiting import Waiting
from ktrace.stream.limit import Limit
from ktrace.stream.pipeline import Sink, run


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run.

    Attributes:
        seconds: from arming to the end.
        lost: records overwritten or dropped before they were read.
        missed: hits that no record was made of (a probe within a probe, too few return instances).
        unparsed: lines that were not understood.
        output_closed: whether it ended because nobody read the output any more.
        unread: records that were left, in the kernel's buffer or unwritten: there was no time for them.
        given_up: whether the output takes no more, though somebody holds it open.
        muted: events that nothing could hit.
    """

    events: int
    seconds: float
    lost: int
    missed: int
    unparsed: int
    output_closed: bool
    unread: int = 0
    given_up: bool = False
    muted: tuple[Muted, ...] = ()


MakeSink: TypeAlias = Callable[[dict[str, str]], Sink]
"""Makes the sink once the events are known; it is given the group of each by the event's name."""


def trace(
    session: Session,
    request: TraceRequest,
    make_sink: MakeSink,
    stop: StopSignals,
    *,
    command: Command | None = None,
    output_fd: int | None = None,
    text: bool = False,
    note: Callable[[str], None],
) -> Result:
    """Run it. The session is entered and left by the caller.

    Args:
        text: read the kernel's text instead of the buffer's pages.
        note: takes remarks for the user, such as that a function has been renamed.
    """
    prepare(session, request, stop, command, note)
    sink = make_sink(session.groups())
    missed_before = missed_hits(session)
    stop.check()
    watched = watch(session, note)
    _tell(sink, watched.begin(), 0)
    if request.conditions.snapshot_on:
        flown = run_snapshot(session, request, sink, stop, command=command, output_fd=output_fd, note=note)
        if flown.unread and not flown.given_up:
            sink.write(Chunk((), (Unread(_AFTER_ALL, flown.unread),)))
            sink.flush()
        muted = watched.end(flown.events)
        if not flown.given_up:
            _tell(sink, muted, _AFTER_ALL)
        return Result(
            flown.events,
            flown.seconds,
            0,
            0,
            flown.unparsed,
            flown.output_closed,
            flown.unread,
            flown.given_up,
            muted,
        )
    reading = reading_text(session) if text else reading_pages(session)
    source = reading.start()
    if command is not None:
        command.start()
    waiting = Waiting(
        source.fd,
        stop,
        duration_s=request.duration_s,
        command=command,
        output_fd=output_fd,
        pending=reading.pending,
    )
    totals = run(
        source,
        reading.decoder,
        sink,
        wait=until_stopped(session, request.conditions, waiting),
        stop=session.stop,
        ending=stop,
        enrich=reading.enrich,
        limit=Limit(request.count),
    )
    limited = request.count is not None and totals.events >= request.count
    lost, marks = _account(session, reading.told(), limited=limited)
    missed = {e: n - missed_before.get(e, 0) for e, n in missed_hits(session).items()}
    misses = [Missed(_AFTER_ALL, event, n) for event, n in missed.items() if n > 0]
    unread = totals.unwritten
    if totals.cut and not limited:
        unread += sum(stats.entries for stats in session.stats())
    muted = watched.end(totals.events)
    marks += misses
    marks += [Silent(_AFTER_ALL, one) for one in muted]
    if unread:
        marks.append(Unread(_AFTER_ALL, unread))
    stop.last_words()
    given_up = totals.given_up or not _told(sink, marks)
    return Result(
        totals.events,
        totals.seconds,
        lost,
        sum(m.count for m in misses),
        reading.decoder.unparsed,
        waiting.output_closed,
        unread,
        given_up,
        muted,
    )


def _tell(sink: Sink, muted: Sequence[Muted], seq: int) -> None:
    """Say in the stream what nothing can hit."""
    if muted:
        sink.write(Chunk((), tuple(Silent(seq, one) for one in muted)))
    sink.flush()


_AFTER_ALL = (1 << 63) - 1


def _told(sink: Sink, marks: list[Mark]) -> bool:
    """Write what is known at the end; False where the output takes no more."""
    try:
        if marks:
            sink.write(Chunk((), tuple(marks)))
        sink.flush()
    except Interrupted:
        return False
    return True


def _account(session: Session, told: Mapping[int | None, int], *, limited: bool) -> tuple[int, list[Mark]]:
    """Return how many records were lost, and marks for those of which nothing told where they were.

    Args:
        told: lost records by CPU; of None those of which the CPU is not known.
    """
    counted = {s.cpu: s.lost for s in session.stats() if s.lost}
    total, known = sum(counted.values()), sum(told.values())
    if limited or total <= known:
        return max(total, known), []
    if None in told:
        cpu = next(iter(counted)) if len(counted) == 1 else None
        left: dict[int | None, int] = {cpu: total - known}
    else:
        left = {cpu: lost - told.get(cpu, 0) for cpu, lost in counted.items()}
    return total, [Lost(_AFTER_ALL, cpu, count) for cpu, count in left.items() if count > 0]
