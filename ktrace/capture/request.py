"""Prepare a run before its stream, and count missed hits after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from ktrace.aggregate.hist import both
from ktrace.errors import KtraceError
from ktrace.model.filter_values import translate_filter
from ktrace.model.meaning import Names
from ktrace.model.meanings import BIG_ENDIAN, of_filter
from ktrace.probes.define_all import OF_ONE_PLACE, define_all
from ktrace.probes.trigger_conditions import Conditions
from ktrace.resolve.refusals import Refusals
from ktrace.resolve.targets import Targets
from ktrace.session.run_context import RunContext
from ktrace.session.session import Session
from ktrace.session.start_stop_snapshot import set_start_and_stop
from ktrace.tracefs.events import read_format
from ktrace.tracefs.profiles import profiles_of


@dataclass(frozen=True, slots=True)
class TraceRequest:
    """The events that a run traces.

    Attributes:
        stack: record a kernel stack at each hit.
        filter: the filter of every event, in the kernel's syntax, in addition to the condition of its
            place; None records all hits.
        cpus: record only on these CPUs; empty for all.
        count: end after this many events; None for no limit.
        conditions: events that start the recording, stop it or take a snapshot.
    """

    targets: Targets
    stack: bool = False
    filter: str | None = None
    cpus: Sequence[int] = ()
    count: int | None = None
    conditions: Conditions = field(default_factory=Conditions)


def prepare(context: RunContext, request: TraceRequest) -> None:
    """Define the run's own probes, choose its events, and restrict them to its tasks and CPUs."""
    session = context.session
    conditions = _define(context, request)
    for event in request.targets.events:
        session.trace_event(event, stack=request.stack)
    conditions.update(request.targets.events)
    if request.cpus:
        session.only_cpus(request.cpus)
    context.restrict()
    for event, condition in conditions.items():
        if expression := both(request.filter, condition):
            session.filter(spelled(session, request, event, expression), [event])
    set_start_and_stop(session, request.conditions, context.tasks.pids, partial(spelled, session, request))


def spelled(session: Session, request: TraceRequest, event: str, expression: str) -> str:
    """Return a filter of an event with the kernel's numbers for the values that a person reads."""
    return translate_filter(expression, _values(session, request, event))


def _values(session: Session, request: TraceRequest, event: str) -> Mapping[str, Names]:
    """Return how the values of an event's fields read."""
    known = request.targets.names.get(event.partition("/")[2])
    own = {probe.group for probe in request.targets.probes[:1]}
    if known is not None or event.partition("/")[0] in own:
        return known or {}
    try:
        form = read_format(session.tracing, event)
    except (KtraceError, OSError):
        return {}  # the kernel then says what is wrong with the filter
    big = session.tracing.host.uname().machine in BIG_ENDIAN
    return {} if form.is_probe else of_filter(form, big=big)


def _define(context: RunContext, request: TraceRequest) -> dict[str, str | None]:
    """Define the run's own probes, and return their events with the conditions of their places.

    The kernel may refuse some of those that a wildcard matches.
    """
    session, refusals = context.session, request.targets.refusals
    made = define_all(
        request.targets.wanted,
        session.add_probe,
        before=context.stop.check,
        note=context.notify,
        refuse=None if refusals is None else partial(_refuse, refusals),
    )
    for spec, _ in made.done:
        session.trace_event(spec.probe.event, stack=request.stack)
    made.raise_if_none()
    if made.summary:
        context.notify(made.summary)
    if refusals is not None:
        refusals.end_if_nothing_is_left(request.targets.events or session.events)
    return {spec.probe.event: spec.filter for spec, _ in made.done}


def _refuse(refusals: Refusals, error: KtraceError) -> None:
    """Take the error of one place; raise one that would meet every place."""
    if not isinstance(error, OF_ONE_PLACE):
        raise error
    refusals.add(error)


def missed_hits(session: Session) -> dict[str, int]:
    """Return the missed hits of the traced probes so far, by the event's name."""
    try:
        profiles = profiles_of(session.tracing, session.events)
    except OSError:
        return {}
    missed: dict[str, int] = {}
    for _, profile in profiles:
        if profile.missed:
            missed[profile.name] = missed.get(profile.name, 0) + profile.missed
    return missed
