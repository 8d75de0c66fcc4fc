"""Recordings as a source of chunks: one or several trace.dat files, merged by time.

file -> windows of pages -> records -> one clock -> merged CPUs -> merged buffers and files -> enriched

Memory use does not grow with the files: only a window of each CPU's pages is in memory.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, zip_longest
from types import TracebackType
from typing import TypeAlias, TypeVar

from ktrace.errors import Damaged
from ktrace.model.batch import Chunk, Lost
from ktrace.model.column import Column
from ktrace.model.format import Format
from ktrace.ringbuffer.common_fields import Heads, are_plain
from ktrace.ringbuffer.records import Walked
from ktrace.storage.input import Watch
from ktrace.stream.clocks import Clock, clock_of, clock_remarks
from ktrace.stream.enrich import Enrich
from ktrace.stream.flags import FlagStyle
from ktrace.stream.known_formats import fields_of, known_formats, layout_in, layout_of
from ktrace.stream.last_boot import text_offset
from ktrace.stream.learnt_names import LearntNames
from ktrace.stream.losses import lost_by_cpu, not_told
from ktrace.stream.malloc import keep_freed
from ktrace.stream.merge import merged
from ktrace.stream.merge_files import together
from ktrace.stream.origins import named, origins
from ktrace.stream.printk_formats import PrintkFormats
from ktrace.stream.readahead import ahead, new_pool
from ktrace.stream.saved_names import SavedNames
from ktrace.stream.symbol_table import SymbolTable
from ktrace.stream.timed_decoder import TimedDecoder
from ktrace.tracedat.contents import CALL_TEXTS, SHORT_FLAGS, Buffer, Contents, CpuData
from ktrace.tracedat.reader import WINDOW, TraceDat
from ktrace.tracedat.source import FileBytes

T = TypeVar("T")

Wanted: TypeAlias = Callable[[Format], Collection[str] | None]
"""The fields of an event that are wanted; None: the event is not."""

HEADS = ("ts", "cpu", "pid", "comm", "flags", "event")
"""Columns that the records of all events have."""

HeadColumns: TypeAlias = dict[str, Column]
"""Some of the columns in `HEADS`, for a part of the records."""

_AHEAD = 64 << 20  # bytes of pages in memory for all CPUs together
_LEAST = 1 << 16
PIECE = 1 << 23
"""Bytes that are read of one CPU at a time, while the others wait."""


class Recording:
    """Open files, read as one stream.

    Args:
        paths: trace.dat files; times of a guest are converted to those of its host.
        recover: read what is readable in truncated files and unfinished recordings.
        cpus: only these CPUs; empty for all.
        watch: called while a pipe or a compressed file is unpacked: see `open_input`.
        opened: the files, if they are open, in the order of `paths`; they are closed with the recording.

    Attributes:
        contents: the contents of each file.
        since, until: records before the one and after the other may be left out; None for all.
        done: bytes of pages that have been read; `size` is how many there are.

    Raises:
        NotFound, Damaged, Unavailable: as in `TraceDat`.
    """

    def __init__(
        self,
        paths: Sequence[str],
        *,
        recover: bool = False,
        cpus: Collection[int] = (),
        watch: Watch = lambda _: None,
        opened: Sequence[FileBytes | None] = (),
    ) -> None:
        self.since: int | None = None
        self.until: int | None = None
        self.done = 0
        self._cpus = frozenset(cpus)
        self._close = ExitStack()
        try:
            files = (
                TraceDat(path, recover=recover, watch=watch, opened=one)
                for path, one in zip_longest(paths, opened)
            )
            self._files = [self._close.enter_context(file) for file in files]
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
        """Close the files."""
        self._close.close()

    @property
    def problems(self) -> list[Damaged]:
        """Return the problems found so far in files that are recovered: missing or meaningless parts."""
        found = (problem for file in self._files for problem in file.problems)
        # A part that is read twice, such as for the header of CSV, is reported twice.
        return list({(p.source, p.offset, p.message): p for p in found}.values())

    @property
    def notes(self) -> list[str]:
        """Return remarks for the user."""
        notes = [note for file in self._files for note in file.notes]
        return notes + clock_remarks(self.contents)

    def symbols(self) -> SymbolTable:
        """Return the symbols of the kernel that the first file was made on."""
        contents = self.contents[0]
        return _symbols(contents, text_offset(contents, contents.buffers[0].name))

    @property
    def size(self) -> int:
        """Return the size in bytes of all pages in the files."""
        buffers = (buffer for contents in self.contents for buffer in contents.buffers)
        return sum(data.size for buffer in buffers for data in buffer.cpus)

    @property
    def ticks(self) -> bool:
        """Return whether times count something other than nanoseconds."""
        return any(
            clock_of(contents.options, buffer.clock, {}).ticks
            for contents in self.contents
            for buffer in contents.buffers
        )

    @property
    def cpus(self) -> set[int] | None:
        """Return the CPUs of the machines; None if a file has no pages, but the kernel's text or nothing."""
        if not all(contents.buffers for contents in self.contents):
            return None
        known = {cpu for contents in self.contents for cpu in range(contents.options.cpu_count or 0)}
        buffers = (buffer for contents in self.contents for buffer in contents.buffers)
        return known | {data.cpu for buffer in buffers for data in buffer.cpus}

    def texts(self) -> Iterator[bytes]:
        """Yield the kernel's own text, from files that hold text instead of pages."""
        for file in self._files:
            for text in file.contents.texts:
                yield from file.text(text)

    def groups(self) -> dict[str, str]:
        """Return the group of each event by name, for names that occur in only one group."""
        found: dict[str, set[str]] = {}
        for known in self._formats:
            for form in known.values():
                found.setdefault(form.name, set()).add(form.system)
        return {name: groups.pop() for name, groups in found.items() if len(groups) == 1}

    def fields(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the columns of each event that may have records."""
        return fields_of(form for known in self._formats for form in known.values())

    def formats(self) -> list[Format]:
        """Return the formats of all events that may have records, each once even if in several files."""
        return list({(f.system, f.name): f for known in self._formats for f in known.values()}.values())

    def chunks(self, wanted: Wanted | None = None, *, ordered: bool = True) -> Iterator[Chunk]:
        """Yield all records in order of time, with names and symbols.

        Args:
            wanted: the events and fields to decode; None for everything.
            ordered: False if neither the order of records nor their `seq` matters: that is faster.

        Raises:
            Damaged: a file cannot be read further; not with `recover`.
        """
        streams: list[Iterator[Chunk]] = []
        for opened, name in zip(self.opened(), origins(self._files), strict=True):
            if wanted is not None:
                opened.decoder.only = _only(opened.known, wanted)
            stream = self._stream(opened) if ordered else self._unordered(opened)
            streams.append(named(stream, name))
        yield from together(streams) if ordered else chain.from_iterable(streams)

    def opened(self) -> Iterator["Opened"]:
        """Yield each buffer of each file, with everything needed to read it."""
        hosts = {contents.options.trace_id: contents for contents in self.contents}
        for file, known in zip(self._files, self._formats, strict=True):
            made: dict[int | None, tuple[Enrich, LearntNames]] = {}
            for buffer in file.contents.buffers:
                moved = text_offset(file.contents, buffer.name)
                if moved not in made:
                    made[moved] = _enrich(file, known, moved)
                enrich, names = made[moved]
                clock = clock_of(file.contents.options, buffer.clock, hosts)
                decoder = TimedDecoder(known, layout_in(file, buffer), clock)
                yield Opened(file, buffer, clock, known, decoder, enrich, names)

    def pages(self, opened: "Opened", size: int = PIECE) -> Iterator[tuple[int, Callable[[], bytes]]]:
        """Yield each selected CPU of a buffer, with a function that returns its next pages.

        That function returns about `size` bytes, and nothing at the end.
        """
        for data in self._chosen(opened):
            yield data.cpu, partial(self._reader(opened, data, size), size)

    def heads(self, names: Collection[str], share: int = 0, of: int = 1) -> Iterator[HeadColumns] | None:
        """Yield only the columns of `HEADS` of all records, in any order, in several pieces.

        Args:
            names: the columns to return.
            share: number, from 0, of the share to return; the CPUs are split into `of` shares.

        Returns:
            None if the records of a file have an unusual header.
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
        """Yield one buffer's records, CPU after CPU."""
        for found in self._one_by_one(opened, self._chosen(opened), opened.decoder.sort):
            yield opened.complete(opened.decoder.make(found))

    def _one_by_one(
        self, opened: "Opened", cpus: Sequence[CpuData], make: Callable[[bytes, int], T]
    ) -> Iterator[T]:
        """Process pages of one CPU after the other, the next ones while the last result is in use."""
        keep_freed()
        with new_pool() as pool:
            for data in cpus:
                more = ahead(pool, self._reader(opened, data, PIECE), _of_cpu(make, data.cpu))
                while (made := more(PIECE)) is not None:
                    yield made

    def _chosen(self, opened: "Opened") -> list[CpuData]:
        """Return the selected CPUs that have records."""
        wanted = (data for data in opened.buffer.cpus if not self._cpus or data.cpu in self._cpus)
        return [data for data in wanted if data.size]

    def _stream(self, opened: "Opened") -> Iterator[Chunk]:
        """Yield one buffer's records, and at the end the losses whose position is unknown."""
        chosen = self._chosen(opened)
        size = max(min(WINDOW, _AHEAD // max(len(chosen), 1)), _LEAST)
        readers = {data.cpu: self._reader(opened, data, size) for data in chosen}
        told: dict[int, int] = {}
        seq = 0
        decoder = opened.decoder
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
                yield opened.complete(chunk)
        if self.since is self.until is None:
            counted = lost_by_cpu(opened.file.contents, opened.buffer.name)
            mine = {cpu: n for cpu, n in counted.items() if not self._cpus or cpu in self._cpus}
            marks = not_told(mine, told, seq)
            if marks:
                yield Chunk((), marks)

    def _reader(self, opened: "Opened", data: CpuData, size: int) -> Callable[[int], bytes]:
        skip = 0 if self.since is None else opened.first_page(data, self.since)
        wanted = data
        if self.until is not None and not opened.buffer.compressed:
            end = opened.first_page(data, self.until + 1) + opened.buffer.page_size
            wanted = replace(data, size=min(end, data.size))
        windows = opened.file.windows(opened.buffer, wanted, size, skip=skip)
        self.done += skip + data.size - wanted.size

        def read(_: int) -> bytes:
            pages = next(windows, b"")
            self.done += len(pages)
            return pages

        return read


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """One buffer of one file, with everything needed to read it.

    Attributes:
        known: the formats of the file, by id.
        decoder: for its pages.
        enrich: for the file's records; it caches names and symbols.
        names: of the file's tasks.
    """

    file: TraceDat
    buffer: Buffer
    clock: Clock
    known: dict[int, Format]
    decoder: TimedDecoder
    enrich: Enrich
    names: LearntNames

    def complete(self, chunk: Chunk) -> Chunk:
        """Return the chunk with names and symbols, after its events have told their names."""
        self.names.learn(chunk)
        return self.enrich(chunk)

    def first_page(self, data: CpuData, time: int) -> int:
        """Return the offset of a CPU's last page that begins before a time; 0 if that is not known."""
        return self.file.first_page(self.buffer, data, lambda ts: self.clock.one(ts, data.cpu) < time)

    def page_time(self, data: CpuData, at: int) -> int:
        """Return the start time of the page at that offset in a CPU's pages."""
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


def _only(known: dict[int, Format], wanted: Wanted) -> dict[int, Collection[str] | None]:
    chosen = {ident: wanted(form) for ident, form in known.items()}
    return {ident: fields for ident, fields in chosen.items() if fields is not None}


@dataclass(frozen=True, slots=True)
class _EventNames:
    known: dict[int, Format]

    def __call__(self, ident: int) -> str | None:
        form = self.known.get(ident)
        return f"{form.system}.{form.name}" if form else None


def _symbols(contents: Contents, moved: int | None) -> SymbolTable:
    return SymbolTable(b"" if moved is None else contents.kallsyms, moved or 0)


def _enrich(file: TraceDat, known: dict[int, Format], moved: int | None) -> tuple[Enrich, LearntNames]:
    contents = file.contents
    saved = SavedNames(contents.cmdlines.decode("utf-8", "surrogateescape"))
    names = LearntNames(saved, file, known)
    texts = PrintkFormats(lambda: contents.printk_formats.decode("utf-8", "surrogateescape"))
    by = contents.options.written_by
    style = FlagStyle(migrate=SHORT_FLAGS not in by)
    call_texts = CALL_TEXTS in by or any(form.has_call_text for form in known.values())
    symbols = partial(_symbols, contents, moved)
    events, layout = _EventNames(known), layout_of(file)
    enrich = Enrich(
        names, symbols, style, events, texts, btf=contents.btf, call_texts=call_texts, layout=layout
    )
    return enrich, names
