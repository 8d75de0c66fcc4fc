"""Pages of a ring buffer, built as the kernel builds them."""

import struct
from dataclasses import dataclass, field

from ktrace.ringbuffer.layout import PageLayout

MISSED = 1 << 31
STORED = 1 << 30


@dataclass
class PageWriter:
    """One page, from its first record to the last. `ts` is the time of the record written last."""

    ts: int = 1_000_000_000
    layout: PageLayout = field(default_factory=PageLayout)

    def __post_init__(self) -> None:
        self.start = self.ts
        self.data = bytearray()

    @property
    def room(self) -> int:
        return self.layout.size - self.layout.data - len(self.data)

    def _head(self, kind: int, delta: int) -> bytes:
        assert 0 <= kind < 32 and 0 <= delta < 1 << 27
        word = kind << 27 | delta if self.layout.big_endian else kind | delta << 5
        return self._u32(word)

    def _u32(self, word: int) -> bytes:
        return struct.pack(self.layout.order + "I", word)

    def record(self, body: bytes, delta: int = 0, *, long: bool = False) -> "PageWriter":
        """A record; a delta that is too large for its header goes before it."""
        if delta >= 1 << 27:
            self.extend(delta)
            delta = 0
        body += bytes(-len(body) % 4)
        if long or len(body) > 112:
            self.data += self._head(0, delta) + self._u32(len(body) + 4) + body
        else:
            self.data += self._head(len(body) // 4, delta) + body
        self.ts += delta
        return self

    def discarded(self, body: bytes, delta: int = 1) -> "PageWriter":
        """A record that was reserved and not wanted."""
        body += bytes(-len(body) % 4)
        self.data += self._head(29, max(delta, 1)) + self._u32(len(body) + 4) + body
        self.ts += max(delta, 1)
        return self

    def extend(self, delta: int) -> "PageWriter":
        self.data += self._head(30, delta & 0x7FFFFFF) + self._u32(delta >> 27)
        self.ts += delta
        return self

    def stamp(self, ts: int) -> "PageWriter":
        """An absolute time: its lower 59 bits."""
        low = ts & ((1 << 59) - 1)
        self.data += self._head(31, low & 0x7FFFFFF) + self._u32(low >> 27)
        self.ts = ts
        return self

    def unused(self) -> "PageWriter":
        """Padding up to the end of the page."""
        self.data += self._head(29, 0) + bytes(self.room - 4)
        return self

    def bytes(self, *, lost: int | None = None, flags: int = 0, commit: int | None = None) -> bytes:
        """The page. `lost`: how many were lost before it; 0 for an unknown number."""
        layout = self.layout
        assert self.room >= 0, "the page is too full"
        word = len(self.data) if commit is None else commit
        data = bytes(self.data)
        if lost is not None:
            word |= MISSED
            if lost and self.room >= layout.long:
                word |= STORED
                data += struct.pack(layout.order + ("Q" if layout.long == 8 else "I"), lost)
        word |= flags
        head = bytearray(layout.data)
        struct.pack_into(layout.order + "Q", head, 0, self.start)
        struct.pack_into(layout.order + ("Q" if layout.long == 8 else "I"), head, layout.commit, word)
        return bytes(head) + data + bytes(layout.size - layout.data - len(data))


def common(ident: int, pid: int = 42, flags: int = 0, preempt: int = 0, order: str = "<") -> bytes:
    """Return the bytes that every record begins with."""
    return struct.pack(order + "HBBi", ident, flags, preempt, pid)
