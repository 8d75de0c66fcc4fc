"""The events that handlers are called for, decoded in one step (`columns`) or one by one (`rows`)."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from ktrace.script.own_task import EACH_CPU


class Events(Protocol):
    """Records of one event, in order."""

    @property
    def event(self) -> str:
        """Return the event's name, without its group."""

    @property
    def system(self) -> str:
        """Return the event's group; empty if it is not known."""

    def __len__(self) -> int:
        """Return the number of records."""

    def has(self, name: str) -> bool:
        """Return whether the records have a field."""

    def column(self, name: str) -> list[Any]:
        """Return a field of each record: Latin-1 text or a signed 64-bit number. Raises KeyError."""

    def data(self, param: str) -> list[Any]:
        """Return the `tid`, `pid`, `comm`, `cpu` or `ts` of each record."""

    def stacks(self, *, user: bool) -> Sequence[tuple[int, ...]]:
        """Return the addresses of the stack after each record."""


class Happened(Protocol):
    """The events of a piece of the stream."""

    @property
    def events(self) -> Sequence[Events]:
        """Return the records of each event; none is empty."""

    def in_order(self, some: Sequence[Events]) -> Iterator[tuple[int, int]]:
        """Yield for each record, in order, its place among `some`, and its time in nanoseconds."""


def own_values(events: Events, names: Sequence[str], *, may_be_null: bool = False) -> list[Any]:
    """Return what was read of the task of each record: a value, or a tuple of several.

    Args:
        names: the columns. One that ends with `EACH_CPU` stands for the columns of all CPUs.
        may_be_null: whether the first column is a pointer. Where it is null, the values of the others are 0.

    The value is None for a CPU that the probe did not read.
    """
    columns = [
        _of_own_cpu(events, name) if name.endswith(EACH_CPU) else events.column(name) for name in names
    ]
    if may_be_null:
        pointers, *columns = columns
        columns = [
            [0 if pointer == 0 else value for pointer, value in zip(pointers, column, strict=True)]
            for column in columns
        ]
    if len(columns) == 1:
        return columns[0]
    return [None if None in row else row for row in zip(*columns, strict=True)]


def _of_own_cpu(events: Events, name: str) -> list[Any]:
    """Return the values from the column of the CPU on which each record was made."""
    cpus = events.data("cpu")
    read = {cpu: f"{name}{cpu}" for cpu in set(cpus)}
    columns = {cpu: events.column(one) for cpu, one in read.items() if events.has(one)}
    return [columns[cpu][row] if cpu in columns else None for row, cpu in enumerate(cpus)]
