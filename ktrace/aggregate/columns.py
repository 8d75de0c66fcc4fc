"""Count streamed events with NumPy. Kernels without hist triggers get the same tables this way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ktrace.aggregate.frames import without_own
from ktrace.errors import Unavailable
from ktrace.model.batch import Batch, Chunk, Stack
from ktrace.model.column import Strings
from ktrace.model.tally import Key, Range, Row, Tally
from ktrace.model.tally import Stack as Frames

UNREADABLE = "(fault)"
NO_STACK = ("[no stack]",)
"""The stack of a hit without one, such as the user stack of a kernel thread."""


@dataclass(frozen=True, slots=True)
class KeyColumn:
    """One part of the key.

    Attributes:
        column: where in a batch it is: `comm`, `pid`, `cpu`, `function`, `stack`, or `.NAME` for a field.
        show: returns the value to show. Values that are shown the same are counted together.
    """

    column: str
    show: Callable[[Key], Key] = lambda key: key


class _Hit(NamedTuple):
    """A hit whose stack has not come yet. A tuple, because one is made for each hit."""

    event: str
    key: tuple[Key, ...]
    numbers: tuple[int, ...]


class ColumnCounter:
    """Counts the rows of batches.

    Args:
        names: the names of the parts of a key.
        events: by name without group, the label of each event and the columns of its key. A label of None
            stands for an event with many places: the function at each place is its own label.
        sums: by name of the event, the fields to sum up.
        summed: the names of the sums.
        with_label: whether the label is the first part of the key.
        user_stacks: whether stacks are user stacks, not kernel stacks.
    """

    def __init__(
        self,
        names: tuple[str, ...],
        events: Mapping[str, tuple[str | None, Sequence[KeyColumn]]],
        *,
        sums: Mapping[str, Sequence[str]] | None = None,
        summed: tuple[str, ...] = (),
        with_label: bool = True,
        user_stacks: bool = False,
    ) -> None:
        self._names = names
        self._events = events
        self._sums = sums or {}
        self._summed = summed
        self._with_label = with_label
        self._user_stacks = user_stacks
        self._counts: dict[tuple[Key, ...], list[int]] = {}
        self._waiting: dict[int, list[_Hit]] = {}
        self._stacks: dict[Frames, Frames] = {}  # without the tracer's frames, by the stack with them

    def write(self, chunk: Chunk, /) -> None:
        """Count the events of a chunk."""
        with_stack = [b for b in chunk.batches if self._reads_stack(b.event)]
        for batch in chunk.batches:
            if batch.event in self._events and len(batch) and batch not in with_stack:
                for key, numbers in self._grouped(batch):
                    self._add(key, numbers)
        if with_stack or any(self._waiting.values()):
            marks = [m for m in chunk.marks if isinstance(m, Stack) and m.user is self._user_stacks]
            self._with_stacks(with_stack, marks)

    def flush(self) -> None:
        """Do nothing: nothing is buffered."""

    def tally(self) -> Tally:
        """Return the counts so far, including hits that still wait for their stack."""
        counts = dict(self._counts)
        for hits in self._waiting.values():
            for hit in hits:
                _add(counts, self._with_frames(hit.event, hit.key, NO_STACK), hit.numbers)
        rows = (Row(key, count, tuple(sums)) for key, (count, *sums) in counts.items())
        return Tally(self._names, tuple(rows), self._summed)

    def _add(self, key: tuple[Key, ...], numbers: Sequence[int]) -> None:
        _add(self._counts, key, numbers)

    def _reads_stack(self, event: str) -> bool:
        return any(reading.column == "stack" for reading in self._events.get(event, ("", ()))[1])

    def _keys(self, batch: Batch) -> tuple[list[tuple[Key, ...]], NDArray[np.int64]]:
        """Return the distinct keys of the batch, without stacks, and the index of each row's key."""
        label, readings = self._events[batch.event]
        columns = [distinct_values(batch, r.column) for r in readings if r.column != "stack"]
        shows = [r.show for r in readings if r.column != "stack"]
        if label is None:
            columns.insert(0, distinct_values(batch, "function"))
            shows.insert(0, lambda key: key)
        head: tuple[Key, ...] = () if label is None or not self._with_label else (label,)
        codes = np.zeros((len(batch), 1), np.int64)
        if columns:
            codes = np.stack([c for _, c in columns], axis=1)
        groups, inverse = np.unique(codes, axis=0, return_inverse=True)
        keys = []
        for group in groups.tolist():
            parts = zip(columns, group, shows, strict=False)
            keys.append((*head, *(show(values[code]) for (values, _), code, show in parts)))
        return keys, inverse.reshape(-1)

    def _grouped(self, batch: Batch) -> Iterable[tuple[tuple[Key, ...], list[int]]]:
        """Return each distinct key of the batch with its count and sums."""
        keys, inverse = self._keys(batch)
        counts = np.bincount(inverse, minlength=len(keys))
        sums = []
        for name in self._sums.get(batch.event, ()):
            total = np.zeros(len(keys), object)  # Python's integers: sums may exceed 64 bits
            np.add.at(total, inverse, _numbers(batch, name).astype(object))
            sums.append(total)
        for number, key in enumerate(keys):
            yield key, [int(counts[number]), *(int(total[number]) for total in sums)]

    def _with_stacks(self, batches: Sequence[Batch], stacks: Sequence[Stack]) -> None:
        """Give each stack to the last hit of its thread that still waits for one.

        It is the last one because an interrupt may come between a hit and its stack, and bring another hit
        and its stack.
        """
        merged: list[tuple[int, int, _Hit | Frames]] = [(s.seq, s.pid, s.frames) for s in stacks]
        for batch in batches:
            keys, inverse = self._keys(batch)
            sums = [_numbers(batch, name).tolist() for name in self._sums.get(batch.event, ())]
            numbers = zip([1] * len(batch), *sums, strict=True)
            rows = zip(batch.seq.tolist(), batch.pid.tolist(), inverse.tolist(), numbers, strict=True)
            merged += [(seq, pid, _Hit(batch.event, keys[n], some)) for seq, pid, n, some in rows]
        for _, pid, item in sorted(merged, key=lambda entry: entry[0]):
            if isinstance(item, _Hit):
                self._waiting.setdefault(pid, []).append(item)
            elif waiting := self._waiting.get(pid):
                hit = waiting.pop()
                self._add(self._with_frames(hit.event, hit.key, self._from_the_place(item)), hit.numbers)

    def _from_the_place(self, frames: Frames) -> Frames:
        found = self._stacks.get(frames)
        if found is None:
            found = self._stacks[frames] = without_own(frames)
        return found

    def _with_frames(self, event: str, key: tuple[Key, ...], frames: Key) -> tuple[Key, ...]:
        """Insert the stack into the key at its position."""
        label, readings = self._events[event]
        at = [reading.column for reading in readings].index("stack")
        at += label is None or self._with_label
        return (*key[:at], frames, *key[at:])


