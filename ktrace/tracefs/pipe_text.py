"""Parse the text of `trace_pipe` and `trace` into batches. Opens no file: bytes in, columns out.

See Documentation/trace/ftrace.rst, "The File System". The kernel does not escape what it prints, so the end
of a record is known only when the next one begins. Text that may continue is kept until then, or until the
caller says that nothing came (`idle`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Batch, Chunk, Lost, Mark, Stack, Unparsed
from ktrace.model.format import Signature
from ktrace.tracefs import text_grammar as grammar
from ktrace.tracefs.text_batches import Rows
from ktrace.tracefs.text_fast import Fast
from ktrace.tracefs.text_grammar import BufferAccount, Dialect, Header, decode
from ktrace.tracefs.text_heads import Layout
from ktrace.tracefs.text_lines import CONTINUATION, NOTE, RECORD, Lines
from ktrace.tracefs.text_shapes import Shapes

RECORD_MAX = 1 << 16
"""Bytes from the start of a record within which its last line begins. The kernel formats a record in
two pages, which are 64 KiB each at most."""

LINE_MAX = 1 << 20
"""The most bytes to read without a newline. Text with more is not the kernel's."""


class TextParser:
    """Parses the kernel's text in pieces, which may be cut anywhere.

    If an event's signature is given, its strings may contain anything. Otherwise names and types are learned
    from the event's first lines. A line that cannot be parsed is returned as `Unparsed`.

    Args:
        signatures: by event name; several if groups share a name. Events that are not probes need none.
        dialect: how the text differs from the kernel's.

    Attributes:
        events: number of records returned in batches.
        unparsed: number of lines returned as `Unparsed`.
        lost: number of records that the kernel reported as lost.
        lost_unknown: number of times that it reported losses without a number.
        account: the contents of the header of `trace`; None if there was none.
        groups: the group of each event that has one in the text.
    """

    def __init__(
        self,
        signatures: Mapping[str, Signature | Sequence[Signature]] | None = None,
        *,
        dialect: Dialect = grammar.KERNEL,
    ) -> None:
        self._dialect = dialect
        self.events = 0
        self.unparsed = 0
        self.lost = 0
        self.lost_unknown = 0
        self.account: BufferAccount | None = None
        self.groups: dict[str, str] = {}
        self._shapes = Shapes(signatures or {})
        self._layouts: list[Layout] = []
        self._carry = b""
        self._line = 0  # number of the line at which _carry begins
        self._in_header = True  # whether the previous line was in a header, or there was none

    def feed(self, data: bytes) -> Chunk:
        """Take the next bytes; return everything that is complete."""
        self._carry += data
        if b"\n" not in data and len(self._carry) < LINE_MAX:
            return Chunk()
        return self._run(flush=False)

    def idle(self) -> Chunk:
        """Return also what only waits for a continuation: the source has nothing more at the moment."""
        return self._run(flush=True) if self._carry.endswith(b"\n") else Chunk()

    @property
    def waiting(self) -> int:
        """Return the number of records that came in and have not come out: at most a line of text."""
        return 0

    def finish(self) -> Chunk:
        """Return the rest. A last line without newline is `Unparsed`: it may be cut inside a number."""
        chunk = self._run(flush=True)
        if not self._carry:
            return chunk
        rest = Unparsed(self._line, self._carry)
        self._carry = b""
        self._line += 1
        self.unparsed += 1
        return Chunk(chunk.batches, (*chunk.marks, rest))

    def summary(self) -> str:
        """Return a summary of what was read so far."""
        parts = [f"{self.events} events"]
        if self.unparsed:
            parts.append(f"{self.unparsed} lines not understood")
        if self.lost:
            parts.append(f"{self.lost} events lost")
        if self.lost_unknown:
            parts.append(f"{self.lost_unknown} times an unknown number lost")
        account = self.account
        if account and account.written > account.in_buffer:
            parts.append(f"{account.written - account.in_buffer} of {account.written} written are not in it")
        return ", ".join(parts)

    def _run(self, *, flush: bool) -> Chunk:
        lines = Lines(self._carry, self._layouts, in_header=self._in_header, dialect=self._dialect)
        stop = len(lines) if flush else lines.decided(RECORD_MAX)
        work = _Work(lines, self._shapes, self._line, stop, flush, self._dialect)
        fast, done = work.fast()
        work.slow(done)
        self.groups |= work.groups
        batches = tuple(work.keep(fast) + work.rows.batches())
        marks = work.marks
        stop = work.stop
        cut = lines.start(stop)
        if cut == len(lines.data) - len(lines.tail) and len(lines.tail) >= LINE_MAX:
            marks.append(Unparsed(self._line + stop, lines.tail))
            self._line += 1
            cut = len(lines.data)
        self._line += stop
        self._in_header = lines.in_header(stop)
        self._carry = lines.data[cut:]
        self.account = lines.account or self.account
        self._count(batches, marks)
        return Chunk(batches, tuple(marks))

    def _count(self, batches: tuple[Batch, ...], marks: list[Mark]) -> None:
        self.events += sum(map(len, batches))
        for mark in marks:
            if isinstance(mark, Unparsed):
                self.unparsed += 1
            elif isinstance(mark, Lost):
                self.lost += mark.count or 0
                self.lost_unknown += mark.count is None


