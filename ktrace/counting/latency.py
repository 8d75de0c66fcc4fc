"""Run `ktrace latency`: measure the time from entry to return of a function, or between two events."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from ktrace.aggregate.hist import Hist, Term, both, hist_path, round_size
from ktrace.aggregate.hist_file import parse_hist
from ktrace.aggregate.keys import KNOWN, Counter, Fields, Part, counter
from ktrace.aggregate.latency import LATENCY, TIMED, Carried, Latency, function_filter
from ktrace.counting.count import HIST, STREAM, STREAMED_NOTE, no_hist_triggers
from ktrace.counting.counted_events import (
    COMM_FIELD,
    CountedEvent,
    Search,
    make_events,
    resolve_events,
    shown_name,
    stack_word,
)
from ktrace.counting.kernel_counts import (
    Answer,
    CountSource,
    HistTally,
    Show,
    explained,
    restrict,
    run_tally,
)
from ktrace.counting.latency_request import _RETURNED, RETVAL, SHOWN, Emit, LatencyRequest, Pair
from ktrace.errors import Refused, Unavailable, UsageError
from ktrace.model.place import RETURN_SUFFIX
from ktrace.model.tally import Key, Symbol, Tally
from ktrace.session.run_context import RunContext
from ktrace.session.session import Session
from ktrace.tracefs.events import read_format

if TYPE_CHECKING:
    from ktrace.counting.slow_calls import SlowCalls


def latency(context: RunContext, request: LatencyRequest, show: Show | None, emit: Emit) -> Answer:
    """Run `ktrace latency`.

    Args:
        emit: takes each slow call.
    """
    session, kernel = context.session, context.kernel
    if request.nested and (request.on or request.in_kernel):
        raise UsageError(
            "--nested streams the calls of a function: neither --on nor --in-kernel goes with it"
        )
    pair = _events(context, request) if request.on else _function(context, request)
    restrict(context)
    context.stop.check()
    source: CountSource
    able = kernel.features.hist_triggers and kernel.features.synthetic_events
    if able and not request.nested:
        source, method = LatencyTally(session, request, pair, emit), HIST
    else:
        if request.in_kernel:
            raise no_hist_triggers()
        if not able:
            context.notify(STREAMED_NOTE)
        from ktrace.counting.latency_stream import paired  # noqa: PLC0415 -- loads NumPy

        source, method = paired(session, request, pair, emit), STREAM
    events = [pair.first.event, pair.second.event]
    return run_tally(context, source, method, show, events)


class LatencyTally(HistTally):
    """Three histograms: one saves times, one computes differences, and one counts them."""

    def __init__(self, session: Session, request: LatencyRequest, pair: Pair, emit: Emit) -> None:
        super().__init__(session, (*map(shown_name, request.by), SHOWN), ())
        self._request = request
        self._pair = pair
        self._plan = Latency(
            f"{session.name}_lat",
            pair.first.event,
            pair.second.event,
            pair.keys,
            pair.carried,
            clock=_clock(session),
            filters=pair.filters,
            size=round_size(request.size),
        ).checked()
        self._slow = self._slow_calls(emit)
        if self._slow is not None:
            self.look_s = self._slow.look_s

    def _slow_calls(self, emit: Emit) -> "SlowCalls | None":
        above = self._request.above_ns
        if above is None:
            return None
        from ktrace.counting.slow_calls import SlowCalls  # noqa: PLC0415 -- loads NumPy

        shown = [c.name for c in self._pair.carried if c.name != "comm"]
        fields = [(shown_name(name), self._plan.field_of(name) or name) for name in shown]
        return SlowCalls(self._session, self._plan.event, fields, above, emit)

    def arm(self) -> None:
        """Start measuring. A trigger is set before those that use it."""
        plan, session = self._plan, self._session
        session.apply_global(plan.define_step())
        self._counters = tuple(self._counters_of(Fields(
            read_format(session.tracing, plan.event), plan.field_of("comm"), stack_word(session.kernel)
        )))  # fmt: skip
        for event, hist in ((plan.first, plan.first_hist()), (plan.second, plan.second_hist())):
            try:
                session.apply(hist.step(event, f"time {event}"))
            except Refused as refused:
                raise explained(refused, event, hist) from refused
        super().arm()
        if self._slow is not None:
            self._slow.arm()
        session.record()  # a buffer that is off has no time stamps

    def poll(self) -> None:
        """Take the slow calls."""
        if self._slow is not None:
            self._slow.poll()

    def stop(self, overdue: Callable[[], bool]) -> None:
        """Take the slow calls that are left."""
        if self._slow is not None:
            self._session.stop()
            self._slow.stop(overdue)
            self.lost = self._slow.lost
            self.unread = self._slow.unread

    def read(self) -> Tally:
        """Return the latencies so far."""
        path = hist_path(self._plan.first)
        begun = parse_hist(self._session.files.read(path), path)
        tally = super().read()
        # A second event before its first one is not timed, either.
        self.untimed = max(0, sum(table.hits for table in begun) - tally.count - tally.dropped)
        return replace(tally, dropped=tally.dropped + sum(table.tally.dropped for table in begun))

    def _counters_of(self, fields: Fields) -> list[Counter]:
        request = self._request
        parts = [self._part(fields, word) for word in request.by]
        base = Hist((), size=self._plan.size, filter=TIMED)
        made = []
        for part, condition in fields.distribution(LATENCY, request.linear):
            hist = replace(base, filter=both(base.filter, condition))
            made.append(counter(self._plan.event, [*parts, part], hist))
        return made

    def _part(self, fields: Fields, word: str) -> Part:
        if word in KNOWN:
            return fields.part(word)
        name = self._plan.field_of(word)
        assert name is not None  # every field to count by is carried
        if any(c.name == word and _is_symbol(self._pair, c) for c in self._pair.carried):
            return Part(word, Term(name, "sym"), _function_name)
        return replace(fields.part(name), name=word)


def _function(context: RunContext, request: LatencyRequest) -> Pair:
    """Return a function's entry and return as a pair, matched by thread."""
    place = request.places[0].removesuffix(RETURN_SUFFIX)
    at_entry = [word for word in request.arguments if not _RETURNED.match(word)]
    at_return = [word for word in request.arguments if _RETURNED.match(word)]
    if request.above_ns is not None and RETVAL not in at_return:
        at_return.append(RETVAL)
    defaults = replace(request.defaults, at_return=False)
    # The return's probe first: on Linux 5.10, if it runs first it hides the caller from the other's stack.
    search = Search(replace(defaults, at_return=True), with_comm="comm" in request.by)
    second = _one(make_events(context, search, place, at_return), place)
    quiet = replace(context, notify=lambda _text: None)  # the remarks of the first are the same
    first = _one(make_events(quiet, Search(defaults), place, at_entry), place)
    carried = [_carried(word, first, name, True) for word, name in zip(at_entry, first.words, strict=True)]
    carried += [
        _carried(word, second, name, False) for word, name in zip(at_return, second.words, strict=True)
    ]
    if "comm" in request.by:
        carried.append(_carried("comm", second, COMM_FIELD, False))
    key = ("common_pid",)
    at_entry_filter, at_return_filter = function_filter(request.filter)
    filters = (first.translated(at_entry_filter), second.translated(at_return_filter))
    return Pair(first, second, (key, key), tuple(carried), filters)