def _add(counts: dict[tuple[Key, ...], list[int]], key: tuple[Key, ...], numbers: Sequence[int]) -> None:
    old = counts.get(key)
    counts[key] = list(numbers) if old is None else [a + b for a, b in zip(old, numbers, strict=True)]


def distinct_values(batch: Batch, column: str) -> tuple[list[Key], NDArray[np.int64]]:
    """Return the distinct values of a column, and the index of each row's value.

    Args:
        column: as in `KeyColumn`.

    Raises:
        Unavailable: the batch has no such column.
    """
    match column:
        case "pid":
            return _of_numbers(batch.pid)
        case "cpu":
            return _of_numbers(batch.cpu)
        case "comm":
            return _of_strings(batch.comm)
        case "function":
            places = batch.place if batch.place is not None else batch.func
            if places is None:
                return [batch.event], np.zeros(len(batch), np.int64)
            values, codes = _of_strings(places)
            return [str(value).split("+")[0] for value in values], codes
    name = column.removeprefix(".")
    found = batch.columns.get(name)
    if found is None:
        raise Unavailable(
            f"the text of {batch.event} cannot be counted by '{name}'",
            hint="count by comm, pid, cpu or stack, or use a probe's argument",
        )
    return _of_strings(found) if isinstance(found, Strings) else _of_numbers(found)


def _of_numbers(column: NDArray[Any]) -> tuple[list[Key], NDArray[np.int64]]:
    if column.ndim > 1 or column.dtype == object:
        return _of_strings(Strings.of(str(value) for value in column.tolist()))
    values, codes = np.unique(column, return_inverse=True)
    return values.tolist(), codes.reshape(-1).astype(np.int64)


def _of_strings(column: Strings) -> tuple[list[Key], NDArray[np.int64]]:
    return [UNREADABLE if v is None else v for v in column.values], column.codes.astype(np.int64)


def _numbers(batch: Batch, name: str) -> NDArray[Any]:
    found = batch.columns.get(name)
    if found is None or isinstance(found, Strings):
        raise Unavailable(f"'{name}' of {batch.event} is not a number: it cannot be summed up")
    return found


def log2_of(key: Key) -> Key:
    """Return the range in which the kernel's `.log2` counts a number; a negative number is its own range."""
    if not isinstance(key, int):
        return key
    if key < 0:
        return Range(key, key)
    exponent = max(key - 1, 0).bit_length()
    return Range(0, 1) if exponent == 0 else Range((1 << (exponent - 1)) + 1, 1 << exponent)
