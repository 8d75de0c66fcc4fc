"""Decode the pages of all CPUs while a script runs, and merge their records in order of time."""

from ktrace.errors import KtraceError
from ktrace.model.batch import Chunk
from ktrace.model.format import Format
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.layout import PageLayout
from ktrace.script.driver.prepared import Probed
from ktrace.script.runtime.dispatch import Drive
from ktrace.script.runtime.task_events import NAMES, PresentNames, TaskEvents, named, take_lives
from ktrace.session.session import Session
from ktrace.stream.enrich import Enrich
from ktrace.stream.merge import EVER, Merge
from ktrace.stream.processes import Processes
from ktrace.stream.saved_names import LiveNames
from ktrace.stream.symbol_table import SymbolTable
from ktrace.tracefs.events import read_format
from ktrace.tracefs.pid_namespace import names_proc


class LiveDecoder:
    """Takes pages, and returns chunks in order of time."""

    def __init__(self, session: Session, drive: Drive, kernel: Probed, layout: PageLayout) -> None:
        self._session = session
        forms, behind = _formats(session)
        stacks = bool(drive.wants_stacks) or drive.wants_user_stacks
        self._decoder = Decoder(forms, layout)
        self._merge = Merge(self._decoder, behind if stacks else ())
        # Handlers ask for symbols themselves, except to leave the probe's own functions out of a stack.
        table = kernel.names.table if drive.wants_stacks else SymbolTable(b"")
        proc = names_proc(session.host)
        self._tasks = drive.state.tasks
        ids = [form.id for form in forms.values() if f"{form.system}/{form.name}" in NAMES]
        any_task = drive.compiled.needs.any_task
        self._follow = TaskEvents(self._tasks, self._decoder, ids) if any_task and ids else None
        names = PresentNames if self._follow else LiveNames
        self._enrich = Enrich(names(session.saved_names, proc), table)
        self._processes = Processes(self._saved_processes, proc)

    @property
    def waiting(self) -> int:
        """Return the number of records that were added but not yet taken."""
        return self._merge.waiting

    @property
    def follows(self) -> bool:
        """Return whether the names of tasks are followed."""
        return self._follow is not None

    def add(self, cpu: int, pages: bytes) -> None:
        """Add pages of a CPU."""
        records = self._decoder.walk(pages, cpu)
        self._merge.add(records)
        if self._follow is not None:
            self._follow.learn(records)

    def latest(self, cpu: int) -> int:
        """Return the time of the last record of a CPU; 0 if there is none."""
        return self._merge.latest(cpu) or 0

    def take(self, until: int | None) -> Chunk:
        """Return the records up to a time, or all of them."""
        return self._processes(self._enrich(self._merge.take(EVER if until is None else until)))

    def named(self, chunk: Chunk) -> Chunk:
        """Return a chunk with the names that tasks had at their events, if they are followed."""
        if self._follow is None:
            return chunk
        take_lives(self._tasks, chunk)
        self._tasks.forget(int(chunk.batches[0].ts[0]) if chunk.batches else 0)
        return named(self._tasks, chunk)

    def _saved_processes(self) -> str:
        try:
            return self._session.tracing.read("saved_tgids")
        except OSError:
            return ""


def _formats(session: Session) -> tuple[dict[int, Format], list[int]]:
    """Return the formats of a session's events and of stacks, by id, and the ids of stacks."""
    forms: dict[int, Format] = {}
    behind: list[int] = []
    for event in session.events:
        form = read_format(session.tracing, event)
        forms[form.id] = form
    for own in ("kernel_stack", "user_stack"):
        try:
            form = read_format(session.tracing, f"ftrace/{own}")
        except KtraceError:
            continue
        forms[form.id] = form
        behind.append(form.id)
    return forms, behind
