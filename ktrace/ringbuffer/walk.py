"""Find the records in pages, in all pages in step.

A record's position is known only after the record before it has been read. So step n finds the n-th
record of every page at once, in NumPy, and there are as many steps as the fullest page has records. Times
are computed afterwards, as sums of the differences in the headers.

See Documentation/trace/ring-buffer-design.rst and `events/header_event`:

| type_len | meaning | bytes |
|---|---|---|
| 1..28 | a record of 4 * type_len bytes | 4 + 4 * type_len |
| 0 | a record; its length is in the next word and includes that word | 4 + length |
| 29 | padding: with a delta of 0 up to the end of the page, otherwise a discarded record | 4 + length |
| 30 | a time extension: the next word has the upper bits of the delta | 8 |
| 31 | an absolute time stamp, its lower 59 bits | 8 |
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ktrace.records import dataclass
from ktrace.ringbuffer.layout import EXTEND, LENGTH, LONGEST, PADDING, STAMP, STAMP_BITS, PageLayout
from ktrace.ringbuffer.records import Hole, Records

_MISSED = 1 << 31  # records were lost before this page
_STORED = 1 << 30  # the number of lost records follows the valid bytes

_FAR = 1 << 40  # words: beyond the end of any page

# Words from a header to the next one, by the byte that has type_len; 0 if the header must be read.
_ADVANCE = np.tile(np.array([0, *range(2, 30), 0, 2, 2], np.int64), 8)

_FARTHEST = int(_ADVANCE.max())

_STEPS = 32  # steps between two checks of the pages' positions
_MOST = 4  # once fewer than one in this many pages is left, those go on alone
_FEW = 64
_NONE = np.zeros(0, np.int64)

_STAMP_HIGH = np.int64(-1) << np.int64(STAMP_BITS)


def walk(pages: bytes | bytearray | memoryview, cpu: int, layout: PageLayout, origin: int = 0) -> Records:
    """Find the records of one CPU's pages.

    Args:
        pages: any number of whole pages; the last one may be truncated. They are not copied, so they must
            not change.
        origin: offset of the first byte in the CPU's data, for messages.
    """
    buffer = np.frombuffer(pages, np.uint8)
    heads = _heads(buffer, layout)
    words = buffer[: len(buffer) // 4 * 4].view(layout.order + "u4")
    if layout.big_endian:
        words = words.astype(np.uint32)
    found = _positions(words, heads, layout)
    where, counts = found.at, found.counts
    header = words.take(where)
    kind, delta = (header >> 27, header & 0x7FFFFFF) if layout.big_endian else (header & 31, header >> 5)
    delta = delta.astype(np.int64)
    at, size = where + 1, (kind << 2).view(np.int32)
    starts = np.cumsum(counts) - counts
    odd = np.flatnonzero((kind - np.uint32(1)) >= LONGEST)
    if not len(odd):
        ts = _times(delta, heads.ts, counts, starts)
    else:
        odd_kind = kind[odd]
        _extend(words, at, odd[odd_kind == EXTEND], delta)
        stamps = odd[odd_kind == STAMP]
        full = _stamps(words, at, stamps, delta, heads.ts, starts)
        ts = _times(delta, heads.ts, counts, starts, stamps, full)
        long = odd[odd_kind == 0]
        size[long] = words[at[long]].astype(np.int64) - 4
        at[long] += 1
        none = odd[odd_kind >= PADDING]
        ts, at, size = (_without(column, none) for column in (ts, at, size))
        ends = starts + counts
        starts -= np.searchsorted(none, starts)
        counts = ends - np.searchsorted(none, ends) - starts
    first = words.take(at, mode="clip")  # an empty record may end with the last page
    ids = (first >> 16 if layout.big_endian else first).astype(np.uint16)
    holes = _holes(buffer, heads, found, starts, counts, layout, origin)
    return Records(cpu, buffer, origin, ts, at, size, ids, holes)


def _without(column: NDArray[Any], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Return the column without some rows.

    If they are few, copying the parts between them is faster.
    """
    if len(rows) > _FEW:
        return np.delete(column, rows)
    if not len(rows):
        return column
    borders = pairwise([-1, *rows.tolist(), len(column)])
    return np.concatenate([column[before + 1 : after] for before, after in borders])


@dataclass(frozen=True, slots=True)
class _Heads:
    """The time and the commit word of each page, and where its records begin and end, in words."""

    ts: NDArray[np.int64]
    commit: NDArray[np.int64]
    length: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    cut: NDArray[np.int64]  # missing bytes


