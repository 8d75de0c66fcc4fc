"""Decode a text of which each line is a record, or belongs to the record before it."""

from abc import ABC, abstractmethod

from ktrace.model.batch import Chunk, Lost, Mark, Unparsed
from ktrace.texts.records import Records, Task
from ktrace.tracefs.text_batches import Rows
from ktrace.tracefs.text_grammar import Header
from ktrace.tracefs.text_shapes import Shapes

LINE_MAX = 1 << 20
"""Bytes without a newline after which the text is no longer taken for lines."""

FRAME_MAX = 1 << 12
"""No line of a stack is longer: a symbol, and the name of a file."""


class ByLine(ABC):
    """A decoder of `ktrace.stream.pipeline`.

    Attributes:
        events: number of records returned in batches.
        unparsed: number of lines returned as `Unparsed`.
        lost: number of records that the text says were lost.
        lost_unknown: number of times that it says so without a number.
        notes: remarks for the user.
    """

    def __init__(self) -> None:
        self.events = self.unparsed = self.lost = self.lost_unknown = 0
        self.notes: list[str] = []
        self._carry = b""
        self._number = 0
        self._records = Records()
        self._probes = Rows()
        self._shapes = Shapes({})
        self._marks: list[Mark] = []

    @property
    def waiting(self) -> int:
        """Return the number of records that came in and have not come out."""
        return 0

    def feed(self, data: bytes) -> Chunk:
        """Take the next bytes; return everything that is complete."""
        *lines, self._carry = (self._carry + data).split(b"\n")
        for line in lines:
            self._take(line)
        if len(self._carry) >= LINE_MAX:
            self._carry, line = b"", self._carry
            self._take(line)
        return self._made()

    def idle(self) -> Chunk:
        """Return also what only waits for more lines of its record."""
        self._complete()
        return self._made()

    def finish(self) -> Chunk:
        """Return the rest. A last line without newline is `Unparsed`: it may be cut inside a number."""
        self._complete()
        if self._carry:
            self._reject(self._carry)
            self._carry = b""
        return self._made()

    @abstractmethod
    def _line(self, line: bytes) -> bool:
        """Parse a line without its newline; return whether it was understood."""

    def _complete(self) -> None:  # noqa: B027 -- not all kinds have more lines of a record
        """Add the record of which more lines might have come."""

    @property
    def _seq(self) -> int:
        """Return the position in the stream of the current line; the next one is free, too."""
        return 2 * self._number

    def _probe(self, task: Task, event: str, body: bytes) -> bool:
        """Add the record of a probe at the current line; return whether it is one."""
        if not body.startswith(b"(") or not self._shapes.is_probe(event, body, 0, len(body)):
            return False
        hit = self._shapes.match(event, body, 0, len(body), first_end=len(body))
        if hit is None:
            return False
        header = Header(task.comm, task.pid, task.tgid, task.cpu, task.flags, task.ts, task.ticks, 0)
        self._probes.add_probe(self._seq, header, *hit)
        return True

    def _take(self, line: bytes) -> None:
        if not self._line(line):
            self._reject(line)
        self._number += 1

    def _reject(self, line: bytes) -> None:
        self._complete()
        self._marks.append(Unparsed(self._seq, line))
        self.unparsed += 1

    def _made(self) -> Chunk:
        batches = tuple(self._records.batches() + self._probes.batches())
        marks = tuple(sorted(self._marks, key=lambda mark: mark.seq))
        self._records, self._probes, self._marks = Records(), Rows(), []
        self.events += sum(map(len, batches))
        for mark in marks:
            if isinstance(mark, Lost):
                self.lost += mark.count or 0
                self.lost_unknown += mark.count is None
        return Chunk(batches, marks)
