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
"""Pages of one CPU that are read at a time; with more, NumPy is faster."""

_FEW_RECORDS = 2000


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
        """Return whether more records wait than can be read one by one without delay."""
        return self.waiting > _FEW_RECORDS

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
        taken = self._events(self._merge.take(until))
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