@dataclass(slots=True)
class _Work:
    """One pass over the lines of a buffer, up to line `stop`."""

    lines: Lines
    shapes: Shapes
    base: int  # number of the first line in the stream
    stop: int
    flush: bool
    dialect: Dialect
    rows: Rows = field(default_factory=Rows)
    marks: list[Mark] = field(default_factory=list)
    swallowed: list[tuple[int, int]] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)

    def fast(self) -> tuple[list[Batch], NDArray[np.bool_]]:
        """Return batches of records with the exact shape of their event, and a mask of their lines."""
        done = np.zeros(len(self.lines), np.bool_)
        words = self.lines.words
        if words is None:
            return [], done
        lines = self.lines
        pattern = self.dialect.event
        fast = Fast(words, lines.ends, lines.heads, self.shapes, self.base, pattern, self.groups)
        batches = fast.read(self.lines.whole(self.stop))
        for batch in batches:
            done[batch.seq - self.base] = True
        return batches, done

    def slow(self, done: NDArray[np.bool_]) -> None:
        """Parse all other lines in order. Moves `stop` back to a record that needs text still to come."""
        upto = 0
        for line in np.flatnonzero(~done[: self.stop]).tolist():
            if line < upto:
                continue
            after = self._take(line)
            if after is None:
                self.stop = line
                return
            upto = after

    def keep(self, batches: list[Batch]) -> list[Batch]:
        """Drop records that belong to an earlier record's string or come at `stop` or later."""
        if not self.swallowed and self.stop == len(self.lines):
            return batches
        kept = []
        for batch in batches:
            number = batch.seq - self.base
            good = number < self.stop
            for first, last in self.swallowed:
                good &= (number < first) | (number >= last)
            kept.append(batch if good.all() else batch.take(good))
        return [batch for batch in kept if len(batch)]

    def _take(self, line: int) -> int | None:
        """Parse a line and its continuation; return the number of the next line, or None to wait for more."""
        kind = self.lines.kind(line)
        if kind == RECORD:
            return self._record(line)
        text = self.lines.text(line)
        lost = grammar.LOST.match(text) if kind == NOTE else None
        if lost:
            count = None if lost[2] is None else int(lost[2])
            self.marks.append(Lost(self.base + line, int(lost[1]), count))
        elif kind == CONTINUATION or text == grammar.TOO_BIG:
            self._reject(line, line + 1)
        return line + 1

    def _record(self, line: int) -> int | None:
        lines, data = self.lines, self.lines.data
        header = lines.header(line)
        after = lines.after_record(line, RECORD_MAX, self.stop)
        end = lines.end(after - 1)
        first_end = lines.end_at(header.body)
        first = data[header.body : first_end]
        if first in grammar.STACKS:
            return self._stack(line, header, grammar.STACKS[first], after)
        name = self.dialect.event.match(data, header.body, end)
        if name is None:
            return self._nameless(line, header, first_end, after)
        event, pos = grammar.event_name(name[1]), name.end()
        self.groups |= grammar.group_of(name[1])
        if event in grammar.NAMED_STACKS and data[pos:first_end].lstrip()[:1] in (b"<", b""):
            return self._stack(line, header, grammar.NAMED_STACKS[event], after)
        may_be_probe = event != grammar.MARKER and data.startswith(b"(", pos)
        if may_be_probe and self.shapes.is_probe(event, data, pos, end):
            return self._probe(line, header, event, pos, after)
        self.rows.add_text(self.base + line, header, event, data[pos:end])
        return after

    def _probe(self, line: int, header: Header, event: str, pos: int, after: int) -> int | None:
        lines, data = self.lines, self.lines.data
        hit = self.shapes.match(event, data, pos, lines.end(after - 1), first_end=lines.end_at(pos))
        if hit is None:
            # A string is open: what looks like the next records may belong to it.
            limit = lines.after_bytes(line, RECORD_MAX, self.stop)
            hit = self.shapes.match_open(event, data, pos, lines.end(after - 1), lines.end(limit - 1))
            if hit is None:
                open_ = self.shapes.is_open(event, data, pos, lines.end(after - 1))
                wait = open_ and not self.flush and len(data) - lines.start(line) < RECORD_MAX
                return None if wait else self._reject(line, after)
            last = lines.at(hit[1].end)
            end = lines.after_record(last, RECORD_MAX, self.stop)
            hit = self.shapes.match(event, data, pos, lines.end(end - 1), first_end=lines.end(last)) or hit
            self.swallowed.append((after, lines.at(hit[1].end) + 1))
            after = max(end, after)
        shape, found = hit
        self.rows.add_probe(self.base + line, header, shape, found)
        return self._reject(lines.at(found.end) + 1, after)

    def _stack(self, line: int, header: Header, user: bool, after: int) -> int:
        frames, ips = [], []
        at = self.lines.at(header.body) + 1
        while at < after and (frame := grammar.FRAME.match(self.lines.text(at))):
            frames.append(decode(frame[1].strip(b" ")))
            ips.append(frame[2] or frame[3])
            at += 1
        self.marks.append(
            Stack(
                seq=self.base + line,
                ts=header.ts,
                cpu=header.cpu,
                pid=header.pid,
                comm=decode(header.comm),
                user=user,
                frames=tuple(frames),
                flags=decode(header.flags),
                tgid=header.tgid or None,
                ticks=header.ticks,
                ips=tuple(int(ip, 16) for ip in ips if ip) if all(ips) else (),
            )
        )
        return self._reject(at, after)

    def _reject(self, first: int, after: int) -> int:
        """Add the lines before `after` as `Unparsed`; return `after`. Empty lines of a copy are left out."""
        for line in range(first, after):
            text = self.lines.text(line)
            if text.strip() or self.dialect.note is None:
                self.marks.append(Unparsed(self.base + line, text))
        return after

    def _nameless(self, line: int, header: Header, first_end: int, after: int) -> int:
        """Parse a record whose body does not begin with the event's name."""
        for end in (first_end, self.lines.end(after - 1)):
            body = self.lines.data[header.body : end]
            event = grammar.nameless_event(body)
            if event is not None:
                self.rows.add_text(self.base + line, header, event, body, titled=False)
                return self._reject(self.lines.at(end) + 1, after)
        return self._reject(line, after)
