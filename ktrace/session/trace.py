"""One run of `ktrace trace`: arm, stream, account for what was lost, undo."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from ktrace.model.batch import Chunk, Lost, Missed
from ktrace.session.command import Command
from ktrace.session.request import Request, missed_hits, prepare
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.session.waiting import Waiting
from ktrace.stream.limit import Limit
from ktrace.stream.run import Sink, run
from ktrace.stream.task_names import TaskNames
from ktrace.tracefs.pipe_text import TextParser


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to.

    Attributes:
        seconds: from arming to the end.
        lost: records overwritten or dropped before they were read.
        missed: hits that no record was made of (a probe within a probe, too few return instances).
        unparsed: lines that were not understood.
        output_closed: whether it ended because nobody read the output any more.
    """

    events: int
    seconds: float
    lost: int
    missed: int
    unparsed: int
    output_closed: bool


MakeSink: TypeAlias = Callable[[dict[str, str]], Sink]
"""Makes the sink once the events are known; it is given the group of each by the event's name."""


def trace(
    session: Session,
    request: Request,
    make_sink: MakeSink,
    stop: StopSignals,
    *,
    command: Command | None = None,
    output_fd: int | None = None,
    note: Callable[[str], None],
) -> Result:
    """Run it. The session is entered and left by the caller.

    Args:
        note: takes remarks for the user, such as that a function has been renamed.
    """
    prepare(session, request, stop, command, note)
    parser = TextParser(session.signatures())
    sink = _Guarded(make_sink(session.groups()), stop)
    missed_before = missed_hits(session)
    stop.check()
    pipe = session.start()
    if command is not None:
        command.start()
    waiting = Waiting(pipe.fd, stop, duration_s=request.duration_s, command=command, output_fd=output_fd)
    totals = run(
        pipe,
        parser,
        sink,
        wait=waiting,
        stop=session.stop,
        enrich=TaskNames(session.saved_names),
        limit=Limit(request.count),
    )
    lost = _account(
        session, parser, sink, limited=request.count is not None and totals.events >= request.count
    )
    missed = {e: n - missed_before.get(e, 0) for e, n in missed_hits(session).items()}
    marks = tuple(Missed(_AFTER_ALL, event, n) for event, n in missed.items() if n > 0)
    if marks:
        sink.write(Chunk((), marks))
    sink.flush()
    return Result(
        totals.events,
        totals.seconds,
        lost,
        sum(m.count for m in marks),
        parser.unparsed,
        waiting.output_closed,
    )


_AFTER_ALL = (1 << 63) - 1


class _Guarded:
    """A sink whose writes a signal may end: its reader may have stopped reading without going away."""

    def __init__(self, sink: Sink, stop: StopSignals) -> None:
        self._sink = sink
        self._stop = stop

    def write(self, chunk: Chunk, /) -> None:
        with self._stop.may_interrupt():
            self._sink.write(chunk)

    def flush(self) -> None:
        with self._stop.may_interrupt():
            self._sink.flush()


def _account(session: Session, parser: TextParser, sink: Sink, *, limited: bool) -> int:
    """Losses that the text did not tell of are put behind it; returns all of them."""
    told = parser.lost
    counted = {s.cpu: s.lost for s in session.stats() if s.lost}
    total = sum(counted.values())
    if total > told and not limited:
        cpu = next(iter(counted)) if len(counted) == 1 else None
        sink.write(Chunk((), (Lost(_AFTER_ALL, cpu, total - told),)))
    return max(total, told)
