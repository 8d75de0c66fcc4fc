"""Recordings as a source of chunks: trace.dat files, one or several, merged by time.

file -> windows of pages -> records -> one clock -> merged CPUs -> merged buffers and files -> enriched

Memory does not grow with the files: a window of each CPU's pages is all that is held.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import TypeAlias, TypeVar

from ktrace.errors import Damaged, UsageError
from ktrace.model.batch import Chunk, Lost, Stack
from ktrace.model.column import Column
from ktrace.model.format import Format
from ktrace.ringbuffer.common_fields import Heads, are_plain
from ktrace.ringbuffer.decode import Decoder
from ktrace.ringbuffer.layout import PageLayout, parse_header_page
from ktrace.ringbuffer.records import Pages, Records, Walked
from ktrace.stream.clocks import Clock, clock_of
from ktrace.stream.enrich import Enrich
from ktrace.stream.flags import FlagStyle
from ktrace.stream.known_formats import known_formats
from ktrace.stream.losses import lost_by_cpu, not_told
from ktrace.stream.malloc import keep_freed
from ktrace.stream.merge import merged
from ktrace.stream.merge_files import together
from ktrace.stream.printk_formats import PrintkFormats
from ktrace.stream.readahead import ahead, new_pool
from ktrace.stream.saved_names import SavedNames
from ktrace.stream.symbol_table import SymbolTable
from ktrace.tracedat.contents import CALL_TEXTS, SHORT_FLAGS, Buffer, Contents, CpuData
from ktrace.tracedat.reader import WINDOW, TraceDat

T = TypeVar("T")

Wanted: TypeAlias = Callable[[Format], Collection[str] | None]
"""The fields of an event that are wanted; None: the event is not."""

HEADS = ("ts", "cpu", "pid", "comm", "flags", "event")
"""Columns that the records of all events have."""

HeadColumns: TypeAlias = dict[str, Column]
"""Some of these, of a part of the records."""

_AHEAD = 64 << 20  # bytes of pages in memory, of all CPUs together
_LEAST = 1 << 16
_ALONE = 1 << 23  # of one CPU at a time, where the others wait


class Recording:
    """Open files, read as one stream.

    Args:
        paths: trace.dat files; those of a guest and its host are brought to the host's time.
        recover: take what can be read of files that have been cut off, and of unfinished recordings.
        cpus: only these; empty for all.

    Attributes:
        contents: of each file.
        since: nothing before this time need come, though it may; None for all.

    Raises:
        NotFound, Damaged, Unavailable: as `TraceDat` does.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        recover: bool = False,
        cpus: Collection[int] = (),
    ) -> None:
        self.since: int | None = None
        self._cpus = frozenset(cpus)
        self._close = ExitStack()
        try:
            self._files = [self._close.enter_context(TraceDat(path, recover=recover)) for path in paths]
            self._formats = [known_formats(file, recover=recover) for file in self._files]
        except BaseException:
            self._close.close()
            raise
        self.contents = [file.contents for file in self._files]

    def __enter__(self) -> "Recording":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._close.close()

    @property
    def problems(self) -> list[Damaged]:
        """What is missing or makes no sense, of files that are recovered; so far."""
        return [problem for file in self._files for problem in file.problems]

    @property
    def notes(self) -> list[str]:
        """Remarks for the user."""
        return [note for file in self._files for note in file.notes]

    @property
    def ticks(self) -> bool:
        """Whether times are counts of a clock that does not count nanoseconds."""
        return any(
            clock_of(contents.options, buffer.clock, {}).ticks
            for contents in self.contents
            for buffer in contents.buffers
        )

    def texts(self) -> Iterator[bytes]:
        """The kernel's own text, of files that hold it in place of pages."""
        for file in self._files:
            for text in file.contents.texts:
                yield from file.text(text)

    def groups(self) -> dict[str, str]:
        """The group of each event, by its name, where the name is in one group only."""
        found: dict[str, set[str]] = {}
        for known in self._formats:
            for form in known.values():
                found.setdefault(form.name, set()).add(form.system)
        return {name: groups.pop() for name, groups in found.items() if len(groups) == 1}

    def fields(self) -> dict[str, tuple[str, ...]]:
        """The names of each event's fields: of what was recorded, and may be among it."""
        found: dict[str, tuple[str, ...]] = {}
        for known in self._formats:
            for form in known.values():
                if form.system != "ftrace" or form.name == "print":
                    names = (*found.get(form.name, ()), *(f.name for f in form.args))
                    found[form.name] = tuple(dict.fromkeys(names))
        return found

    def formats(self) -> list[Format]:
        """Of all events of which there may be records, those of several files once each."""
        return list({(f.system, f.name): f for known in self._formats for f in known.values()}.values())

    def chunks(self, wanted: Wanted | None = None, *, ordered: bool = True) -> Iterator[Chunk]:
        """All records in order of time, with names and symbols.

        Args:
            wanted: which events, and which fields of them; None for everything.
            ordered: False where it does not matter which record comes when, and their `seq` neither:
                that is faster.

        Raises:
            Damaged: without `recover`, where a file cannot be read on.
        """
        streams: list[Iterator[Chunk]] = []
        for opened, name in zip(self.opened(), _origins(self._files), strict=True):
            if wanted is not None:
                opened.decoder.only = _only(opened.known, wanted)
            stream = self._stream(opened) if ordered else self._unordered(opened)
            streams.append(_named(stream, name))
        yield from together(streams) if ordered else chain.from_iterable(streams)

    def opened(self) -> Iterator["Opened"]:
        """Each buffer of each file, with what it takes to read it."""
        hosts = {contents.options.trace_id: contents for contents in self.contents}
        for file, known in zip(self._files, self._formats, strict=True):
            enrich = _enrich(file.contents, known)
            for buffer in file.contents.buffers:
                clock = clock_of(file.contents.options, buffer.clock, hosts)
                decoder = TimedDecoder(known, _layout(file, buffer), clock)
                yield Opened(file, buffer, clock, known, decoder, enrich)

    def heads(self, names: Collection[str], share: int = 0, of: int = 1) -> Iterator[HeadColumns] | None:
        """Columns of `HEADS` alone, of all records, in no order, a part of them at a time.

        Args:
            names: the columns that are wanted.
            share: of so many shares of the records this one, counted from 0: those of some of the CPUs.

        Returns:
            None where the records of a file do not begin as usual.
        """
        opened = list(self.opened())
        if not all(are_plain(one.known.values(), one.decoder.layout) for one in opened):
            return None
        return chain.from_iterable(self._heads(one, names, share, of) for one in opened)

    def _heads(self, opened: "Opened", names: Collection[str], share: int, of: int) -> Iterator[HeadColumns]:
        def make(pages: bytes, cpu: int) -> Heads:
            return Heads(opened.decoder.walk(pages, cpu), opened.known)

        for found in self._one_by_one(opened, self._chosen(opened)[share::of], make):
            yield {name: _head(found, name, opened.enrich) for name in names}

    def _unordered(self, opened: "Opened") -> Iterator[Chunk]:
        """One buffer's records, CPU after CPU."""
        for found in self._one_by_one(opened, self._chosen(opened), opened.decoder.sort):
            yield opened.enrich(opened.decoder.make(found))

    def _one_by_one(
        self, opened: "Opened", cpus: Sequence[CpuData], make: Callable[[bytes, int], T]
    ) -> Iterator[T]:
        """What is made of pages, one CPU after the other; of the next ones while the last are being used."""
        keep_freed()
        with new_pool() as pool:
            for data in cpus:
                more = ahead(pool, self._reader(opened, data, _ALONE), _of_cpu(make, data.cpu))
                while (made := more(_ALONE)) is not None:
                    yield made

    def _chosen(self, opened: "Opened") -> list[CpuData]:
        """The CPUs that are wanted and have records."""
        wanted = (data for data in opened.buffer.cpus if not self._cpus or data.cpu in self._cpus)
        return [data for data in wanted if data.size]

    def _stream(self, opened: "Opened") -> Iterator[Chunk]:
        """One buffer's records, and at their end what was lost without a place."""
        chosen = self._chosen(opened)
        size = max(min(WINDOW, _AHEAD // max(len(chosen), 1)), _LEAST)
        readers = {data.cpu: self._reader(opened, data, size) for data in chosen}
        told: dict[int, int] = {}
        seq = 0
        decoder, enrich = opened.decoder, opened.enrich
        with new_pool() as pool:

            def walk(pages: bytes, cpu: int) -> Walked:
                return Walked(decoder.walk(pages, cpu))

            walked = {cpu: ahead(pool, read, partial(walk, cpu=cpu)) for cpu, read in readers.items()}
            for chunk in merged(decoder, walked, pool):
                for mark in chunk.marks:
                    if isinstance(mark, Lost) and mark.cpu is not None:
                        told[mark.cpu] = told.get(mark.cpu, 0) + (mark.count or 0)
                seq = max(
                    [
                        seq,
                        *(int(b.seq[-1]) + 1 for b in chunk.batches if len(b)),
                        *(m.seq + 1 for m in chunk.marks),
                    ]
                )
                yield enrich(chunk)
        if self.since is None:
            counted = lost_by_cpu(opened.file.contents, opened.buffer.name)
            mine = {cpu: n for cpu, n in counted.items() if not self._cpus or cpu in self._cpus}
            marks = not_told(mine, told, seq)
            if marks:
                yield Chunk((), marks)

    def _reader(self, opened: "Opened", data: CpuData, size: int) -> Callable[[int], bytes]:
        skip = 0 if self.since is None else opened.first_page(data, self.since)
        windows = opened.file.windows(opened.buffer, data, size, skip=skip)
        return lambda _: next(windows, b"")


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """One buffer of one file, with what it takes to read it.

    Attributes:
        known: the formats of the file, by id.
        decoder: for its pages.
        enrich: for the file's records: it remembers names and symbols.
    """

    file: TraceDat
    buffer: Buffer
    clock: Clock
    known: dict[int, Format]
    decoder: "TimedDecoder"
    enrich: Enrich

    def first_page(self, data: CpuData, time: int) -> int:
        """Where, in a CPU's pages, the last one lies that begins before a time; 0 if that is not known."""
        return self.file.first_page(self.buffer, data, lambda ts: self.clock.one(ts, data.cpu) < time)

    def page_time(self, data: CpuData, at: int) -> int:
        """When the page at that place in a CPU's pages begins."""
        return self.clock.one(self.file.page_time(self.buffer, data, at), data.cpu)


def _head(found: Heads, name: str, enrich: Enrich) -> Column:
    match name:
        case "comm":
            return enrich.tasks(found.pid)
        case "flags":
            return enrich.flags(found.common_flags)
    column: Column = getattr(found, name)
    return column


def _of_cpu(make: Callable[[bytes, int], T], cpu: int) -> Callable[[bytes], T]:
    return lambda pages: make(pages, cpu)


class TimedDecoder(Decoder):
    """A decoder whose records have the times of the clock that all files share."""

    def __init__(self, known: dict[int, Format], layout: PageLayout, clock: Clock) -> None:
        super().__init__(known, layout, ticks=clock.ticks)
        self._clock = clock

    def walk(self, pages: Pages, cpu: int) -> Records:
        """The next pages of one CPU."""
        if isinstance(pages, Walked):
            return pages.records
        records = super().walk(pages, cpu)
        return records if self._clock.plain else replace(records, ts=self._clock.all(records.ts, cpu))


def _only(known: dict[int, Format], wanted: Wanted) -> dict[int, Collection[str] | None]:
    chosen = {ident: wanted(form) for ident, form in known.items()}
    return {ident: fields for ident, fields in chosen.items() if fields is not None}


@dataclass(frozen=True, slots=True)
class _EventNames:
    known: dict[int, Format]

    def __call__(self, ident: int) -> str | None:
        form = self.known.get(ident)
        return f"{form.system}.{form.name}" if form else None


def _origins(files: Sequence[TraceDat]) -> Iterator[str]:
    """A name for each buffer of each file: empty where there is only one with anything in it."""
    full = [
        (file, buffer)
        for file in files
        for buffer in file.contents.buffers
        if any(data.size for data in buffer.cpus)
    ]
    stems = [Path(file.source.name).name.removesuffix(".dat") for file in files]
    for i, file in enumerate(files):
        # Files of one name in several folders are told by their number.
        stem = stems[i] if stems.count(stems[i]) == 1 else f"{stems[i]}#{i + 1}"
        for buffer in file.contents.buffers:
            parts = [stem] * (len(files) > 1) + [buffer.name] * bool(buffer.name)
            yield ":".join(parts) if len(full) > 1 or buffer.name else ""


def _named(chunks: Iterator[Chunk], origin: str) -> Iterator[Chunk]:
    """Chunks that say where they are from."""
    for chunk in chunks:
        if not origin:
            yield chunk
            continue
        batches = tuple(replace(batch, origin=origin) for batch in chunk.batches)
        marks = tuple(
            replace(mark, origin=origin) if isinstance(mark, Lost | Stack) else mark for mark in chunk.marks
        )
        yield Chunk(batches, marks)


def parse_time(text: str, *, ticks: bool = False) -> int:
    """A time as the text shows it: seconds with a fraction, or with `ticks` a count. Raises UsageError.

    >>> parse_time("12.5")
    12500000000
    """
    match = re.fullmatch(r"(\d{1,20})(?:\.(\d{0,9}))?", text.strip(), re.ASCII)
    if not match or (ticks and match[2] is not None):
        raise UsageError(
            f"'{text}' is no time", hint="a count, such as 12345678" if ticks else "such as 12.5"
        )
    return int(match[1]) if ticks else int(match[1]) * 10**9 + int((match[2] or "").ljust(9, "0"))


def _layout(file: TraceDat, buffer: Buffer) -> PageLayout:
    try:
        layout = parse_header_page(file.contents.header_page, big_endian=file.contents.order == "big")
    except UsageError as error:
        raise file.source.damaged(error.message, 0) from None
    return replace(layout, size=buffer.page_size)


def _enrich(contents: Contents, known: dict[int, Format]) -> Enrich:
    names = SavedNames(contents.cmdlines.decode("utf-8", "surrogateescape"))
    texts = PrintkFormats(lambda: contents.printk_formats.decode("utf-8", "surrogateescape"))
    by = contents.options.written_by
    style = FlagStyle(migrate=SHORT_FLAGS not in by)
    call_texts = CALL_TEXTS in by or any(form.has_call_text for form in known.values())
    symbols = partial(SymbolTable, contents.kallsyms)
    return Enrich(names, symbols, style, _EventNames(known), texts, call_texts=call_texts)
