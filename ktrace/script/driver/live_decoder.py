"""Decode the pages of all CPUs while a script runs, and merge their records in order of time."""

from collections.abc import Mapping

from ktrace.model.batch import Chunk
from ktrace.model.format import Format
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.layout import PageLayout
from ktrace.script.driver.event_formats import stack_formats
from ktrace.script.driver.prepared import Probed
from ktrace.script.runtime.columns import ChunkEvents
from ktrace.script.runtime.dispatch import Drive
from ktrace.script.runtime.rows import TaskLookUps
from ktrace.script.runtime.task_events import NAMES, PresentNames, TaskEvents, named, take_lives
from ktrace.session.session import Session
from ktrace.stream.enrich import Enrich
from ktrace.stream.merge import EVER, Merge
from ktrace.stream.processes import Processes
from ktrace.stream.symbol_table import SymbolTable
from ktrace.tracefs.pid_namespace import names_proc


class LiveDecoder:
    """Takes pages, and returns events in order of time."""

    # many parameters: the parts of a run that it connects
    def __init__(
        self,
        session: Session,
        drive: Drive,
        kernel: Probed,
        forms: Mapping[int, Format],
        layout: PageLayout,
        tasks: TaskLookUps,
    ) -> None:
        stacks = bool(drive.wants_stacks) or drive.wants_user_stacks
        behind = stack_formats(session) if stacks else {}
        self._decoder = Decoder({**forms, **behind}, layout)
        self._merge = Merge(self._decoder, behind)
        # Handlers ask for symbols themselves, except to leave the probe's own functions out of a stack.
        table = kernel.names.table if drive.wants_stacks else SymbolTable(b"")
        self._tasks = drive.state.tasks
        ids = [form.id for form in forms.values() if f"{form.system}/{form.name}" in NAMES]
        any_task = drive.compiled.needs.any_task
        self._follow = TaskEvents(self._tasks, self._decoder, ids) if any_task and ids else None
        names = PresentNames(session.saved_names, names_proc(session.host)) if self._follow else tasks.names
        self._enrich = Enrich(names, table)
        self._processes = Processes(tasks.groups)

    @property
    def waiting(self) -> int:
        """Return the number of records that were added but not yet taken."""
        return self._merge.waiting

    @property
    def follows(self) -> bool:
        """Return whether the names of tasks are followed."""
        return self._follow is not None

    def add(self, cpu: int, pages: bytes, *, after: int = 0) -> None:
        """Add pages of a CPU, without their first `after` records."""
        records = self._decoder.walk(pages, cpu).after(after)
        self._merge.add(records)
        if self._follow is not None:
            self._follow.learn(records)

    def latest(self, cpu: int) -> int:
        """Return the time of the last record of a CPU; 0 if there is none."""
        return self._merge.latest(cpu) or 0

    def take(self, until: int | None) -> Chunk:
        """Return the records up to a time, or all of them."""
        return self._processes(self._enrich(self._merge.take(EVER if until is None else until)))

    def named(self, chunk: Chunk) -> ChunkEvents:
        """Return the events of a chunk, with the names of their times if tasks are followed."""
        if self._follow is None:
            return ChunkEvents(chunk)
        take_lives(self._tasks, chunk)
        self._tasks.forget(int(chunk.batches[0].ts[0]) if chunk.batches else 0)
        return ChunkEvents(named(self._tasks, chunk))
