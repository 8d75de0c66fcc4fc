"""Collect records whose fields were read from a line, and make batches of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import numpy as np

from ktrace.model.batch import Batch
from ktrace.model.column import Column, Strings
from ktrace.tracefs.text_grammar import decode

PID_END = 2**31
"""The first number that cannot be the id of a task."""

TIME_END = 2**62
"""The first number of nanoseconds that is too large for a time or a duration: their sum has 64 bits."""

Value: TypeAlias = int | str | None


class Task(NamedTuple):
    """The task and the CPU of a record, and its time: what a line begins with.

    Attributes:
        ts: nanoseconds, or a count with `ticks`.
        tgid: 0 if unknown.
    """

    comm: bytes
    pid: int
    cpu: int
    ts: int
    tgid: int = 0
    flags: bytes = b""
    ticks: bool = False

    @property
    def fits(self) -> bool:
        """Return whether the columns of a batch can hold the numbers, also after a duration is added."""
        ids = -PID_END <= self.pid < PID_END and -PID_END <= self.tgid < PID_END
        return ids and self.ts < TIME_END


_Row: TypeAlias = tuple[int, Task, tuple[Value, ...], str]


@dataclass(slots=True)
class Records:
    """Records of any events."""

    _groups: dict[tuple[str, tuple[str, ...] | None, bool, bool], list[_Row]] = field(default_factory=dict)

    def add(
        self,
        seq: int,
        task: Task,
        event: str,
        fields: Mapping[str, Value] | None,
        body: str,
        *,
        titled: bool = True,
    ) -> None:
        """Add a record.

        Args:
            seq: its position in the stream.
            task: what its line begins with.
            event: its event's name.
            fields: its fields; None for a record of kind `text`.
            body: its text.
            titled: whether the event's name precedes the body.
        """
        names = None if fields is None else tuple(fields)
        row = (seq, task, tuple((fields or {}).values()), body)
        self._groups.setdefault((event, names, titled, task.ticks), []).append(row)

    def batches(self) -> list[Batch]:
        """Return one batch for each event and set of fields."""
        return [_batch(*key, rows) for key, rows in self._groups.items()]


def _batch(
    event: str,
    names: tuple[str, ...] | None,
    titled: bool,
    ticks: bool,
    rows: Sequence[_Row],
) -> Batch:
    seqs, tasks, values, bodies = zip(*rows, strict=True)
    body = Strings.of(bodies)
    columns = dict(zip(names or (), map(column_of, zip(*values, strict=True)), strict=True))
    return Batch(
        event=event,
        kind="text" if names is None else "fields",
        seq=np.array(seqs, np.int64),
        ts=np.array([task.ts for task in tasks], np.int64),
        cpu=np.array([task.cpu for task in tasks], np.int32),
        pid=np.array([task.pid for task in tasks], np.int32),
        tgid=np.array([task.tgid for task in tasks], np.int32) if any(task.tgid for task in tasks) else None,
        comm=Strings.of(decode(task.comm) for task in tasks),
        flags=Strings.of(decode(task.flags) for task in tasks),
        columns={"body": body} if names is None else columns,
        body=None if names is None else body,
        titled=titled,
        ticks=ticks,
    )


def column_of(values: Sequence[Value]) -> Column:
    """Return numbers as numbers, in the narrowest type that holds them all, and everything else as text."""
    if set(map(type, values)) <= {int}:
        try:
            return np.array(values, np.int64)
        except OverflowError:
            numbers: list[int] = [value for value in values if isinstance(value, int)]
            if min(numbers) >= 0 and max(numbers) < 2**64:
                return np.array(numbers, np.uint64)
    return Strings.of(str(value) if isinstance(value, int) else value for value in values)
