"""Read the records of all CPUs one by one while a script runs, without NumPy: enough while few arrive."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ktrace.model.format import Format
from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.record_reader import RecordReader
from ktrace.script.runtime.rows import RowEvents, TaskLookUps
from ktrace.script.runtime.task_events import take_lives, take_names
from ktrace.script.runtime.tasks import Tasks
from ktrace.stream.merge_few import MergeFew, Placed

FEW_PAGES = 8
"""Pages of one CPU that are read at a time; more are left to NumPy."""

# A record takes 5 us, and with NumPy 0.3; but any number of them takes at least 330, and loading NumPy 0.2 s.
_MOST_WAITING = 2000
_EQUAL = 80  # records at a time for which both ways take equally long
_MOST_BEYOND = 20_000


class LiveRows:
    """Takes pages, and returns events in order of time. `LiveDecoder` does the same for many.

    Args:
        look_ups: answers what records do not carry.
        tasks: takes what events tell of tasks.
        names: the ids of the events that tell the names of tasks; none if names are not followed.

    Attributes:
        forms: the formats of the events, by id.
    """

    # many parameters: those of `LiveDecoder`
    def __init__(
        self,
        forms: Mapping[int, Format],
        layout: PageLayout,
        look_ups: TaskLookUps,
        tasks: Tasks,
        names: Sequence[int] = (),
    ) -> None:
        self.forms = forms
        self._readers = {ident: RecordReader(form, layout.order) for ident, form in forms.items()}
        self._merge = MergeFew(layout)
        self._look_ups = look_ups
        self._tasks = tasks
        self._names = frozenset(names)
        self._beyond = 0

    @property
    def can_read(self) -> bool:
        """Return whether all fields can be read one by one."""
        return all(one.can_read(field.name) for one in self._readers.values() for field in one.form.args)

    @property
    def waiting(self) -> int:
        """Return the number of records that were added but not yet taken."""
        return self._merge.waiting

    @property
    def is_full(self) -> bool:
        """Return whether so far, or now, NumPy would have been faster."""
        return self.waiting > _MOST_WAITING or self._beyond > _MOST_BEYOND

    def add(self, cpu: int, pages: bytes) -> None:
        """Add pages of a CPU. Take the names that they tell: see `NameEvents`."""
        added = self._merge.add(cpu, pages)
        if self._names:
            for one in self._events(one for one in added if one.record.id in self._names).events:
                take_names(self._tasks, one)

    def latest(self, cpu: int) -> int:
        """Return the time of the last record of a CPU; 0 if there is none."""
        return self._merge.latest(cpu) or 0

    def take(self, until: int | None) -> RowEvents:
        """Return the events up to a time, or all of them."""
        placed = self._merge.take(until)
        self._beyond += max(len(placed) - _EQUAL, 0)
        taken = self._events(placed)
        if self._names:
            # Later, /proc may have a name that no record that has been read tells of.
            self._look_ups.names({tid for one in taken.events for tid in one.data("tid") if tid > 0})
        return taken

    def named(self, taken: RowEvents) -> RowEvents:
        """Return events, once what they tell of tasks is taken."""
        if self._names:
            take_lives(self._tasks, taken)
            self._tasks.forget(min((one.data("ts")[0] for one in taken.events), default=0))
        return taken

    def _events(self, placed: Iterable[Placed]) -> RowEvents:
        return RowEvents(placed, self._readers, self._look_ups)

    def rest(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield what was not taken: the CPU, a page, and how many of its records have been taken."""
        return self._merge.rest()
