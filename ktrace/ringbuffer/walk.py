"""Pages to records: all pages in step.

Where a record begins is known only when the one before it has been read. So the walk goes by the
number of the record: one step finds the n-th record of every page together, in NumPy, and there are as
many steps as the fullest page has records. Times are the sums of what the headers say, made afterwards.

See Documentation/trace/ring-buffer-design.rst and `events/header_event`:

| type_len | meaning | bytes |
|---|---|---|
| 1..28 | a record of 4 * type_len bytes | 4 + 4 * type_len |
| 0 | a record; its length stands in the next word and counts that word | 4 + length |
| 29 | padding: with a delta of 0 up to the end of the page, else a record that was discarded | 4 + length |
| 30 | a longer time: the next word has its upper bits | 8 |
| 31 | the time itself, its lower 59 bits | 8 |
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ktrace.ringbuffer.layout import PageLayout
from ktrace.ringbuffer.records import Hole, Records

_LENGTH = 0xFFFFF  # of the commit word: how many bytes are valid
_MISSED = 1 << 31  # records were lost before this page
_STORED = 1 << 30  # how many stands behind the valid bytes

_PADDING, _EXTEND, _STAMP = 29, 30, 31
_FAR = 1 << 40  # words: beyond the end of every page

# Words from a header to the next one, by type_len; 0 where it must be looked at.
_ADVANCE = np.array([0, *range(2, 30), 0, 2, 2], np.int64)

_STAMP_HIGH = np.int64(-1) << np.int64(59)


def walk(pages: bytes | bytearray | memoryview, cpu: int, layout: PageLayout, origin: int = 0) -> Records:
    """Find the records of one CPU's pages.

    Args:
        pages: any number of whole pages; a last one may be cut. They are not copied, and must stay.
        origin: place of the first byte in the CPU's data, for what is reported.
    """
    buffer = np.frombuffer(pages, np.uint8)
    heads = _heads(buffer, layout)
    words = buffer[: len(buffer) // 4 * 4].view(layout.order + "u4")
    if layout.big_endian:
        words = words.astype(np.uint32)
    found = _positions(words, heads, layout)
    where = found.at
    header = words[where]
    if layout.big_endian:
        kind, delta = header >> 27, (header & 0x7FFFFFF).astype(np.int64)
    else:
        kind, delta = header & 31, (header >> 5).astype(np.int64)
    counts = found.counts
    starts = np.cumsum(counts) - counts
    if bool(((kind - np.uint32(1)) < _PADDING - 1).all()):
        ts = _times(delta, heads.ts, counts, starts)
        at, size = where + 1, (kind << 2).astype(np.int32)
    else:
        _extend(words, where, kind, delta)
        ts = _times(delta, heads.ts, counts, starts)
        _stamp(words, where, kind, delta, ts, heads.ts, counts)
        at, size = _places(words, where, kind)
        keep = kind < _PADDING
        kept = np.concatenate([np.zeros(1, np.int64), np.cumsum(keep)])
        counts = kept[starts + counts] - kept[starts]
        starts = kept[starts]
        ts, at, size = ts[keep], at[keep], size[keep]
    ids = (words[at] >> 16 if layout.big_endian else words[at]).astype(np.uint16)
    holes = _holes(buffer, heads, found, starts, counts, layout, origin)
    return Records(cpu, buffer, origin, ts, at, size, ids, holes)


def _places(
    words: NDArray[np.uint32], where: NDArray[np.int64], kind: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Where each record begins, and its size, by the headers at `where`."""
    at, size = where + 1, (kind << 2).astype(np.int32)
    long = kind == 0
    size[long] = words[at[long]].astype(np.int64) - 4
    at[long] += 1
    return at, size


@dataclass(frozen=True, slots=True)
class _Heads:
    """Of each page: time, what the commit word says, and where its records begin and end, in words."""

    ts: NDArray[np.int64]
    commit: NDArray[np.int64]
    length: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    cut: NDArray[np.int64]  # bytes that it lacks


@dataclass(frozen=True, slots=True)
class _Found:
    """Where headers are, page after page; how many each page has; where a page went wrong, in words."""

    at: NDArray[np.int64]
    counts: NDArray[np.int64]
    wrong: dict[int, int]


