"""Turn single records into lists of arguments for handlers, without NumPy: see `columns`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from ktrace.records import dataclass
from ktrace.ringbuffer.record_reader import RecordReader
from ktrace.script.runtime.events import Events
from ktrace.script.runtime.state import UNREAD, bytes_text
from ktrace.stream.merge_few import Placed
from ktrace.stream.saved_names import shown_names

_SIGN = 1 << 63


class TaskLookUps(Protocol):
    """Answers what records do not carry of tasks."""

    def names(self, pids: Iterable[int]) -> Mapping[int, str]:
        """Return the names of tasks, of those that are known."""

    def name_at(self, tid: int, ts: int) -> str | None:
        """Return the name that a task had at a time, if the run has seen that it changed."""

    def groups(self, tids: Iterable[int]) -> Mapping[int, int]:
        """Return the processes of threads."""


@dataclass(slots=True)
class Rows:
    """Records of one event as `Events`.

    Attributes:
        reader: reads the fields.
        placed: the records.
        places: the place of each record among those of all events.
    """

    reader: RecordReader
    tasks: TaskLookUps
    placed: list[Placed] = field(default_factory=list)
    places: list[int] = field(default_factory=list)

    @property
    def event(self) -> str:
        """See `Events`."""
        return self.reader.form.name

    @property
    def system(self) -> str:
        """See `Events`."""
        return self.reader.form.system

    def __len__(self) -> int:
        return len(self.placed)

    def has(self, name: str) -> bool:
        """See `Events`."""
        return self.reader.can_read(name)

    def column(self, name: str) -> list[Any]:
        """See `Events`."""
        if not self.has(name):
            raise KeyError(name)
        read = self.reader.value(name)
        return [_argument(read(one.page, one.record.at)) for one in self.placed]

    def data(self, param: str) -> list[Any]:
        """See `Events`."""
        if param == "cpu":
            return [one.cpu for one in self.placed]
        if param == "ts":
            return [one.record.ts for one in self.placed]
        tids: list[int] = [self.reader.pid(one.page, one.record.at) for one in self.placed]
        if param == "tid":
            return tids
        if param == "pid":
            groups = self.tasks.groups(set(tids))
            return [groups[tid] if groups[tid] > 0 else tid for tid in tids]
        names, name_at = shown_names(self.tasks.names, set(tids)), self.tasks.name_at
        timed = zip(tids, self.data("ts"), strict=True)
        return [bytes_text(name_at(tid, ts) or names[tid]) for tid, ts in timed]

    def stacks(self, *, user: bool) -> Sequence[tuple[int, ...]]:
        """See `Events`. A run whose handlers read stacks does not read its records one by one."""
        raise ValueError(f"no {'user' if user else 'kernel'} stacks: records are read one by one")


class RowEvents:
    """Records of some events as `Happened`.

    Args:
        placed: the records, in order.
        readers: the readers of all events, by id; other events, and damaged records, are left out.
    """

    def __init__(
        self, placed: Iterable[Placed], readers: Mapping[int, RecordReader], tasks: TaskLookUps
    ) -> None:
        rows: dict[int, Rows] = {}
        for place, one in enumerate(placed):
            _, ident, at, size = one.record
            reader = readers.get(ident)
            if reader is not None and reader.is_sound(one.page, at, size):
                if ident not in rows:
                    rows[ident] = Rows(reader, tasks)
                rows[ident].placed.append(one)
                rows[ident].places.append(place)
        self.events: Sequence[Rows] = list(rows.values())

    def __len__(self) -> int:
        return sum(map(len, self.events))

    def in_order(self, some: Sequence[Events]) -> Iterator[tuple[int, int]]:
        """See `Happened`."""
        placed = (
            (place, number, one.record.ts)
            for number, rows in enumerate(some)
            if isinstance(rows, Rows)
            for place, one in zip(rows.places, rows.placed, strict=True)
        )
        for _, number, ts in sorted(placed):
            yield number, ts


def _argument(value: Any) -> Any:
    """Convert a value for handlers, as `values` converts a column."""
    if isinstance(value, int):
        return value if value < _SIGN else value - 2 * _SIGN
    if isinstance(value, str):
        return bytes_text(value)
    return UNREAD if value is None else value
