"""The time between two events, from what streams by: for kernels that cannot take it themselves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ktrace.aggregate.columns import UNREADABLE, log2_of
from ktrace.aggregate.parts import Linear
from ktrace.errors import Unavailable
from ktrace.model.batch import Batch, Chunk
from ktrace.model.slow import Slow
from ktrace.model.tally import Key, Range, Row, Tally


@dataclass(frozen=True, slots=True)
class Pairing:
    """What is paired, by columns of batches: `pid`, `cpu`, `comm`, or the name of a field.

    Attributes:
        first, second: names of the events, without groups.
        keys: for each of them: what must be alike.
        by: what is counted by, each with whether it is the first event's.
        shown: what goes with slow pairs: name, column, and whether it is the first event's.
        nested: whether pairs of one key lie within each other, as calls do; else the last first event counts.
    """

    first: str
    second: str
    keys: tuple[Sequence[str], Sequence[str]]
    by: Sequence[tuple[str, bool]] = ()
    shown: Sequence[tuple[str, str, bool]] = ()
    nested: bool = True


class PairCounter:
    """Pairs events and counts the times between them.

    Args:
        names: of the parts of the key that is shown; the last is the time.
        above_ns: hand on pairs that took so long; None: none.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        pairing: Pairing,
        linear: Linear | None = None,
        *,
        above_ns: int | None = None,
        emit: Callable[[Slow], None] = lambda _slow: None,
    ) -> None:
        self._names = names
        self._pairing = pairing
        self._linear = linear
        self._above_ns = above_ns
        self._emit = emit
        self._open: dict[tuple[Key, ...], list[tuple[int, dict[str, Key]]]] = {}
        self._counts: dict[tuple[Key, ...], int] = {}
        self.overtaken = 0

    def write(self, chunk: Chunk, /) -> None:
        """Take a piece of the stream."""
        rows = [
            (int(seq), batch, row) for batch in chunk.batches for row, seq in enumerate(batch.seq.tolist())
        ]
        for _, batch, row in sorted(rows, key=lambda item: item[0]):
            if batch.event == self._pairing.second:
                self._take(batch, row)
            if batch.event == self._pairing.first:
                self._remember(batch, row)

    def flush(self) -> None:
        """Nothing is buffered."""

    def tally(self) -> Tally:
        """What was timed so far."""
        return Tally(self._names, tuple(Row(key, count) for key, count in self._counts.items()))

    @property
    def untimed(self) -> int:
        """First events without a second one, so far."""
        return self.overtaken + sum(map(len, self._open.values()))

    def _remember(self, batch: Batch, row: int) -> None:
        key = tuple(_value(batch, name, row) for name in self._pairing.keys[0])
        wanted = [name for name, first in self._pairing.by if first]
        wanted += [column for _, column, first in self._pairing.shown if first]
        found = (int(batch.ts[row]), {name: _value(batch, name, row) for name in wanted})
        waiting = self._open.setdefault(key, [])
        if waiting and not self._pairing.nested:
            waiting.clear()
            self.overtaken += 1
        waiting.append(found)

    def _take(self, batch: Batch, row: int) -> None:
        key = tuple(_value(batch, name, row) for name in self._pairing.keys[1])
        waiting = self._open.get(key)
        if not waiting:
            return
        started, kept = waiting.pop()
        if not waiting:
            del self._open[key]
        took = int(batch.ts[row]) - started
        place = log2_of(took) if self._linear is None else self._linear.place(took)
        by = [kept[name] if first else _value(batch, name, row) for name, first in self._pairing.by]
        shown = (*by, place)
        self._counts[shown] = self._counts.get(shown, 0) + 1
        if self._above_ns is not None and took >= self._above_ns:
            self._slow(batch, row, took, kept)

    def _slow(self, batch: Batch, row: int, took: int, kept: dict[str, Key]) -> None:
        args: dict[str, int | str] = {}
        for name, column, first in self._pairing.shown:
            value = kept[column] if first else _value(batch, column, row)
            args[name] = value if isinstance(value, int | str) else str(value)
        comm = batch.comm[row] or ""
        self._emit(Slow(int(batch.ts[row]), int(batch.cpu[row]), int(batch.pid[row]), comm, took, args))


def _value(batch: Batch, name: str, row: int) -> Key:
    match name:
        case "pid" | "common_pid":
            return int(batch.pid[row])
        case "cpu" | "common_cpu":
            return int(batch.cpu[row])
        case "comm":
            return batch.comm[row] or UNREADABLE
    column = batch.columns.get(name)
    if column is None:
        raise Unavailable(f"the text of {batch.event} does not have '{name}'", hint="use a probe's argument")
    value = column[row]
    if isinstance(value, Range | int | str):
        return value
    return UNREADABLE if value is None else int(value) if hasattr(value, "__int__") else str(value)
