"""Tasks as a run has seen them: their names, parents, arguments and environments, each from a time on.

Records do not carry these, and /proc only has what is true when it is read. So the run records the kernel's
events that change them, and a handler asks what was true at its event.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import field
from typing import Generic, TypeVar

from ktrace.records import dataclass

T = TypeVar("T")

_TASKS_MAX = 1 << 16


@dataclass(slots=True)
class Changes(Generic[T]):
    """Values that change: the value from each time on, in the order of the times."""

    times: list[int] = field(default_factory=list)
    values: list[T] = field(default_factory=list)

    def add(self, ts: int, value: T) -> None:
        """Add a value that holds from a time on."""
        at = bisect_right(self.times, ts)
        self.times.insert(at, ts)
        self.values.insert(at, value)

    def at(self, ts: int) -> T | None:
        """Return the value at a time; None before the first change. A change holds after its own time."""
        before = bisect_left(self.times, ts)
        return self.values[before - 1] if before else None

    def forget(self, before: int) -> None:
        """Forget all changes before a time but the last one."""
        count = bisect_left(self.times, before) - 1
        if count > 0:
            del self.times[:count], self.values[:count]


@dataclass(frozen=True, slots=True)
class Program:
    """The program of a process: its arguments and its environment, as far as they were read.

    Attributes:
        is_cut: whether there are more of them.
    """

    arguments: Sequence[str]
    environment: Sequence[str] = ()
    is_cut: bool = False


@dataclass(slots=True)
class Tasks:
    """The tasks of a run. Times are nanoseconds of the events' clock."""

    _names: dict[int, Changes[str]] = field(default_factory=dict)
    _first_names: dict[int, str] = field(default_factory=dict)
    _parents: dict[int, Changes[int]] = field(default_factory=dict)
    _programs: dict[int, Changes[Program]] = field(default_factory=dict)
    _ends: dict[int, int] = field(default_factory=dict)

    def renamed(self, tid: int, ts: int, old: str | None, new: str) -> None:
        """Note that a task got a name. `old` is None for a new task."""
        changes = self._names.setdefault(tid, Changes())
        if old is None:
            self._first_names.pop(tid, None)
        elif not changes.times or ts < changes.times[0]:
            self._first_names[tid] = old
        changes.add(ts, new)

    def name(self, tid: int, ts: int) -> str | None:
        """Return a task's name at a time; None if it has not changed in the run."""
        changes = self._names.get(tid)
        if changes is None:
            return None
        found = changes.at(ts)
        return self._first_names.get(tid) if found is None else found

    @property
    def renamed_tasks(self) -> frozenset[int]:
        """Return the threads whose names have changed in the run."""
        return frozenset(self._names)

    def born(self, pid: int, ts: int, parent: int) -> None:
        """Note that a process was made by another one, whose program it runs at first."""
        self._ends.pop(pid, None)
        self._parents.setdefault(pid, Changes()).add(ts, parent)
        program = self.program(parent, ts)
        if program is not None:
            self._programs.setdefault(pid, Changes()).add(ts, program)

    def executed(self, pid: int, ts: int, program: Program) -> None:
        """Note that a process runs another program."""
        self._programs.setdefault(pid, Changes()).add(ts, program)

    def ended(self, pid: int, ts: int) -> None:
        """Note that a process has ended: its children get another parent."""
        self._ends[pid] = ts

    def parent(self, pid: int, ts: int) -> int | None:
        """Return the parent of a process that was made in the run, if the parent had not ended."""
        changes = self._parents.get(pid)
        found = changes.at(ts) if changes is not None else None
        return None if found is None or self._ends.get(found, ts) < ts else found

    def program(self, pid: int, ts: int) -> Program | None:
        """Return the program that a process ran at a time; None if it was not seen."""
        changes = self._programs.get(pid)
        return changes.at(ts) if changes is not None else None

    def forget(self, before: int) -> None:
        """Forget what held before a time only, if there is much of it."""
        many = max(len(self._names), len(self._parents), len(self._programs)) > _TASKS_MAX
        self._forget(self._names, before, many=many)
        self._forget(self._parents, before, many=many)
        self._forget(self._programs, before, many=many)

    def _forget(self, known: dict[int, Changes[T]], before: int, *, many: bool) -> None:
        for pid, changes in list(known.items()):
            changes.forget(before)
            if many and self._ends.get(pid, before) < before:
                del known[pid]
