"""The parts of a run before and after its stream: probes, restrictions, missed hits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ktrace.errors import Busy, KtraceError, NotFound, Refused, UsageError
from ktrace.probes.trigger_conditions import Conditions
from ktrace.resolve.spec import relocator
from ktrace.resolve.targets import Targets
from ktrace.session.command import Command
from ktrace.session.session import Session
from ktrace.session.signals import StopSignals
from ktrace.session.start_stop_snapshot import set_start_and_stop
from ktrace.session.tasks import threads_of
from ktrace.tracefs.profiles import profiles_of


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """The events that a run traces, and when it ends.

    Attributes:
        stack: a kernel stack at each hit.
        filter: for every event; None for all hits.
        pids, children: only these processes; with what they start.
        cpus: only these.
        duration_s, count: end after this many seconds or events.
        conditions: what of the run depends on its events.
    """

    targets: Targets
    stack: bool = False
    filter: str | None = None
    pids: Sequence[int] = ()
    children: bool = False
    cpus: Sequence[int] = ()
    duration_s: float | None = None
    count: int | None = None
    conditions: Conditions = field(default_factory=Conditions)


def prepare(
    session: Session,
    request: TraceRequest,
    stop: StopSignals,
    command: Command | None,
    note: Callable[[str], None],
) -> None:
    """Make the run's own probes, and say which events are traced, and whose.

    Args:
        note: takes remarks for the user, such as that a function has been renamed.
    """
    _define(session, request, stop, note)
    for event in request.targets.events:
        session.trace_event(event, stack=request.stack)
    _restrict(session, request, command)
    set_start_and_stop(session, request.conditions, request.pids)


def _define(session: Session, request: TraceRequest, stop: StopSignals, note: Callable[[str], None]) -> None:
    """Make the run's own probes. Of those that a wildcard stands for, some may be refused."""
    wanted = request.targets.wanted
    move = relocator(wanted)
    refusals: list[KtraceError] = []
    for one in wanted:
        stop.check()
        for text in one.notes:
            note(text)
        try:
            defined = session.add_probe(one.probe, move)
        except (UsageError, Refused, NotFound, Busy) as error:
            if one.one_of_many:
                refusals.append(error)
            elif request.targets.refusals is not None:
                request.targets.refusals.add(error)
            else:
                raise
            continue
        if defined.note:
            note(defined.note)
        session.trace_event(one.probe.event, stack=request.stack)
    if refusals and len(refusals) == len(wanted):
        raise refusals[0]
    if refusals:
        note(f"{len(refusals)} of {len(wanted)} functions were refused; the first: {refusals[0].message}")
    if request.targets.refusals is not None:
        request.targets.refusals.end_if_nothing_is_left(request.targets.events or session.events)


def _restrict(session: Session, request: TraceRequest, command: Command | None) -> None:
    if request.cpus:
        session.only_cpus(request.cpus)
    if command is not None:
        session.only_command(command)
    if request.pids:
        pids = threads_of(session.host, request.pids, children=request.children)
        session.only_tasks(pids, children=request.children)
    if request.filter:
        session.filter(request.filter)


def missed_hits(session: Session) -> dict[str, int]:
    """Missed hits of the traced probes, so far, by the event's name."""
    try:
        profiles = profiles_of(session.tracing, session.events)
    except OSError:
        return {}
    missed: dict[str, int] = {}
    for _, profile in profiles:
        if profile.missed:
            missed[profile.name] = missed.get(profile.name, 0) + profile.missed
    return missed
