"""Timing what streams by, where the kernel cannot: each of the two events crosses to user space."""

from typing import TYPE_CHECKING

from ktrace.aggregate.pairs import PairCounter, Pairing
from ktrace.aggregate.parts import KNOWN
from ktrace.session.session import Session
from ktrace.session.slow import Emit
from ktrace.session.streamed import StreamTally

if TYPE_CHECKING:
    from ktrace.session.latency import Pair, Request


class PairTally(StreamTally):
    """Streams two events into a counter of pairs."""

    def __init__(self, session: Session, counter: PairCounter, pair: "Pair") -> None:
        super().__init__(session, counter, [pair.first.event, pair.second.event], None)
        self._pairs = counter
        self._pair = pair

    def arm(self) -> None:
        """Begin to time. The filter is the first event's alone."""
        condition = self._pair.filters[0]
        super().arm()
        if condition:
            self._session.filter_event(self._pair.first.event, condition)

    @property
    def untimed(self) -> int:
        """Pairs that are not whole."""
        return self._pairs.untimed


def paired(session: Session, request: "Request", pair: "Pair", emit: Emit) -> PairTally:
    """The source for a request."""
    columns = {c.name: ("comm" if c.name == "comm" else c.field.name, c.at_first) for c in pair.carried}
    pairing = Pairing(
        pair.first.name,
        pair.second.name,
        pair.keys,
        by=[(word, False) if word in KNOWN else columns[word] for word in request.by],
        shown=[(c.name, c.field.name, c.at_first) for c in pair.carried if c.name != "comm"],
        nested=not request.on,
    )
    counter = PairCounter(
        (*request.by, "latency"), pairing, request.linear, above_ns=request.above_ns, emit=emit
    )
    return PairTally(session, counter, pair)