def _heads(buffer: NDArray[np.uint8], layout: PageLayout) -> _Heads:
    length = len(buffer)
    count = -(-length // layout.size)
    starts = np.arange(count, dtype=np.int64) * layout.size
    have = np.minimum(length - starts, layout.size)
    readable = have >= layout.data
    ts = np.zeros(count, np.int64)
    commit = np.zeros(count, np.int64)
    ts[readable] = _load(buffer, starts[readable], 8, layout).view(np.int64)
    commit[readable] = _load(buffer, starts[readable] + layout.commit, layout.long, layout) & 0xFFFFFFFF
    said = commit & _LENGTH
    valid = np.clip(np.minimum(said, have - layout.data), 0, None)
    cut = np.where(readable, said - valid, layout.data - have)
    begin = (starts + layout.data) // 4
    return _Heads(ts, commit, valid, begin, begin + valid // 4, np.maximum(cut, valid % 4))


def _load(
    buffer: NDArray[np.uint8], at: NDArray[np.int64], width: int, layout: PageLayout
) -> NDArray[np.uint64]:
    """Unsigned numbers at any places."""
    raw = buffer[at[:, None] + np.arange(width)].reshape(-1)
    numbers: NDArray[np.uint64] = raw.view(f"{layout.order}u{width}").astype(np.uint64)
    return numbers


def _positions(words: NDArray[np.uint32], heads: _Heads, layout: PageLayout) -> _Found:
    """Walk all pages in step."""
    pages = len(heads.begin)
    begin, end = heads.begin, heads.end
    page = np.flatnonzero(begin < end)
    at, end = begin[page], end[page]
    steps = (layout.size - layout.data) // 4
    grid = np.empty((steps, pages), np.int32 if len(words) < 1 << 31 else np.int64)
    wrong: dict[int, int] = {}
    step = 0
    everyone = len(page) == pages
    while len(page):
        if everyone:
            grid[step] = at
        else:
            grid[step] = 0
            grid[step, page] = at
        header = words[at]
        advance = _ADVANCE.take(header >> 27 if layout.big_endian else header & 31)
        if not advance.all():
            _look(words, at, end, header, advance, layout)
        after = at + advance
        going = after < end
        if not going.all():
            for i in np.flatnonzero(after > end).tolist():
                wrong[int(page[i])] = int(at[i])
                grid[step, page[i]] = 0
            page, at, end = page[going], after[going], end[going]
            everyone = False
        else:
            at = after
        step += 1
    flat = np.ascontiguousarray(grid[:step].T)
    there = flat > 0
    counts = np.count_nonzero(there, axis=1).astype(np.int64)
    return _Found(flat[there].astype(np.int64), counts, wrong)


def _look(
    words: NDArray[np.uint32],
    at: NDArray[np.int64],
    end: NDArray[np.int64],
    header: NDArray[np.uint32],
    advance: NDArray[np.int64],
    layout: PageLayout,
) -> None:
    """Fill in how far it is to the next header where type_len does not say it."""
    rows = np.flatnonzero(advance == 0)
    first = header[rows]
    kind, delta = (first >> 27, first & 0x7FFFFFF) if layout.big_endian else (first & 31, first >> 5)
    # A header at the very end has no next word; whatever is taken for it, the record does not fit.
    length = words[np.minimum(at[rows] + 1, len(words) - 1)].astype(np.int64)
    far = 1 + length // 4
    far[(length < 4) | (length % 4 != 0)] = _FAR
    unused = (kind == _PADDING) & (delta == 0)
    far[unused] = (end[rows] - at[rows])[unused]
    advance[rows] = far


def _extend(
    words: NDArray[np.uint32], at: NDArray[np.int64], kind: NDArray[Any], delta: NDArray[np.int64]
) -> None:
    """Add the upper bits of longer times; a time stamp is no difference."""
    rows = np.flatnonzero(kind == _EXTEND)
    delta[rows] += words[at[rows] + 1].astype(np.int64) << 27


def _times(
    delta: NDArray[np.int64],
    page_ts: NDArray[np.int64],
    counts: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The time of each header: its page's, and all differences in the page up to it."""
    ts = np.cumsum(delta)
    if len(ts):
        some = counts > 0
        first = starts[some]
        ts += np.repeat(page_ts[some] - ts[first] + delta[first], counts[some])
    return ts


def _stamp(
    words: NDArray[np.uint32],
    at: NDArray[np.int64],
    kind: NDArray[Any],
    delta: NDArray[np.int64],
    ts: NDArray[np.int64],
    page_ts: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Start again from each absolute time up to the next one or the page's end. Changes `ts`."""
    rows = np.flatnonzero(kind == _STAMP)
    if not len(rows):
        return
    page = np.repeat(np.arange(len(counts)), counts)
    before = page_ts[page[rows]]
    # `ts` took the stamp's lower bits for a difference.
    stamp = delta[rows] + (words[at[rows] + 1].astype(np.int64) << 27)
    high = before & _STAMP_HIGH
    full = stamp | high
    full[(high != 0) & (full < before)] += 1 << 59
    # The last stamp at or before each header of the same page moves it.
    latest = np.full(len(ts), -1, np.int64)
    latest[rows] = np.arange(len(rows))
    np.maximum.accumulate(latest, out=latest)
    moved = np.flatnonzero((latest >= 0) & (page[rows][latest] == page))
    ts[moved] += (full - ts[rows])[latest[moved]]


def _holes(
    buffer: NDArray[np.uint8],
    heads: _Heads,
    found: _Found,
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    layout: PageLayout,
    origin: int,
) -> list[Hole]:
    """What was lost before pages, and what could not be decoded in them, in order."""
    holes = []
    lost = (heads.commit & _MISSED) != 0
    broken = heads.cut > 0
    for page in sorted({*np.flatnonzero(lost | broken).tolist(), *found.wrong}):
        ts = int(heads.ts[page])
        if lost[page]:
            holes.append(Hole(int(starts[page]), ts, True, _stored(buffer, heads, page, layout)))
        where = origin + page * layout.size
        after = int(starts[page] + counts[page])
        if page in found.wrong:
            word = found.wrong[page]
            at = word * 4 - page * layout.size
            left = int(heads.length[page]) - (at - layout.data)
            reason = f"a record at byte {where + at} does not fit into its page: {left} bytes left out"
            holes.append(Hole(after, ts, False, None, reason))
        elif broken[page]:
            reason = f"the page at byte {where} is cut: {int(heads.cut[page])} bytes of it are not there"
            holes.append(Hole(after, ts, False, None, reason))
    return holes


def _stored(buffer: NDArray[np.uint8], heads: _Heads, page: int, layout: PageLayout) -> int | None:
    """How many records were lost before a page, if it says so."""
    at = layout.data + (int(heads.commit[page]) & _LENGTH)
    if not int(heads.commit[page]) & _STORED or at + layout.long > layout.size or heads.cut[page]:
        return None
    start = page * layout.size + at
    return int.from_bytes(
        buffer[start : start + layout.long].tobytes(), "big" if layout.big_endian else "little"
    )
