"""Select records by event, task, CPU, time, or any other test of a batch."""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.errors import NotFound, UsageError
from ktrace.model.batch import Batch, Chunk, Lost, Mark, Stack
from ktrace.model.format import Format

Test: TypeAlias = Callable[[Batch], NDArray[np.bool_]]
"""Returns which rows of a batch are wanted: bool, shape (rows,)."""


@dataclass(slots=True)
class Choice:
    """Lets through the records that pass all tests, with their stacks.

    Args:
        tests: tests of batches.
        cpus: only these CPUs, also for losses; empty for all.
        until: nothing after this time; None for no end.
    """

    tests: Sequence[Test]
    cpus: Collection[int] = ()
    until: int | None = None
    _before: "_Kept | None" = field(default=None, init=False)  # for the previous chunk

    def __call__(self, chunk: Chunk) -> Chunk:
        """Return the selected part of the chunk."""
        if not self.tests and not self.cpus:
            return chunk
        masks = [self._mask(batch) for batch in chunk.batches]
        kept = _Kept.of(chunk, masks)
        batches = [b if m.all() else b.take(m) for b, m in zip(chunk.batches, masks, strict=True) if m.any()]
        marks = tuple(mark for mark in chunk.marks if self._passes(mark, kept))
        self._before = kept
        return Chunk(tuple(batches), marks)

    def is_over(self, chunk: Chunk) -> bool:
        """Return whether no selected record can follow: chunks come in order of time."""
        if self.until is None or not chunk.batches:
            return False
        return min(int(batch.ts[0]) for batch in chunk.batches) > self.until

    def _mask(self, batch: Batch) -> NDArray[np.bool_]:
        mask = np.ones(len(batch), np.bool_)
        if self.cpus:
            mask &= np.isin(batch.cpu, list(self.cpus))
        for test in self.tests:
            mask &= test(batch)
        return mask

    def _passes(self, mark: Mark, kept: "_Kept") -> bool:
        """Return whether a mark stays; a stack stays if the previous record of its task does."""
        if isinstance(mark, Stack):
            answer = kept.last(mark.pid, mark.seq)
            if answer is None and self._before is not None:
                answer = self._before.last(mark.pid, mark.seq)
            return bool(answer)
        return not isinstance(mark, Lost) or not self.cpus or mark.cpu is None or mark.cpu in self.cpus


@dataclass(slots=True)
class _Kept:
    """The records of a chunk that were let through; sorted only if there is a stack."""

    seqs: list[NDArray[np.int64]]
    pids: list[NDArray[np.int32]]
    masks: list[NDArray[np.bool_]]
    _sorted: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.bool_]] | None = None

    @classmethod
    def of(cls, chunk: Chunk, masks: list[NDArray[np.bool_]]) -> "_Kept":
        return cls([b.seq for b in chunk.batches], [b.pid for b in chunk.batches], masks)

    def last(self, pid: int, seq: int) -> bool | None:
        """Return whether a task's last record before a position was let through; None if it has none here."""
        if not self.seqs:
            return None
        if self._sorted is None:
            seqs, pids = np.concatenate(self.seqs), np.concatenate(self.pids)
            order = np.lexsort((seqs, pids))
            self._sorted = seqs[order], pids[order], np.concatenate(self.masks)[order]
        seqs, pids, masks = self._sorted
        first, end = (int(np.searchsorted(pids, pid, side=side)) for side in _SIDES)
        at = first + int(np.searchsorted(seqs[first:end], seq)) - 1
        return bool(masks[at]) if at >= first else None


_SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


_MOST_NAMED = 40


def _spellings(system: str, event: str) -> tuple[str, ...]:
    return event, f"{system}:{event}", f"{system}/{event}"


def is_called(system: str, event: str, names: Sequence[str]) -> bool:
    """Return whether an event has one of these names: `NAME`, `SYSTEM:NAME`, with wildcards."""
    return any(fnmatchcase(spelling, name) for name in names for spelling in _spellings(system, event))


def of_events(names: Sequence[str]) -> Test:
    """Return a test for events of these names: `NAME`, `SYSTEM:NAME`, with wildcards."""

    def test(batch: Batch) -> NDArray[np.bool_]:
        system = batch.format.system if batch.format else ""
        return np.full(len(batch), is_called(system, batch.event, names), np.bool_)

    return test


def check_events(names: Sequence[str], formats: Sequence[Format]) -> None:
    """Check that each name matches an event that may have records; see `of_events`.

    Args:
        names: as for `of_events`.
        formats: the known formats of a recording; if there are none, nothing is checked.

    Raises:
        NotFound: a name matches no event, so no record could match it.
    """
    known = sorted({form.name for form in formats if form.system != "ftrace" or form.name == "print"})
    spellings = [s for form in formats for s in _spellings(form.system, form.name)]
    for name in names:
        if spellings and not any(fnmatchcase(spelling, name) for spelling in spellings):
            from ktrace.model.near import close_to  # noqa: PLC0415 -- only to explain a failure

            near = close_to(name, known)
            hint = f"events: {' '.join(known)}" if 0 < len(known) <= _MOST_NAMED else None
            hint = f"did you mean {' or '.join(near)}?" if near else hint
            raise NotFound(f"no event of the recording is called {name}", hint=hint)


def parse_time(text: str, *, ticks: bool = False) -> int:
    """Parse a time: seconds with a fraction, or with `ticks` a count. Raises UsageError.

    >>> parse_time("12.5")
    12500000000
    """
    match = re.fullmatch(r"(\d{1,20})(?:\.(\d{0,9}))?", text.strip(), re.ASCII)
    if not match or (ticks and match[2] is not None):
        raise UsageError(
            f"'{text}' is not a time", hint="a count, such as 12345678" if ticks else "such as 12.5"
        )
    return int(match[1]) if ticks else int(match[1]) * 10**9 + int((match[2] or "").ljust(9, "0"))


def check_cpus(cpus: Collection[int], known: Collection[int] | None) -> None:
    """Raise NotFound for a CPU that is not among those of a recording or a text; None: they are not known."""
    missing = set() if known is None else set(cpus) - set(known)
    if missing and known is not None:
        raise NotFound(f"no CPU {_listed(missing)} in the recording", hint=f"its CPUs: {_listed(known)}")


def _listed(cpus: Collection[int]) -> str:
    """Return a list of CPUs such as `0-3,8`."""
    parts: list[list[int]] = []
    for cpu in sorted(cpus):
        if parts and parts[-1][-1] == cpu - 1:
            parts[-1][1:] = [cpu]
        else:
            parts.append([cpu])
    return ",".join("-".join(map(str, part)) for part in parts)


def of_tasks(pids: Collection[int]) -> Test:
    """Return a test for records of these threads."""
    return lambda batch: np.isin(batch.pid, list(pids))


def of_times(since: int | None, until: int | None) -> Test:
    """Return a test for records between two times, both included."""
    low = -(1 << 63) if since is None else since
    high = (1 << 63) - 1 if until is None else until
    return lambda batch: (batch.ts >= low) & (batch.ts <= high)
