"""Merge the records of all CPUs by time, as chunks.

Each CPU's records come in the order of its buffer. Only the reader knows up to which time all records have
been added: `take(until)` returns all records up to then and keeps the later ones.

If times within a CPU go backwards (as they were in its buffer), its order stays: such a record sorts by the
latest time before it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ktrace.model.batch import Chunk, Mark
from ktrace.records import dataclass
from ktrace.ringbuffer.decode import Decoder, Selection, mark_of
from ktrace.ringbuffer.records import Pages, Records
from ktrace.stream.malloc import keep_freed

if TYPE_CHECKING:
    from concurrent.futures import Executor, Future

EVER = (1 << 63) - 1
"""A time that is later than all."""

_BLOCK = 4 << 20  # bytes of a file to read at once for one CPU
_AHEAD = 64 << 20  # bytes to read ahead for all CPUs together
_FEW_PAGES = 16


@dataclass(slots=True, eq=False)
class _Part:
    """Records of one CPU, of which the first `done` have been returned."""

    records: Records
    keys: NDArray[np.int64]  # the latest time up to each record
    done: int = 0
    holes_done: int = 0


@dataclass(frozen=True, slots=True)
class _Slice:
    """Records `first` up to `last` of a part, with the holes between them."""

    part: _Part
    first: int
    last: int
    holes: range  # indexes of the holes


class Merge:
    """Merges the records of several CPUs.

    Args:
        decoder: makes batches from the records.
        behind: ids of records that stay with the record before them, even if they are later: stacks.

    Attributes:
        seq: position of the next record in the stream.
    """

    def __init__(self, decoder: Decoder, behind: Collection[int] = ()) -> None:
        self._decoder = decoder
        self._behind = list(behind)
        self._parts: dict[int, list[_Part]] = {}
        self._latest: dict[int, int] = {}
        self.seq = 0

    @property
    def pending(self) -> bool:
        """Return whether some records have not been taken."""
        return any(self._parts.values())

    @property
    def waiting(self) -> int:
        """Return the number of records that have not been taken."""
        return sum(len(part.keys) - part.done for parts in self._parts.values() for part in parts)

    def latest(self, cpu: int) -> int | None:
        """Return the latest time of a CPU's records; None before the first."""
        return self._latest.get(cpu)

    @property
    def newest(self) -> int | None:
        """Return the latest time of any CPU's records."""
        return max(self._latest.values(), default=None)

    def add(self, records: Records) -> None:
        """Add the next records of their CPU."""
        if not len(records) and not records.holes:
            return
        cpu = records.cpu
        keys = records.ts
        if len(keys):
            floor = self._latest.get(cpu)
            if floor is not None and floor > int(keys[0]):
                keys = np.maximum(keys, floor)
            if len(keys) > 1 and bool((keys[1:] < keys[:-1]).any()):
                keys = np.maximum.accumulate(keys)
            self._latest[cpu] = int(keys[-1])
            if self._behind:
                rows = np.arange(len(keys))
                keys = keys[np.maximum.accumulate(np.where(np.isin(records.id, self._behind), 0, rows))]
        self._parts.setdefault(cpu, []).append(_Part(records, keys))

    def take(self, until: int = EVER) -> Chunk:
        """Return all records up to and including time `until`, in order."""
        selected = self.select(until)
        return self._decoder.chunk(*selected) if selected else Chunk()

    def select(self, until: int = EVER) -> tuple[Selection, list[Mark]] | None:
        """Select the records that `take` would return, without decoding them; None if there are none."""
        slices = []
        for cpu, parts in self._parts.items():
            slices += _cut(parts, until)
            self._parts[cpu] = [
                p for p in parts if p.done < len(p.keys) or p.holes_done < len(p.records.holes)
            ]
        return self._selected(slices) if slices else None

    def _selected(self, slices: list[_Slice]) -> tuple[Selection, list[Mark]]:
        sizes = [s.last - s.first for s in slices]
        order = _order(slices)
        places = _hole_places(slices, sizes, order)
        holes: list[Mark] = [
            mark_of(part.records.holes[at], part.records.cpu, self.seq + place + i)
            for i, (place, part, at) in enumerate(places)
        ]
        first, self.seq = self.seq, self.seq + sum(sizes) + len(places)
        selection = _selection(slices, sizes, self._decoder.layout.size)
        before = [place for place, _, _ in places]
        return replace(selection, first_seq=first, order=order, holes=before), holes


def _cut(parts: list[_Part], until: int) -> list[_Slice]:
    """Return the slices of one CPU up to `until`."""
    slices = []
    for part in parts:
        count = len(part.keys)
        last = count if until >= EVER else int(np.searchsorted(part.keys, until, side="right"))
        last = max(last, part.done)
        holes = part.records.holes
        upto = part.holes_done
        while upto < len(holes) and (holes[upto].before < last or last == count):
            upto += 1
        if last > part.done or upto > part.holes_done:
            slices.append(_Slice(part, part.done, last, range(part.holes_done, upto)))
        part.done, part.holes_done = last, upto
        if last < count:
            break
    return slices


