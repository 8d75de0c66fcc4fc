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
from ktrace.script.runtime.named_batches import NameEvents, named
from ktrace.script.runtime.rows import TaskLookUps
from ktrace.script.runtime.task_events import name_ids, take_lives
from ktrace.session.session import Session
from ktrace.stream.enrich import Enrich
from ktrace.stream.merge import EVER, Merge
from ktrace.stream.processes import Processes
from ktrace.stream.symbol_table import SymbolTable


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
        ids = name_ids(forms.values(), drive.compiled.needs)
        self._follow = NameEvents(self._tasks, self._decoder, ids) if ids else None
        self._enrich = Enrich(tasks.names, table)
        self._processes = Processes(tasks.groups)

    @property
    def waiting(self) -> int:
        """Return the number of records that were added but not yet taken."""
        return self._merge.waiting

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
        take_lives(self._tasks, ChunkEvents(chunk))
        self._tasks.forget(min((int(one.ts[0]) for one in chunk.batches if len(one)), default=0))
        return ChunkEvents(named(self._tasks, chunk))
