"""Measure times between streamed events, if the kernel cannot: both events are copied to user space."""

from typing import TYPE_CHECKING

from ktrace.aggregate.columns import KeyColumn
from ktrace.aggregate.keys import KNOWN
from ktrace.aggregate.pairs import PairCounter, Pairing
from ktrace.counting.counted_events import shown_name
from ktrace.counting.stream_counts import StreamTally
from ktrace.counting.stream_keys import column_of, field_reading
from ktrace.errors import Unavailable
from ktrace.session.session import Session

if TYPE_CHECKING:
    from ktrace.counting.latency_request import Emit, LatencyRequest, Pair


class PairTally(StreamTally):
    """Streams two events into a counter of pairs."""

    def __init__(
        self, session: Session, counter: PairCounter, pair: "Pair", *, stack: bool, at_second: bool
    ) -> None:
        super().__init__(session, counter, {pair.first.event: None, pair.second.event: None}, stack=stack)
        self._pairs = counter
        self._pair = pair
        self._at_second = at_second

    def _wants_stack(self, event: str) -> bool:
        with_it = self._pair.second if self._at_second else self._pair.first
        return self._stack and event == with_it.event

    def _set_filters(self) -> None:
        """Filter each event. If both are the same event, the filters must be equal."""
        first, second = self._pair.filters
        events = self._pair.first.event, self._pair.second.event
        if events[0] == events[1] and first != second:
            raise Unavailable(
                "where both events are one, the kernel's filter is that of both",
                hint="a kernel with hist triggers has one for each",
            )
        for event, condition in zip(events, self._pair.filters, strict=True):
            if condition:
                self._session.filter_event(event, condition)

    @property
    def untimed(self) -> int:
        """Return the number of incomplete pairs."""
        return self._pairs.untimed


def paired(session: Session, request: "LatencyRequest", pair: "Pair", emit: "Emit") -> PairTally:
    """Return the source for a request."""
    sides = {True: pair.first, False: pair.second}
    by: dict[str, tuple[KeyColumn, bool]] = {word: (KeyColumn(word), False) for word in KNOWN}
    for c in pair.carried:
        by[c.name] = (field_reading(session.tracing, sides[c.at_first], c.field.name), c.at_first)
    pairing = Pairing(
        pair.first.name,
        pair.second.name,
        (tuple(map(column_of, pair.keys[0])), tuple(map(column_of, pair.keys[1]))),
        by=[by[word] for word in request.by],
        shown=[
            (shown_name(c.name), column_of(c.field.name), c.at_first)
            for c in pair.carried
            if c.name != "comm"
        ],
        nested=not request.on,
        # At a return, some kernels cannot unwind beyond it; the caller is the same as at the entry.
        stack_at_first=not request.on,
    )
    counter = PairCounter(
        (*map(shown_name, request.by), "latency"),
        pairing,
        request.linear,
        above_ns=request.above_ns,
        emit=emit,
    )
    return PairTally(session, counter, pair, stack=request.above_ns is not None, at_second=bool(request.on))
