"""Read the pages of all CPUs while a script runs.

What decodes them loads NumPy, which is most of what the start of a script loads. So it is loaded when it is
needed: before a run whose handlers wait for events, but only with the first event if the kernel counts.
"""

import os
from typing import TYPE_CHECKING

from ktrace.ringbuffer.layout import parse_header_page
from ktrace.script.runtime.dispatch import Drive
from ktrace.session.session import Session

if TYPE_CHECKING:
    from ktrace.model.batch import Chunk
    from ktrace.script.driver.live_decoder import LiveDecoder
    from ktrace.script.driver.prepared import Probed

_ENOUGH = 4 << 20  # bytes read from all CPUs at a time


class LivePages:
    """Reads the pages of all CPUs as chunks in order of time.

    Attributes:
        has_more: whether the last read left data in the buffers.
        events: the number of records returned so far.
    """

    def __init__(self, session: Session, drive: Drive, kernel: "Probed") -> None:
        self._session = session
        self._drive = drive
        self._kernel = kernel
        self._layout = parse_header_page(session.files.read("events/header_page"))
        self._made: LiveDecoder | None = None
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

    def prepare(self) -> None:
        """Load what decodes events."""
        self._decoder()

    def read(self, until: int | None) -> "Chunk | None":
        """Return the records up to a time; all of them for None.

        Return None if there has not been any record. Sets `has_more` if there are too many for one chunk.
        """
        until = self._take(until)
        if self._made is None:
            return None
        chunk = self._made.take(until)
        self.events += len(chunk)
        if self._made.follows:
            self._take(until)  # names may have changed since the records, and before they were read
        return self._made.named(chunk)

    def _decoder(self) -> "LiveDecoder":
        if self._made is None:
            from ktrace.script.driver.live_decoder import LiveDecoder

            self._made = LiveDecoder(self._session, self._drive, self._kernel, self._layout)
        return self._made

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
                    self._decoder().add(cpu, pages)
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