def _events(context: RunContext, request: LatencyRequest) -> Pair:
    """Return two events as a pair, matched by the fields that they share."""
    pairs = [(a or b, b or a) for a, _, b in (word.partition("=") for word in request.on)]
    counted_events: list[CountedEvent] = []
    for number, place in enumerate(request.places):
        wanted = [pair[number] for pair in pairs]
        search = Search(request.defaults)
        fields = (
            []
            if ":" in place or "/" in place
            else [w for w in wanted if not w.startswith("common_") and w != "pid"]
        )
        counted_events.append(_one(resolve_events(context, search, place, fields), place))
    first, second = counted_events
    keys = tuple(tuple(_key(counted, pair[n]) for pair in pairs) for n, counted in enumerate(counted_events))
    carried = []
    for word in request.arguments:
        at_first = any(f.name == word for f in first.fields.form.fields)
        carried.append(_carried(word, first if at_first else second, word, at_first))
    return Pair(first, second, (keys[0], keys[1]), tuple(carried), (first.translated(request.filter), None))


def _key(counted: CountedEvent, word: str) -> str:
    """Return the field that matches the two events. `pid` is the thread if the event has no such field."""
    name = dict(zip(counted.requested, counted.words, strict=False)).get(word, word)
    if name == "pid" and all(f.name != "pid" for f in counted.fields.form.fields):
        name = "common_pid"
    return counted.fields.find(name).name


def _carried(word: str, counted: CountedEvent, name: str, at_first: bool) -> Carried:
    return Carried(word, counted.fields.find(name), at_first)


def _one(counted_events: Sequence[CountedEvent], place: str) -> CountedEvent:
    if len(counted_events) != 1 or counted_events[0].label is None:
        raise UsageError(
            f"'{place}' means several: time is taken of one function, or from one event to another"
        )
    return counted_events[0]


def _clock(session: Session) -> str:
    """Return the clock of the session's buffer."""
    chosen = re.search(r"\[(\w+)\]", session.files.read("trace_clock"))
    if chosen is None:
        raise Unavailable("the kernel does not say which trace clock it uses")
    return chosen[1]


def _is_symbol(pair: Pair, carried: Carried) -> bool:
    counted = pair.first if carried.at_first else pair.second
    return carried.field.name in counted.fields.symbols


def _function_name(key: Key) -> Key:
    return key.name if isinstance(key, Symbol) else key