def _order(slices: list[_Slice]) -> NDArray[np.int64] | None:
    """Return the order of the records of all concatenated slices; None if they are in order."""
    keys = [s.part.keys[s.first : s.last] for s in slices]
    if len({s.part.records.cpu for s in slices}) == 1:
        return None
    together = np.concatenate(keys)
    if bool((together[1:] >= together[:-1]).all()):
        return None
    return np.argsort(together, kind="stable")


def _hole_places(
    slices: list[_Slice], sizes: list[int], order: NDArray[np.int64] | None
) -> list[tuple[int, _Part, int]]:
    """Return, for each hole in order, the number of records before it in the stream."""
    found = []
    rank: NDArray[np.int64] | None = None
    base = 0
    for piece, size in zip(slices, sizes, strict=True):
        for at in piece.holes:
            if rank is None and order is not None:
                rank = np.empty(len(order), np.int64)
                rank[order] = np.arange(len(order))
            index = base + piece.part.records.holes[at].before - piece.first
            if index < base + size:
                place = index if rank is None else int(rank[index])
            elif size:
                place = index if rank is None else int(rank[index - 1]) + 1
            else:
                place = 0 if rank is not None else base
            found.append((place, piece.part, at))
        base += size
    return sorted(found, key=lambda hole: hole[0])


def _selection(slices: list[_Slice], sizes: list[int], page: int) -> Selection:
    """Return the records of all slices, concatenated, with one buffer for all of them."""
    if len(slices) == 1:
        piece, records = slices[0], slices[0].part.records
        some = slice(piece.first, piece.last)
        return Selection(
            records.buffer,
            records.at[some],
            records.size[some],
            records.id[some],
            records.ts[some],
            np.full(sizes[0], records.cpu, np.int32),
        )
    buffers, at, shift = [], [np.zeros(0, np.int64)], 0
    for piece in slices:
        records = piece.part.records
        words = records.at[piece.first : piece.last]
        if not len(words):
            continue
        # Copy only the pages that have these records, but each of them whole.
        begin = int(words[0]) * 4 // page * page
        end = (int(words[-1]) * 4 // page + 1) * page
        buffers.append(records.buffer[begin:end])
        at.append(words + (shift - begin) // 4)
        shift += len(buffers[-1]) + -len(buffers[-1]) % 8
        buffers.append(np.zeros(-len(buffers[-1]) % 8, np.uint8))

    def column(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(s.part.records, name)[s.first : s.last] for s in slices])

    return Selection(
        np.concatenate(buffers) if buffers else np.zeros(0, np.uint8),
        np.concatenate(at),
        column("size"),
        column("id"),
        column("ts"),
        np.repeat(np.array([s.part.records.cpu for s in slices], np.int32), sizes),
    )


def merged(
    decoder: Decoder, readers: Mapping[int, Callable[[int], Pages | None]], pool: "Executor | None" = None
) -> Iterator[Chunk]:
    """Yield all records of some CPUs in exact order of time, with bounded memory.

    Args:
        decoder: for the pages.
        readers: for each CPU, a function that returns the next whole pages, about as many bytes as requested;
            at the end empty or None.
        pool: decodes the next chunk while one is being used.
    """
    keep_freed()
    waiting: Future[Chunk] | None = None
    for selection, holes in _selections(decoder, readers):
        if pool is None:
            yield decoder.chunk(selection, holes)
            continue
        # A decoder is not thread-safe: it does one thing at a time.
        done = waiting.result() if waiting else None
        waiting = pool.submit(decoder.chunk, selection, holes)
        if done is not None:
            yield done
    if waiting:
        yield waiting.result()


def _selections(
    decoder: Decoder, readers: Mapping[int, Callable[[int], Pages | None]]
) -> Iterator[tuple[Selection, list[Mark]]]:
    merge = Merge(decoder)
    page = decoder.layout.size
    block = max(min(_BLOCK, _AHEAD // max(len(readers), 1)) // page, _FEW_PAGES) * page
    going = dict(readers)
    while going:
        # Read the CPU whose records end first: it limits what can be taken from all.
        cpu = min(going, key=lambda c: (merge.latest(c) is not None, merge.latest(c) or 0))
        pages = going[cpu](block)
        if pages:
            merge.add(decoder.walk(pages, cpu))
        else:
            del going[cpu]
        known = [merge.latest(c) for c in going]
        if None in known:
            continue
        until = min((t for t in known if t is not None), default=EVER) - 1 if going else EVER
        selected = merge.select(until)
        if selected:
            yield selected
