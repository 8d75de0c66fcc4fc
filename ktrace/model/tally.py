"""Tables of counts by key, the same for the kernel's histograms and for counts made with NumPy."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, order=True)
class Range:
    """Integers from `low` to `high`, inclusive. None means no limit on that side."""

    low: int | None
    high: int | None

    def __contains__(self, value: int) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True, order=True)
class Symbol:
    """A kernel address with the function it lies in, such as `vfs_read` or `vfs_read+0x4/0x370`."""

    address: int
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Task:
    """A thread with the name that it had when it was first counted."""

    pid: int
    comm: str


@dataclass(frozen=True, slots=True, order=True)
class Syscall:
    """A system call by its number, with its name as the kernel has it: `sys_openat`."""

    number: int
    name: str


@dataclass(frozen=True, slots=True, order=True)
class Named:
    """A number, and how it reads: an address, an error, flags."""

    number: int
    text: str
    is_range: bool = False
    """The number is a range by itself, next to other ranges."""


Stack: TypeAlias = tuple[str, ...]
"""Frames as the kernel prints them, innermost first."""

Key: TypeAlias = int | str | Range | Symbol | Task | Syscall | Named | Stack
"""One part of a row's key."""


@dataclass(frozen=True, slots=True)
class Row:
    """The counts for one key.

    Attributes:
        key: a part for each of the tally's `names`.
        count: hits.
        sums: a sum for each of the tally's `summed`.
    """

    key: tuple[Key, ...]
    count: int
    sums: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Tally:
    """A table of counts.

    Attributes:
        names: names of the key's parts.
        rows: one for each key, unordered.
        summed: names of the values that were summed.
        dropped: hits that were not counted because the kernel's table was full.
    """

    names: tuple[str, ...]
    rows: tuple[Row, ...] = ()
    summed: tuple[str, ...] = ()
    dropped: int = 0

    @property
    def count(self) -> int:
        """Return the hits of all rows."""
        return sum(row.count for row in self.rows)

    def largest_first(self) -> "list[Row]":
        """Return the rows sorted by descending count, then by key."""
        return sorted(self.rows, key=lambda row: (-row.count, tuple(map(_sortable, row.key))))

    def by_key(self) -> "list[Row]":
        """Return the rows sorted by key."""
        return sorted(self.rows, key=lambda row: tuple(map(_sortable, row.key)))


Rekey: TypeAlias = Callable[[tuple[Key, ...]], tuple[Key, ...]]
"""A function that maps the counted key to the key that is shown."""


def merge(names: tuple[str, ...], tallies: Iterable[Tally], rekey: Rekey = lambda key: key) -> Tally:
    """Merge tallies. Rows that have the same key after `rekey` are added up."""
    counts: dict[tuple[Key, ...], list[int]] = {}
    summed: tuple[str, ...] = ()
    dropped = 0
    for tally in tallies:
        summed = tally.summed
        dropped += tally.dropped
        for row in tally.rows:
            numbers = (row.count, *row.sums)
            key = rekey(row.key)
            old = counts.get(key)
            counts[key] = list(numbers) if old is None else [a + b for a, b in zip(old, numbers, strict=True)]
    rows = tuple(Row(key, count, tuple(sums)) for key, (count, *sums) in counts.items())
    return Tally(names, rows, summed, dropped)


def _sortable(part: Key) -> tuple[int, int, str]:
    """Return a sort key that makes any two parts comparable: numbers by value, then names."""
    match part:
        case int():
            return (1, part, "")
        case str():
            return (2, 0, part)
        case Range():
            return (0, 0, "") if part.low is None else (1, part.low, "")
        case Symbol():
            return (2, part.address, part.name)
        case Task():
            return (2, part.pid, part.comm)
        case Syscall(number, text) | Named(number, text):
            return (1, number, text)
        case _:
            return (3, 0, "\n".join(part))
