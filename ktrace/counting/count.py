"""Run `ktrace count`: count hits of functions and events, by key."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ktrace.aggregate.hist import Hist, Term, both, round_size
from ktrace.aggregate.keys import ANY, STACK, Counter, Part, counter
from ktrace.counting.counted_events import CountedEvent, Search, filters_of, resolve_all_events, shown_name
from ktrace.counting.kernel_counts import (
    Answer,
    CountSource,
    HistTally,
    ProfileTally,
    Show,
    restrict,
    run_tally,
)
from ktrace.errors import Unavailable
from ktrace.model.tally import Key, Symbol
from ktrace.resolve.refusals import Refusals
from ktrace.resolve.spec import ProbeOptions
from ktrace.session.run_context import RunContext
from ktrace.session.session import Session

KEYS = 8192
"""The default number of keys that a table holds."""

PROFILE = "kprobe_profile"
HIST = "hist triggers"
FPROBE = "hist triggers of fprobes"
STREAM = "streamed events"
STREAMED_NOTE = "this kernel has no hist triggers: events are streamed and counted here, which costs more"


@dataclass(frozen=True, slots=True)
class CountRequest:
    """The events to count.

    Attributes:
        places: functions, wildcards, events.
        by: `comm`, `pid`, `cpu`, `stack`, or arguments.
        filter: count only hits for which this is true.
        size: the number of keys that the kernel's table holds.
        in_kernel: fail if the kernel cannot count, instead of streaming events.
        refusals: takes the errors of refused places, and the others are counted. If it is None, such an
            error is raised.
    """

    places: Sequence[str]
    defaults: ProbeOptions
    by: Sequence[str] = ()
    filter: str | None = None
    size: int = KEYS
    in_kernel: bool = False
    refusals: Refusals | None = None


def count(context: RunContext, request: CountRequest, show: Show | None = None) -> Answer:
    """Run `ktrace count`."""
    search = Search(
        request.defaults,
        with_comm="comm" in request.by,
        wide=context.kernel.features.hist_triggers and STACK not in request.by,
    )
    counted_events = resolve_all_events(context, search, request.places, request.by, request.refusals)
    ignored = restrict(context)
    context.stop.check()
    source, method = _source(context, request, counted_events, ignored)
    return run_tally(context, source, method, show, [counted.event for counted in counted_events])


def _source(
    context: RunContext, request: CountRequest, counted_events: Sequence[CountedEvent], ignored: bool
) -> tuple[CountSource, str]:
    """Return the source of the counts, and the name of the method.

    Args:
        ignored: whether the kernel ignores the hits of this process.
    """
    session = context.session
    everybody = not (context.followed or context.tasks.pids or request.filter or request.by)
    wide = sum(len(counted.points) for counted in counted_events) > 1
    if everybody and wide and all(counted.points and counted.has_profile for counted in counted_events):
        return ProfileTally(session, [(counted.event, counted.points) for counted in counted_events]), PROFILE
    names = ("function", *map(shown_name, request.by))
    if not context.kernel.features.hist_triggers:
        if request.in_kernel:
            raise no_hist_triggers()
        context.notify(STREAMED_NOTE)
        return _streamed(session, counted_events, request), STREAM
    own = None if ignored else f"common_pid != {session.own_ids()[0]}"
    hist = Hist((), size=round_size(request.size), filter=both(request.filter, own))
    counters = [
        count_by(counted, request.by, replace(hist, filter=counted.translated(hist.filter)))
        for counted in counted_events
    ]
    method = FPROBE if any(counted.functions for counted in counted_events) else HIST
    return HistTally(session, names, counters), method


def _streamed(session: Session, counted_events: Sequence[CountedEvent], request: CountRequest) -> CountSource:
    from ktrace.aggregate.columns import ColumnCounter  # noqa: PLC0415 -- loads NumPy
    from ktrace.counting.stream_counts import StreamTally  # noqa: PLC0415 -- as above
    from ktrace.counting.stream_keys import readings  # noqa: PLC0415 -- as above

    events = {
        counted.name: (counted.label, readings(session.tracing, counted, iter(counted.words), request.by))
        for counted in counted_events
    }
    counter = ColumnCounter(("function", *map(shown_name, request.by)), events)
    filters = filters_of(counted_events, request.filter)
    return StreamTally(session, counter, filters, stack=STACK in request.by)


def count_by(counted: CountedEvent, by: Sequence[str], hist: Hist) -> Counter:
    """Return a counter of an event's hits by its function and `by`."""
    words = iter(counted.words)
    parts = [counted.part(word, words) for word in by]
    if counted.label is None:
        parts.insert(0, function_part(counted))
    return replace(
        counter(counted.event, parts, hist, label=counted.label, hidden=ANY), functions=counted.functions
    )


def function_part(counted: CountedEvent) -> Part:
    """Return the key for the place of an event that was hit."""
    address = "__probe_func" if counted.is_return else "__probe_ip"
    return Part("function", Term(address, "sym"), _function)


def no_hist_triggers() -> Unavailable:
    """Return the error for a kernel that cannot count."""
    return Unavailable(
        "this kernel has no hist triggers (CONFIG_HIST_TRIGGERS): it cannot count by itself",
        hint="leave --in-kernel out: events are streamed and counted here, which costs more",
    )


def _function(key: Key) -> Key:
    return key.name if isinstance(key, Symbol) else key
