"""Split a buffer into lines, and find out which of them begin something."""

from bisect import bisect_left
from functools import cached_property

import numpy as np

from ktrace.tracefs import text_grammar as grammar
from ktrace.tracefs.text_grammar import BufferAccount, Dialect, Header, read_header
from ktrace.tracefs.text_heads import Heads, Layout, read_heads
from ktrace.tracefs.text_words import Ints, Words

CONTINUATION, RECORD, NOTE, HEADER_NOTE = 0, 1, 2, 3
"""The kinds of lines: a continuation of the line before, or an unknown line; the beginning of a record; a
note by the kernel between records; such a note in the header of `trace`."""

_MANY = 128
"""From this number of lines on, processing all of them at once is faster than one after the other."""

_TRACER = b"# tracer: "


class Lines:
    """The complete lines of `data`; `tail` is the text after the last newline.

    Args:
        data: bytes of the stream, from the start of a line.
        layouts: header layouts seen before; new ones are added.
        in_header: whether the previous line was in a header, or there was none.
        dialect: how the text differs from the kernel's.
    """

    def __init__(
        self,
        data: bytes,
        layouts: list[Layout],
        *,
        in_header: bool,
        dialect: Dialect = grammar.KERNEL,
    ) -> None:
        self.data = data
        self._dialect = dialect
        self.account: BufferAccount | None = None
        self._size = data.rfind(b"\n") + 1
        self.tail = data[self._size :]
        octets = np.frombuffer(data, np.uint8, self._size)
        self.ends: Ints = np.flatnonzero(octets == 10)
        self.starts: Ints = np.concatenate((np.zeros(1, np.int64), self.ends + 1))[: len(self.ends)]
        self.words: Words | None = None
        if len(self.ends) >= _MANY:
            self.words = Words(data, self._size)
            self.heads = read_heads(self.words, self.starts, self.ends, layouts)
        else:
            self.heads = Heads.none(len(self.ends))
        self._kinds = self.heads.known.astype(np.int8)  # RECORD is 1
        self._headers: dict[int, Header] = {}  # of lines that were parsed one by one
        self._in_header = in_header
        self._undecided = len(self.ends)
        self._classify()

    def __len__(self) -> int:
        return len(self.ends)

    @cached_property
    def _starts(self) -> list[int]:
        starts: list[int] = self.starts.tolist()
        return starts

    @cached_property
    def _ends(self) -> list[int]:
        ends: list[int] = self.ends.tolist()
        return ends

    def whole(self, stop: int) -> Ints:
        """Return the lines before `stop` that have a known header and are a whole record."""
        follows = np.append(self._kinds[1:], RECORD) != CONTINUATION
        return np.flatnonzero((self.heads.known & follows)[:stop])

    def kind(self, line: int) -> int:
        """Return the kind of the line: `RECORD` or one of the other constants."""
        return int(self._kinds[line])

    def start(self, line: int) -> int:
        """Return the offset of the line; one past the last line is the tail."""
        return int(self.starts[line]) if line < len(self.starts) else self._size

    def end(self, line: int) -> int:
        """Return the offset of the line's newline."""
        return self._ends[line]

    def text(self, line: int) -> bytes:
        """Return the line without its newline."""
        return self.data[self._starts[line] : self._ends[line]]

    def at(self, offset: int) -> int:
        """Return the line that holds the byte at `offset`; a newline belongs to the line it ends."""
        return bisect_left(self._ends, offset)

    def end_at(self, offset: int) -> int:
        """Return the offset of the first newline at or after `offset`."""
        return self._ends[bisect_left(self._ends, offset)]

    def header(self, line: int) -> Header:
        """Return the header of a record."""
        header = self._headers.get(line) or read_header(self.data, int(self.starts[line]), self._size)
        assert header is not None  # otherwise it would not be a record
        return header

    def in_header(self, line: int) -> bool:
        """Return whether the line before `line` was in a header or does not exist in the whole stream."""
        return bool(self._kinds[line - 1] == HEADER_NOTE) if line else self._in_header

    def after_record(self, line: int, limit: int, stop: int) -> int:
        """Return the line after a record's continuation lines, which all begin within `limit` bytes."""
        after = line + 1
        while (
            after < stop
            and self._kinds[after] == CONTINUATION
            and self._starts[after] - self._starts[line] < limit
        ):
            after += 1
        return after

    def after_bytes(self, line: int, limit: int, stop: int) -> int:
        """Return the first line that begins `limit` bytes after `line`, or `stop`."""
        return min(bisect_left(self._starts, self._starts[line] + limit), stop)

    def decided(self, limit: int) -> int:
        """Return the first line whose meaning still depends on bytes to come.

        That is the last record, which may continue (within `limit` bytes), or an earlier one whose
        continuation may turn out to be the start of another record.
        """
        owners = np.flatnonzero(self._kinds != CONTINUATION)
        last = int(owners[-1]) if len(owners) else len(self)
        if len(self.data) - self.start(last) > limit + grammar.HEADER_MAX:
            last = len(self)
        line = min(last, self._undecided)
        if line == self._undecided < len(self):
            before = owners[owners <= line]
            if len(before) and self._starts[line] - self._starts[int(before[-1])] < limit:
                return int(before[-1])
        return line

    def _classify(self) -> None:
        # A header over several lines, from a name with a newline in it, hides none of those lines: the text
        # after the newline has no dash where a header has one, and is too long for any other line.
        for line in np.flatnonzero(~self.heads.known).tolist():
            kind = self._kinds[line] = self._kind(line, self.in_header(line))
            if kind == CONTINUATION and self._may_become(line):
                self._undecided = min(self._undecided, line)

    def _kind(self, line: int, in_header: bool) -> int:
        header = self._read_header(line)
        if header is not None:
            self._headers[line] = header
            return RECORD
        text = self.text(line)
        if self._dialect.note is not None and self._dialect.note.match(text):
            return NOTE
        if text.startswith(b"CPU:"):
            return NOTE if grammar.LOST.match(text) else CONTINUATION
        if text.startswith(b"#"):
            if grammar.ANNOTATION.match(text):
                return NOTE
            if in_header or (text.startswith(_TRACER) and self.data.startswith(b"#\n", self._ends[line] + 1)):
                account = grammar.ACCOUNT.match(text)
                if account:
                    self.account = BufferAccount(*map(int, account.groups()))
                return HEADER_NOTE
            return CONTINUATION
        return NOTE if text == grammar.TOO_BIG else CONTINUATION

    def _read_header(self, line: int) -> Header | None:
        start = self._starts[line]
        header = read_header(self.data, start, self._size) if self.data.startswith(b" ", start) else None
        if header is None and self._dialect.header is not None:
            header = self._dialect.header(self.data, start, self._ends[line])
        return header

    def _may_become(self, line: int) -> bool:
        """Return whether bytes to come could turn a continuation line into something else."""
        start = self._starts[line]
        if self.data.startswith(b" ", start):
            return start > len(self.data) - grammar.HEADER_MAX
        return self.data.startswith(_TRACER, start) and len(self.data) < self._ends[line] + 3
