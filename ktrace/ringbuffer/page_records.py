"""Find the records of a page one by one, without NumPy, whose import takes longer than many such pages.

It returns what `walk` returns for the same page, where the forms of headers are listed.
"""

import struct
from typing import NamedTuple

from ktrace.ringbuffer.layout import EXTEND, LENGTH, LONGEST, PADDING, STAMP, STAMP_BITS, PageLayout

_HIGH = ~((1 << STAMP_BITS) - 1)
_LAST = (1 << 63) - 1  # the latest time; a damaged page may have one after it


class Record(NamedTuple):
    """A record of a page.

    Attributes:
        ts: the time, in the trace clock's unit.
        id: the id of its event.
        at: its offset in the page, in bytes.
        size: its size in bytes; the last few bytes may be padding.
    """

    ts: int
    id: int
    at: int
    size: int


def page_records(page: bytes, layout: PageLayout) -> list[Record]:
    """Return the records of one page. What is damaged is left out, up to the end of the page."""
    if len(page) < layout.data:
        return []
    order = layout.order
    (ts,) = struct.unpack_from(f"{order}q", page)
    (commit,) = struct.unpack_from(f"{order}{'Q' if layout.long == 8 else 'I'}", page, layout.commit)
    end = max(min(commit & LENGTH, len(page) - layout.data), 0) // 4
    words = struct.unpack_from(f"{order}{end}I", page, layout.data)
    start = ts
    found: list[Record] = []
    at = 0
    while at < end:
        word = words[at]
        kind, delta = (word >> 27, word & 0x7FFFFFF) if layout.big_endian else (word & 31, word >> 5)
        far = 1 + kind
        if kind == PADDING and not delta:
            break
        if kind in (0, PADDING):
            length = words[at + 1] if at + 1 < end else 0
            if length < 4 or length % 4:
                break
            far = 1 + length // 4
        elif kind > LONGEST:
            far = 2
        if at + far > end:
            break
        if kind == EXTEND:
            ts += delta + (words[at + 1] << 27)
        elif kind == STAMP:
            ts = _full(delta + (words[at + 1] << 27), start)
        else:
            ts += delta
        if ts > _LAST:
            ts -= 1 << 64
        if kind <= LONGEST:
            first = at + 1 if kind else at + 2
            head = words[first] if first < end else 0
            ident = head >> 16 if layout.big_endian else head & 0xFFFF
            found.append(Record(ts, ident, layout.data + 4 * first, 4 * (at + far - first)))
        at += far
    return found


def _full(low: int, start: int) -> int:
    """Return the full time of a time stamp; its upper bits are those of its page's time."""
    high = start & _HIGH
    full = low | high
    return full + (1 << STAMP_BITS) if high and full < start else full
