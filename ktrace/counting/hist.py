"""Run `ktrace hist`: count the distribution of an argument, a return value or a field."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ktrace.aggregate.hist import Hist, Term, both, round_size
from ktrace.aggregate.keys import KNOWN, STACK, Counter, Linear, counter
from ktrace.counting.count import HIST, KEYS, STREAM, STREAMED_NOTE, function_part, no_hist_triggers
from ktrace.counting.counted_events import CountedEvent, Search, filters_of, resolve_events, shown_name
from ktrace.counting.kernel_counts import Answer, CountSource, HistTally, Show, restrict, run_tally
from ktrace.model.tally import Key
from ktrace.resolve.spec import ProbeOptions
from ktrace.session.run_context import RunContext
from ktrace.session.session import Session


@dataclass(frozen=True, slots=True)
class HistRequest:
    """The value whose distribution is counted.

    Attributes:
        place: a function, a wildcard, or an event.
        value: an argument, as in `ktrace add`, or a field.
        by: the words of `ktrace count --by`: a distribution for each.
        linear: equal steps; None for powers of two.
        sum: an argument to sum up for each row; None for no sum.
    """

    place: str
    value: str
    defaults: ProbeOptions
    by: Sequence[str] = ()
    linear: Linear | None = None
    sum: str | None = None
    filter: str | None = None
    size: int = KEYS
    in_kernel: bool = False

    @property
    def args(self) -> list[str]:
        """Return all arguments that must be read."""
        return [self.value, *self.by, *([self.sum] if self.sum else [])]

    def fields(self, counted: CountedEvent) -> Iterator[str]:
        """Return the fields that hold them, in order."""
        return iter(counted.words)


def hist(context: RunContext, request: HistRequest, show: Show | None = None) -> Answer:
    """Run `ktrace hist`."""
    session = context.session
    search = Search(request.defaults, with_comm="comm" in request.by)
    counted_events = resolve_events(context, search, request.place, request.args)
    ignored = restrict(context)
    context.stop.check()
    several = len(counted_events) > 1 or counted_events[0].label is None
    names = (*(["function"] if several else []), *map(shown_name, (*request.by, request.value)))
    source: CountSource
    if context.kernel.features.hist_triggers:
        own = None if ignored else f"common_pid != {session.own_ids()[0]}"
        base = Hist((), size=round_size(request.size), filter=both(request.filter, own))
        counters = [
            c for counted in counted_events for c in _counters(counted, request, base, several=several)
        ]
        source, method = HistTally(session, names, counters), HIST
    else:
        if request.in_kernel:
            raise no_hist_triggers()
        context.notify(STREAMED_NOTE)
        source, method = _streamed(session, names, counted_events, request, several=several), STREAM
    events = [counted.event for counted in counted_events]
    return run_tally(context, source, method, show, events)


def _counters(counted: CountedEvent, request: HistRequest, base: Hist, *, several: bool) -> list[Counter]:
    words = request.fields(counted)
    value = _field(request.value, words)
    by = [counted.part(word, words) for word in request.by]
    if counted.label is None:
        by.insert(0, function_part(counted))
    summed: tuple[str, ...] = ()
    signed_sums = False
    if request.sum:
        name = _field(request.sum, words)
        summed, signed_sums = (shown_name(request.sum),), counted.fields.find(name).signed
        base = replace(base, values=(Term(name),))
    made = []
    base = replace(base, filter=counted.translated(base.filter))
    for part, condition in counted.distribution(value, request.linear):
        one = replace(base, filter=both(base.filter, condition))
        label = counted.label if several else None
        found = counter(counted.event, [*by, part], one, label=label)
        made.append(replace(found, summed=summed, signed_sums=signed_sums))
    return made


def _streamed(
    session: Session,
    names: tuple[str, ...],
    counted_events: Sequence[CountedEvent],
    request: HistRequest,
    *,
    several: bool,
) -> CountSource:
    from ktrace.aggregate.columns import ColumnCounter, KeyColumn, log2_of  # noqa: PLC0415 -- loads NumPy
    from ktrace.counting.stream_counts import StreamTally  # noqa: PLC0415 -- as above
    from ktrace.counting.stream_keys import readings  # noqa: PLC0415 -- as above

    linear = request.linear

    def place(key: Key) -> Key:
        if linear is None:
            return log2_of(key)
        return linear.place(key) if isinstance(key, int) else key

    events = {}
    sums = {}
    for counted in counted_events:
        words = request.fields(counted)
        field = _field(request.value, words)
        if counted.distribution(field, linear) and counted.is_grouped(field):
            value = KeyColumn("." + field, place)
        else:
            (value,) = readings(session.tracing, counted, iter([field]), [request.value])
        by = readings(session.tracing, counted, words, request.by)
        label = counted.label if several else ""
        events[counted.name] = (label, [*by, value])
        sums[counted.name] = [_field(request.sum, words)] if request.sum else []
    columns = ColumnCounter(
        names, events, sums=sums, summed=(shown_name(request.sum),) if request.sum else (), with_label=several
    )
    stack = STACK in (request.value, *request.by)
    return StreamTally(session, columns, filters_of(counted_events, request.filter), stack=stack)


def _field(word: str, words: Iterator[str]) -> str:
    """Return the field of a word; `words` yields the fields of words that not every event has."""
    return word if word in KNOWN else next(words)
