"""Read a trace.dat file: its contents, and its pages in windows.

with TraceDat("trace.dat") as file:
    for buffer in file.contents.buffers:
        for data in buffer.cpus:
            for window in file.windows(buffer, data):
                ...

Reads versions 6 and 7, compressed or not. The file may have any size: one window of one CPU is in memory
at a time.
"""

import os
import shlex
from array import array
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from types import TracebackType

from ktrace.errors import Damaged
from ktrace.storage.input import Watch
from ktrace.tracedat import unfinished, version6, version7
from ktrace.tracedat.compression import unpacker
from ktrace.tracedat.contents import Buffer, Contents, CpuData, Text
from ktrace.tracedat.head import read_head
from ktrace.tracedat.options import skipped_options
from ktrace.tracedat.source import Cursor, FileBytes
from ktrace.tracedat.version7 import unpack_at

WINDOW = 1 << 22  # bytes of pages read at a time: 1,024 pages of 4 KiB
_MAX_CHUNK = 1 << 28


class TraceDat:
    """An open trace.dat file.

    Args:
        path: the path of the file.
        recover: read as much as possible of a truncated file, or of a recording that was killed.
        watch: called while a pipe or a compressed file is unpacked: see `open_input`.
        opened: the file, if it is open; it is closed with this. None for an unfinished recording.

    Attributes:
        contents: everything but the pages.
        problems: with `recover`, what is missing or damaged; without it, these are raised as errors.
        notes: remarks for the user.

    Raises:
        NotFound: there is no such file.
        Damaged: it is not a trace.dat file, or it is truncated.
        Unavailable: it is compressed in a way that this Python cannot unpack.
    """

    def __init__(
        self,
        path: str,
        *,
        recover: bool = False,
        watch: Watch = lambda _: None,
        opened: FileBytes | None = None,
    ) -> None:
        # An earlier recording keeps this name until the new one is complete.
        place = unfinished.place_of(path)
        goes_on = unfinished.is_unfinished(place)
        self._unfinished = goes_on and (recover or not os.path.lexists(place))
        head_or_all = unfinished.head_path(place) if self._unfinished else path
        self.source = opened or FileBytes(head_or_all, recover=recover, watch=watch)
        self.problems: list[Damaged] = [self.source.problem] if self.source.problem else []
        self.notes: list[str] = []
        if goes_on and not self._unfinished:
            self.notes.append(
                f"{path}: a later recording of this name is unfinished or still running: "
                f"`ktrace report --recover {shlex.quote(path)}` shows it"
            )
        self._recover = recover
        self._parts: dict[int, tuple[FileBytes, int]] = {}
        try:
            head = read_head(self.source)
            read = version6.read if head.version == 6 else version7.read
            contents = read(self.source, head)
            if self._unfinished and contents.buffers:
                contents = self._with_parts(contents, path)
            self.contents: Contents = self._within_the_file(contents)
            self.notes += [
                f"{self.source.name}: {remark}"
                for remark in skipped_options(contents.options, has_btf=bool(contents.btf))
            ]
            self._unpack = unpacker(head.compression) if head.compression else None
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> "TraceDat":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        for part, _ in self._parts.values():
            part.close()
        self.source.close()

    def windows(self, buffer: Buffer, data: CpuData, size: int = WINDOW, *, skip: int = 0) -> Iterator[bytes]:
        """Yield a CPU's whole pages in order, about `size` bytes at a time, without the first `skip` bytes.

        Raises:
            Damaged: the file has become shorter, or a chunk cannot be unpacked. With `recover`, the pages
                before it are yielded, and `problems` has the error.
        """
        pieces = (
            self._chunks(data, size, skip) if buffer.compressed else self._pieces(buffer, data, size, skip)
        )
        try:
            yield from pieces
        except Damaged as problem:
            if not self._recover:
                raise
            self.problems.append(problem)

    def text(self, text: Text, size: int = WINDOW) -> Iterator[bytes]:
        """Yield the kernel's own text of a buffer that has no pages."""
        if text.compressed:
            yield from self._chunks(CpuData(0, text.offset, text.size), size)
            return
        for at in range(0, text.size, size):
            yield self.source.read(text.offset + at, min(size, text.size - at))

    def first_page(self, buffer: Buffer, data: CpuData, is_before: Callable[[int], bool]) -> int:
        """Return the offset of the last of a CPU's pages that begins before a time; 0 if it is not known.

        Of compressed pages, it is the offset of the chunk that has this page, unpacked.

        Args:
            is_before: returns whether a page's time is before the wanted time. Times increase.
        """
        if buffer.compressed:
            return self._first_chunk(data, is_before)
        low, high = 0, data.size // buffer.page_size  # the wanted page is at `low` or after it
        while high - low > 1:
            middle = (low + high) // 2
            if is_before(self.page_time(buffer, data, middle * buffer.page_size)):
                low = middle
            else:
                high = middle
        return low * buffer.page_size

    def page_time(self, buffer: Buffer, data: CpuData, at: int) -> int:
        """Return the time at the beginning of a CPU's page in a buffer that is not compressed."""
        return int.from_bytes(self._read(buffer, data, at, 8), self.contents.order)

    def _pieces(self, buffer: Buffer, data: CpuData, size: int, skip: int) -> Iterator[bytes]:
        step = max(size // buffer.page_size, 1) * buffer.page_size
        at = skip
        while at < data.size:
            piece = self._read(buffer, data, at, min(step, data.size - at))
            at += len(piece)
            yield piece

    def _read(self, buffer: Buffer, data: CpuData, at: int, size: int) -> bytes:
        """Read bytes of a CPU's pages.

        The first pages of an unfinished recording are in a separate file.
        """
        if data.cpu in self._parts and not buffer.name:
            part, beside = self._parts[data.cpu]
            if at < beside:
                return part.read(at, min(size, beside - at))
        return self.source.read(data.offset + at, size)

    def _chunks(self, data: CpuData, size: int, skip: int = 0) -> Iterator[bytes]:
        gathered: list[bytes] = []
        length = done = 0
        try:
            for at, unpacked in self._heads(data):
                done += unpacked
                if done <= skip:
                    continue
                gathered.append(self._chunk(at, data))
                length += unpacked
                if length >= size:
                    yield b"".join(gathered)
                    gathered, length = [], 0
        except Damaged:
            if gathered and self._recover:
                yield b"".join(gathered)
            raise
        if gathered:
            yield b"".join(gathered)

    def _heads(self, data: CpuData) -> Iterator[tuple[int, int]]:
        """Yield the offset of each chunk of a CPU's compressed data, and its unpacked size."""
        order, at, end = self.contents.order, data.offset + 4, self._end(data)
        for _ in range(int.from_bytes(self.source.read(data.offset, 4), order) if data.size else 0):
            if end - at < 8:
                raise self.source.damaged("a chunk should follow, but its CPU's data end", at)
            sizes = self.source.read(at, 8)
            yield at, int.from_bytes(sizes[4:], order)
            at += 8 + int.from_bytes(sizes[:4], order)

    def _chunk(self, at: int, data: CpuData) -> bytes:
        """Unpack the chunk at an offset."""
        order, sizes = self.contents.order, self.source.read(at, 8)
        packed, unpacked = int.from_bytes(sizes[:4], order), int.from_bytes(sizes[4:], order)
        cursor = Cursor(self.source, order, at + 8, min(at + 8 + packed, self._end(data)))
        return unpack_at(cursor, packed, unpacked, self._unpack, _MAX_CHUNK)

    def _end(self, data: CpuData) -> int:
        # The size that trace-cmd writes does not include the number of chunks.
        return min(data.offset + 4 + data.size, self.source.size)

    def _first_chunk(self, data: CpuData, is_before: Callable[[int], bool]) -> int:
        """Return where the last chunk that begins before a time begins, in bytes of unpacked pages."""
        places, begins, done = array("Q"), array("Q"), 0
        with suppress(Damaged):  # whoever reads on to that place reports it
            for at, unpacked in self._heads(data):
                places.append(at)
                begins.append(done)
                done += unpacked
        low, high = 0, len(places)
        while high - low > 1:
            middle = (low + high) // 2
            try:
                pages = self._chunk(places[middle], data)
            except Damaged:
                return 0
            if is_before(int.from_bytes(pages[:8], self.contents.order)):
                low = middle
            else:
                high = middle
        return begins[low] if begins else 0

    def _within_the_file(self, contents: Contents) -> Contents:
        """Return the contents without pages beyond the end of the file; raise unless recovering."""
        return replace(contents, buffers=tuple(map(self._fitting, contents.buffers)))

    def _with_parts(self, contents: Contents, path: str) -> Contents:
        """Return the contents of an unfinished recording.

        The pages in the files next to it precede those in the file.
        """
        problem = self.source.damaged("the recording was not ended: its pages are in files next to it", 0)
        if not self._recover:
            problem.hint = f"ktrace report --recover {shlex.quote(path)}"
            raise problem
        self.problems.append(problem)
        place = unfinished.place_of(path)
        self._parts = unfinished.open_parts(place, contents.page_size)
        sizes = {cpu: size for cpu, (_, size) in self._parts.items()}
        top, *others = contents.buffers
        rows = {data.cpu: data for data in top.cpus}
        rows |= {cpu: CpuData(cpu, self.source.size, 0) for cpu in sizes if cpu not in rows}
        cpus = tuple(
            replace(data, size=max(data.size, sizes.get(data.cpu, 0))) for _, data in sorted(rows.items())
        )
        names = contents.cmdlines + unfinished.read_names(place)
        return replace(contents, cmdlines=names, buffers=(replace(top, cpus=cpus), *others))

    def _fitting(self, buffer: Buffer) -> Buffer:
        return replace(buffer, cpus=tuple(self._fit(buffer, data) for data in buffer.cpus))

    def _fit(self, buffer: Buffer, data: CpuData) -> CpuData:
        _, beside = self._parts.get(data.cpu, (None, 0)) if not buffer.name else (None, 0)
        there = min(data.size, max(self.source.size - data.offset, beside))
        whole = there if buffer.compressed else there - there % buffer.page_size
        if whole == data.size:
            return data
        missing = data.size - there
        what = f"{missing} bytes of its pages are missing" if missing else "its last page is cut off"
        problem = self.source.damaged(f"CPU {data.cpu}: {what}", data.offset + there)
        if not self._recover:
            problem.hint = "ktrace report --recover shows what is there"
            raise problem
        self.problems.append(problem)
        return replace(data, size=whole)
