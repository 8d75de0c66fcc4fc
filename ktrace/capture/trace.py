"""Run `ktrace trace`: enable events, stream them, count lost records, and undo everything."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ktrace.capture.request import TraceRequest, missed_hits, prepare
from ktrace.capture.snapshot import run_snapshot
from ktrace.errors import Interrupted
from ktrace.model.batch import Chunk, Lost, Mark, Missed, Silent, Unread
from ktrace.model.muted import Muted
from ktrace.model.outcome import Outcome
from ktrace.session.muted import Watch, watch
from ktrace.session.reader import reading_pages, reading_text
from ktrace.session.run_context import RunContext
from ktrace.session.session import Session
from ktrace.session.start_stop_snapshot import until_stopped
from ktrace.session.waiting import SETTLE_S
from ktrace.stream.limit import Limit
from ktrace.stream.pipeline import Sink, run


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a run.

    Attributes:
        events: the number of events that were written.
        unparsed: lines of the kernel's text that were not understood.
    """

    events: int
    unparsed: int
    outcome: Outcome


MakeSink: TypeAlias = Callable[[dict[str, str]], Sink]
"""Makes the sink once the events are known; its argument has the group of each event by name."""


def trace(context: RunContext, request: TraceRequest, make_sink: MakeSink, *, text: bool = False) -> Result:
    """Run `ktrace trace`.

    Args:
        text: read the kernel's text instead of the buffer's pages.
    """
    session = context.session
    prepare(context, request)
    sink = make_sink(session.groups())
    missed_before = missed_hits(session)
    context.stop.check()
    watched = watch(session, context.notify)
    _tell(sink, watched.begin(), 0)
    if request.conditions.snapshot_on:
        return _snapshot(context, request, sink, watched)
    reading = reading_text(session) if text else reading_pages(session)
    source = reading.start()
    waiting = context.waiting([source.fd], settle_s=SETTLE_S, pending=reading.pending)
    waiting.begin()
    totals = run(
        source,
        reading.decoder,
        sink,
        wait=until_stopped(session, request.conditions, waiting),
        stop=session.stop,
        ending=context.stop,
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
    context.stop.last_words()
    outcome = Outcome(
        totals.seconds,
        lost,
        sum(m.count for m in misses),
        unread,
        output_closed=waiting.output_closed,
        given_up=totals.given_up or not _told(sink, marks),
        muted=muted,
    )
    return Result(totals.events, reading.decoder.unparsed, outcome)


def _snapshot(context: RunContext, request: TraceRequest, sink: Sink, watched: Watch) -> Result:
    """Run until a snapshot is taken, and write its events."""
    taken = run_snapshot(context, request, sink)
    if taken.unread and not taken.given_up:
        sink.write(Chunk((), (Unread(_AFTER_ALL, taken.unread),)))
        sink.flush()
    muted = watched.end(taken.events)
    if not taken.given_up:
        _tell(sink, muted, _AFTER_ALL)
    outcome = Outcome(
        taken.seconds,
        unread=taken.unread,
        output_closed=context.output_closed,
        given_up=taken.given_up,
        muted=muted,
    )
    return Result(taken.events, taken.unparsed, outcome)


def _tell(sink: Sink, muted: Sequence[Muted], seq: int) -> None:
    """Write a mark for events that cannot be hit to the stream."""
    if muted:
        sink.write(Chunk((), tuple(Silent(seq, one) for one in muted)))
    sink.flush()


_AFTER_ALL = (1 << 63) - 1


def _told(sink: Sink, marks: list[Mark]) -> bool:
    """Write the marks of the end. Return False if the output accepts no more."""
    try:
        if marks:
            sink.write(Chunk((), tuple(marks)))
        sink.flush()
    except Interrupted:
        return False
    return True


def _account(session: Session, told: Mapping[int | None, int], *, limited: bool) -> tuple[int, list[Mark]]:
    """Return how many records were lost, and marks for those whose position in the stream is unknown.

    Args:
        told: lost records that the decoder has reported, by CPU; the key is None if the CPU is unknown.
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
