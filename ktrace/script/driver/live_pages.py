"""Read the pages of all CPUs while a script runs.

What decodes many events loads NumPy, which takes longer than all else of a script's start. So the first
events are read one by one; NumPy is loaded once many arrive, or for what cannot be read so.
"""

import os
from typing import TYPE_CHECKING

from ktrace.ringbuffer.layout import parse_header_page
from ktrace.script.driver.event_formats import event_formats
from ktrace.script.driver.live_rows import FEW_PAGES, LiveRows
from ktrace.script.driver.live_tasks import LiveTasks
from ktrace.script.runtime.dispatch import Drive
from ktrace.script.runtime.events import Happened
from ktrace.script.runtime.task_events import name_ids
from ktrace.session.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ktrace.model.format import Format
    from ktrace.script.driver.live_decoder import LiveDecoder
    from ktrace.script.driver.prepared import Probed

_ENOUGH = 4 << 20  # bytes read from all CPUs at a time


class LivePages:
    """Reads the pages of all CPUs as events in order of time.

    Attributes:
        has_more: whether the last read left data in the buffers.
        events: the number of records returned so far.
    """

    def __init__(self, session: Session, drive: Drive, kernel: "Probed") -> None:
        self._session = session
        self._drive = drive
        self._kernel = kernel
        self._layout = parse_header_page(session.files.read("events/header_page"))
        self._tasks = LiveTasks(session, drive.state.tasks)
        self._made: LiveDecoder | LiveRows | None = None
        self._fds: dict[int, int] = {}
        self.has_more = False
        self.events = 0

    @property
    def waiting(self) -> int:
        """Return the number of records that were read but not yet returned."""
        return 0 if self._made is None else self._made.waiting

    def __enter__(self) -> "LivePages":
        for stats in self._session.stats():
            path = f"per_cpu/cpu{stats.cpu}/trace_pipe_raw"
            self._fds[stats.cpu] = self._session.files.stream(path)
        return self

    def __exit__(self, *_: object) -> None:
        for fd in self._fds.values():
            os.close(fd)

    def prepare(self, *, many: bool) -> None:
        """Load what decodes events. `many`: whether to load what decodes many at once, too."""
        made = self._decoder()
        if many and isinstance(made, LiveRows):
            self._made = self._for_many(made.forms)

    def read(self, until: int | None) -> Happened | None:
        """Return the events up to a time; all of them for None.

        Return None if there has not been any record. Sets `has_more` if there are too many for one read.
        """
        until = self._take(until)
        made = self._made
        if made is None:
            return None
        if isinstance(made, LiveRows):
            rows = made.take(until)
            self._count(len(rows), until)
            return made.named(rows)
        chunk = made.take(until)
        self._count(len(chunk), until)
        return made.named(chunk)

    def _count(self, events: int, until: int | None) -> None:
        """Count events that are returned."""
        self.events += events
        if self._tasks.follows:
            self._take(until)  # names may have changed since the records, and before they were read

    def _decoder(self) -> "LiveDecoder | LiveRows":
        if self._made is None:
            forms = event_formats(self._session)
            drive = self._drive
            names = name_ids(forms.values(), drive.compiled.needs)
            self._tasks.follows = bool(names)
            rows = LiveRows(forms, self._layout, self._tasks, drive.state.tasks, names)
            stacks = drive.wants_stacks or drive.wants_user_stacks
            self._made = rows if rows.can_read and not stacks else self._for_many(forms)
        return self._made

    def _for_many(self, forms: "Mapping[int, Format]") -> "LiveDecoder":
        from ktrace.script.driver.live_decoder import LiveDecoder

        return LiveDecoder(self._session, self._drive, self._kernel, forms, self._layout, self._tasks)

    def _add(self, cpu: int, pages: bytes) -> None:
        """Add pages of a CPU. Once there are many, they are no longer read one by one."""
        made = self._decoder()
        if isinstance(made, LiveRows):
            if len(pages) <= FEW_PAGES * self._layout.size and not made.is_full:
                made.add(cpu, pages)
                return
            self._change(made, cpu, pages)
        else:
            made.add(cpu, pages)

    def _change(self, rows: LiveRows, cpu: int, pages: bytes) -> None:
        """Let NumPy decode what waits, these pages, and all that follow."""
        from ktrace.script.driver.draining import Draining

        with Draining(self._fds, lambda fd: _some_pages(fd, self._layout.size)) as drained:
            made = self._for_many(rows.forms)
        for each, page, done in rows.rest():
            made.add(each, page, after=done)
        made.add(cpu, pages)
        for each, more in drained.pages.items():
            made.add(each, bytes(more))
        self._made = made

    def _take(self, until: int | None) -> int | None:
        """Read the pages of all CPUs. Return the time up to which all records have been read."""
        size = self._layout.size
        enough = max(_ENOUGH // max(len(self._fds), 1), 64 * size)
        self.has_more = False
        for cpu, fd in self._fds.items():
            taken = 0
            while taken < enough:
                pages = _some_pages(fd, size)
                if pages:
                    self._add(cpu, pages)
                taken += len(pages)
                if len(pages) < 64 * size:
                    break  # that was all; another read would only take a part of the page being filled
            else:
                # Records left on this CPU may be earlier than those of other CPUs.
                self.has_more = True
                latest = self._decoder().latest(cpu)
                until = latest if until is None else min(until, latest)
        return until


def _some_pages(fd: int, size: int) -> bytes:
    """Read up to 64 pages, one a read. The last page may not be full."""
    pieces = []
    for _ in range(64):
        try:
            piece = os.read(fd, size)
        except BlockingIOError:
            break
        if not piece:
            break
        pieces.append(piece.ljust(size, b"\0"))
    return b"".join(pieces)