@dataclass(frozen=True, slots=True)
class _Found:
    """The headers' positions, page by page, their number in each page, and the damaged places, in words."""

    at: NDArray[np.int64]
    counts: NDArray[np.int64]
    wrong: dict[int, int]


def _heads(buffer: NDArray[np.uint8], layout: PageLayout) -> _Heads:
    length = len(buffer)
    whole, rest = divmod(length, layout.size)
    raw = np.zeros((whole + bool(rest), layout.data), np.uint8)
    raw[:whole] = buffer[: whole * layout.size].reshape(whole, layout.size)[:, : layout.data]
    if rest >= layout.data:
        raw[whole] = buffer[whole * layout.size :][: layout.data]
    starts = np.arange(len(raw), dtype=np.int64) * layout.size
    have = np.minimum(length - starts, layout.size)
    readable = have >= layout.data
    ts = _numbers(raw[:, :8], layout).view(np.int64)
    commit = _numbers(raw[:, layout.commit : layout.commit + layout.long], layout) & 0xFFFFFFFF
    commit = commit.astype(np.int64)
    said = commit & LENGTH
    valid = np.clip(np.minimum(said, have - layout.data), 0, None)
    cut = np.where(readable, said - valid, layout.data - have)
    begin = (starts + layout.data) // 4
    return _Heads(ts, commit, valid, begin, begin + valid // 4, np.maximum(cut, valid % 4))


def _numbers(raw: NDArray[np.uint8], layout: PageLayout) -> NDArray[np.uint64]:
    """Return the unsigned number in each row."""
    numbers = np.ascontiguousarray(raw).view(f"{layout.order}u{raw.shape[1]}")
    return numbers.reshape(-1).astype(np.uint64)


def _positions(words: NDArray[np.uint32], heads: _Heads, layout: PageLayout) -> _Found:
    """Walk all pages in step.

    A page that has reached its end stays there. A page whose next header must be read waits for that.
    """
    kinds = np.zeros(len(words) + 1 + _STEPS * _FARTHEST, np.uint8)  # and space after the end
    np.copyto(kinds[: len(words)], words >> 27 if layout.big_endian else words, casting="unsafe")
    kinds[heads.end] = 0  # no advance at the end of a page
    found = np.zeros(0, np.int64)
    going = np.flatnonzero(heads.begin < heads.end)
    at, end = heads.begin[going], heads.end[going]
    rows = (layout.size - layout.data) // 4 + _STEPS
    while len(at):
        # Rows are an odd number of cache lines apart: otherwise a column, read below, uses few cache sets.
        apart = (len(at) + 15) // 16 * 16 + 8
        grid = np.empty((rows, apart), np.int64)[:, : len(at)]
        grid[0] = at
        last = _march(words, kinds, grid, end, layout)
        flat = np.ascontiguousarray(grid[: last + 1].T)
        more = flat[:, :-1][flat[:, 1:] != flat[:, :-1]]
        found = np.insert(found, np.searchsorted(found, more), more) if len(found) else more
        at = grid[last]
        left = at < end
        at, end = at[left], end[left]
    starts = np.searchsorted(found, heads.begin)
    counts = np.diff(starts, append=len(found))
    # Only the last record of a page can exceed its end.
    some = np.flatnonzero(counts)
    ends = found[(starts + counts)[some] - 1]
    beyond = ends + _advance(words, kinds, ends, heads.end[some], layout) > heads.end[some]
    pages = some[beyond]
    wrong = dict(zip(pages.tolist(), ends[beyond].tolist(), strict=True))
    if wrong:
        found = _without(found, (starts + counts)[pages] - 1)
        counts[pages] -= 1
    return _Found(found, counts, wrong)


def _march(
    words: NDArray[np.uint32],
    kinds: NDArray[np.uint8],
    grid: NDArray[np.int64],
    end: NDArray[np.int64],
    layout: PageLayout,
) -> int:
    """Record the position in each page after each step, from row 0 on, until most pages are at their end.

    Returns:
        the last row that was filled.
    """
    row, steps = 0, _STEPS
    while row + steps + 1 < len(grid):
        for here, there in zip(grid[row:], grid[row + 1 : row + 1 + steps], strict=False):
            np.add(here, _ADVANCE.take(kinds.take(here)), out=there)
        at = grid[row + steps]
        if bool((at > end).any()):  # records that do not fit into their pages
            some = grid[row + 1 : row + steps + 1]
            np.minimum(some, end, out=some)
        row += steps
        left = np.flatnonzero(at < end)
        stuck = left[at[left] == grid[row - 1, left]]
        if len(stuck):
            row += 1
            grid[row] = at
            grid[row, stuck] += _advance(words, kinds, at[stuck], end[stuck], layout)
            np.minimum(grid[row], end, out=grid[row])
        if _MOST * len(left) < len(at):
            break
        steps = 1 if _FEW * len(stuck) > len(at) else _STEPS
    return row


def _advance(
    words: NDArray[np.uint32],
    kinds: NDArray[np.uint8],
    at: NDArray[np.int64],
    end: NDArray[np.int64],
    layout: PageLayout,
) -> NDArray[np.int64]:
    """Return the distance from headers to the next ones, reading the next word where necessary."""
    far = _ADVANCE.take(kinds.take(at))
    rows = np.flatnonzero(far == 0)
    if len(rows):
        at, end = at[rows], end[rows]
        first = words.take(at)
        kind, delta = (first >> 27, first & 0x7FFFFFF) if layout.big_endian else (first & 31, first >> 5)
        # A header at the very end has no next word; its record does not fit, whatever word is read.
        length = words.take(np.minimum(at + 1, len(words) - 1)).astype(np.int64)
        there = 1 + length // 4
        there[(length < 4) | (length % 4 != 0)] = _FAR
        unused = (kind == PADDING) & (delta == 0)
        there[unused] = (end - at)[unused]
        far[rows] = there
    return far


def _extend(
    words: NDArray[np.uint32], at: NDArray[np.int64], rows: NDArray[np.int64], delta: NDArray[np.int64]
) -> None:
    """Add the upper bits of extended times, from the words at `at`."""
    delta[rows] += words.take(at[rows]).astype(np.int64) << 27


def _stamps(
    words: NDArray[np.uint32],
    at: NDArray[np.int64],
    rows: NDArray[np.int64],
    delta: NDArray[np.int64],
    page_ts: NDArray[np.int64],
    starts: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the full times of time stamps; their upper bits are those of their page's time."""
    before = page_ts[np.searchsorted(starts, rows, side="right") - 1]
    high = before & _STAMP_HIGH
    full: NDArray[np.int64] = (delta[rows] + (words.take(at[rows]).astype(np.int64) << 27)) | high
    full[(high != 0) & (full < before)] += 1 << STAMP_BITS
    return full


def _times(
    delta: NDArray[np.int64],
    page_ts: NDArray[np.int64],
    counts: NDArray[np.int64],
    starts: NDArray[np.int64],
    stamps: NDArray[np.int64] = _NONE,
    full: NDArray[np.int64] = _NONE,
) -> NDArray[np.int64]:
    """Return the time of each header.

    It is the time of its page, or of the last time stamp before it in the page, plus all differences since.
    """
    ts = np.cumsum(delta)
    some = counts > 0
    first = starts[some]
    shift = page_ts[some] - ts[first] + delta[first]
    lengths = counts[some]
    if len(stamps):
        first = np.concatenate([first, stamps])
        shift = np.concatenate([shift, full - ts[stamps]])
        # A stamp that begins its page sorts after the page's own entry, which then has length 0.
        order = np.argsort(first, kind="stable")
        first, shift = first[order], shift[order]
        lengths = np.diff(first, append=len(ts))
    ts += np.repeat(shift, lengths)
    return ts


# many parameters: the arrays of one walk, which only this function needs together
def _holes(
    buffer: NDArray[np.uint8],
    heads: _Heads,
    found: _Found,
    starts: NDArray[np.int64],
    counts: NDArray[np.int64],
    layout: PageLayout,
    origin: int,
) -> list[Hole]:
    """Return the losses before pages and the undecodable parts in them, in order."""
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
            reason = f"the page at byte {where} is cut off: {int(heads.cut[page])} bytes of it are missing"
            holes.append(Hole(after, ts, False, None, reason))
    return holes


def _stored(buffer: NDArray[np.uint8], heads: _Heads, page: int, layout: PageLayout) -> int | None:
    """Return how many records were lost before a page, if the page stores that number."""
    at = layout.data + (int(heads.commit[page]) & LENGTH)
    if not int(heads.commit[page]) & _STORED or at + layout.long > layout.size or heads.cut[page]:
        return None
    start = page * layout.size + at
    return int.from_bytes(
        buffer[start : start + layout.long].tobytes(), "big" if layout.big_endian else "little"
    )
