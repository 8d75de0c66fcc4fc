"""Read the records of all CPUs one by one while a script runs, without NumPy: enough while few arrive."""

from collections.abc import Iterator, Mapping

from ktrace.model.format import Format
from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.record_reader import RecordReader
from ktrace.script.runtime.rows import RowEvents, TaskLookUps
from ktrace.stream.merge_few import MergeFew

FEW_PAGES = 8
"""Pages of one CPU that are read at a time; with more, NumPy is faster."""

_FEW_RECORDS = 2000


class LiveRows:
    """Takes pages, and returns events in order of time. `LiveDecoder` does the same for many.

    Attributes:
        forms: the formats of the events, by id.
    """

    def __init__(self, forms: Mapping[int, Format], layout: PageLayout, tasks: TaskLookUps) -> None:
        self.forms = forms
        self._readers = {ident: RecordReader(form, layout.order) for ident, form in forms.items()}
        self._merge = MergeFew(layout)
        self._tasks = tasks

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
        """Add pages of a CPU."""
        self._merge.add(cpu, pages)

    def latest(self, cpu: int) -> int:
        """Return the time of the last record of a CPU; 0 if there is none."""
        return self._merge.latest(cpu) or 0

    def take(self, until: int | None) -> RowEvents:
        """Return the events up to a time, or all of them."""
        return RowEvents(self._merge.take(until), self._readers, self._tasks)

    def rest(self) -> Iterator[tuple[int, bytes, int]]:
        """Yield what was not taken: the CPU, a page, and how many of its records have been taken."""
        return self._merge.rest()
