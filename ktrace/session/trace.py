"""One run of `ktrace trace`: arm, stream, account for what was lost, undo."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ktrace.errors import KtraceError, NotFound, Refused
from ktrace.model.batch import Chunk, Lost, Missed
from ktrace.session.command import Command
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.session.target import Targets, threads_of
from ktrace.session.waiting import Waiting
from ktrace.session.words import mover
from ktrace.stream.limit import Limit
from ktrace.stream.run import Sink, run
from ktrace.stream.task_names import TaskNames
from ktrace.tracefs.kprobe_list import read_profiles
from ktrace.tracefs.pipe_text import TextParser


@dataclass(frozen=True, slots=True)
class Request:
    """What one run traces and when it ends.

    Attributes:
        stack: a kernel stack at each hit.
        filter: for every event; None for all hits.
        pids, children: only these processes; with what they start.
        cpus: only these.
        duration_s, count: end after so many seconds or events.
    """

    targets: Targets
    stack: bool = False
    filter: str | None = None
    pids: Sequence[int] = ()
    children: bool = False
    cpus: Sequence[int] = ()
    duration_s: float | None = None
    count: int | None = None


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
    _define(session, request, stop, note)
    for event in request.targets.events:
        session.trace_event(event, stack=request.stack)
    _restrict(session, request, command)
    parser = TextParser(session.signatures())
    sink = _Guarded(make_sink(session.groups()), stop)
    missed_before = _missed(session)
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
    missed = {e: n - missed_before.get(e, 0) for e, n in _missed(session).items()}
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


def _define(session: Session, request: Request, stop: StopSignals, note: Callable[[str], None]) -> None:
    """Make the run's own probes. Of those that a wildcard stands for, some may be refused."""
    wanted = request.targets.wanted
    move = mover(wanted)
    refusals: list[KtraceError] = []
    for one in wanted:
        stop.check()
        for text in one.notes:
            note(text)
        try:
            defined = session.add_probe(one.probe, move)
        except (Refused, NotFound) as error:
            refusals.append(error)
            if not one.one_of_many:
                raise
            continue
        if defined.note:
            note(defined.note)
        session.trace_event(one.probe.event, stack=request.stack)
    if refusals and len(refusals) == len(wanted):
        raise refusals[0]
    if refusals:
        note(f"{len(refusals)} of {len(wanted)} functions were refused; the first: {refusals[0].message}")


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


def _restrict(session: Session, request: Request, command: Command | None) -> None:
    if request.cpus:
        session.only_cpus(request.cpus)
    if command is not None:
        session.only_tasks([command.pid], children=True)
    if request.pids:
        pids = threads_of(request.pids, children=request.children)
        session.only_tasks(pids, children=request.children)
    if request.filter:
        session.filter(request.filter)


def _account(session: Session, parser: TextParser, sink: Sink, *, limited: bool) -> int:
    """Losses that the text did not tell of are put behind it; returns all of them."""
    told = parser.lost
    counted = {s.cpu: s.lost for s in session.stats() if s.lost}
    total = sum(counted.values())
    if total > told and not limited:
        cpu = next(iter(counted)) if len(counted) == 1 else None
        sink.write(Chunk((), (Lost(_AFTER_ALL, cpu, total - told),)))
    return max(total, told)


def _missed(session: Session) -> dict[str, int]:
    """Missed hits of the traced probes. The profile names events without their group."""
    try:
        profiles = read_profiles(session.tracing)
    except OSError:
        return {}
    names = {event.partition("/")[2] for event in session.events}
    missed: dict[str, int] = {}
    for profile in profiles:
        if profile.name in names and profile.missed:
            missed[profile.name] = missed.get(profile.name, 0) + profile.missed
    return missed
