"""Read a version 7 file: sections that are found through options. See trace-cmd.dat.v7(5)."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from ktrace.errors import Damaged
from ktrace.tracedat import options as numbers
from ktrace.tracedat.compression import Unpack, unpacker
from ktrace.tracedat.contents import Buffer, Contents, CpuData, Options, Text
from ktrace.tracedat.files import Placed, read_event_formats, read_ftrace_formats, read_headers
from ktrace.tracedat.head import Head
from ktrace.tracedat.options import Pointers, parse, selected_clock
from ktrace.tracedat.source import Bytes, Cursor, Memory

HEADER = 16  # size of a section's header in bytes
_COMPRESSED = 1
_BTF_MAGIC = (b"\x9f\xeb", b"\xeb\x9f")
_MAX_SECTION = 1 << 28  # kallsyms of a large kernel are 20 MB
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Section:
    """The header of a section."""

    number: int
    compressed: bool
    at: int
    size: int


def read(source: Bytes, head: Head) -> Contents:
    """Read everything but the pages.

    Raises Damaged, or Unavailable if the file cannot be unpacked.
    """
    unpack = unpacker(head.compression) if head.compression else None
    options, sections, buffers, texts = _all_options(source, head, unpack)

    def content(number: int, take: Callable[[Cursor], _T], otherwise: _T) -> _T:
        if number not in sections:
            return otherwise
        return take(_open(source, _header(source, head, sections[number], number), head, unpack))

    if numbers.HEADERS not in sections:
        raise source.damaged("no option says where header_page is", head.options_at)
    header_page, header_event = content(numbers.HEADERS, read_headers, ("", ""))
    none: tuple[Placed, ...] = ()
    ftrace_formats = content(numbers.FTRACE_FORMATS, read_ftrace_formats, none)
    event_formats = content(numbers.EVENT_FORMATS, read_event_formats, none)
    btf = b""
    with suppress(Damaged):  # nothing needs it
        btf = content(numbers.BTF, _btf, b"")
    return Contents(
        7,
        head.order,
        head.long_size,
        head.page_size,
        head.compression,
        header_page,
        header_event,
        tuple(text for _, _, text in ftrace_formats),
        tuple((system, text) for _, system, text in event_formats),
        content(numbers.KALLSYMS, lambda at: at.sized(4), b""),
        content(numbers.PRINTK, lambda at: at.sized(4), b""),
        content(numbers.CMDLINES, lambda at: at.sized(8), b""),
        options,
        tuple(_buffer(source, head, data) for data in buffers),
        tuple(_text(source, head, data) for data in texts),
        tuple(place for place, _, _ in (*ftrace_formats, *event_formats)),
        btf,
    )


def _btf(at: Cursor) -> bytes:
    """Return the BTF in a section, which its size may precede."""
    data = at.take(at.end - at.at)
    start = next((i for i in (0, 4, 8) if data[i : i + 2] in _BTF_MAGIC), len(data))
    return data[start:]


def _all_options(
    source: Bytes, head: Head, unpack: Unpack | None
) -> tuple[Options, dict[int, int], list[Memory], list[Memory]]:
    """Read all sections of options, each of which points to the next."""
    options, pointers = Options(), Pointers()
    sections: dict[int, int] = {}
    buffers: list[Memory] = []
    texts: list[Memory] = []
    offset, seen = head.options_at, set[int]()
    while offset:
        if offset in seen:
            raise source.damaged("sections of options that point at each other", offset)
        seen.add(offset)
        if offset >= source.size:
            raise source.damaged("the options that say what is where are cut off", source.size)
        at = _open(source, _header(source, head, offset, numbers.DONE), head, unpack)
        options, pointers = parse(_options(at), source.name, head.order, options)
        sections |= pointers.sections
        buffers += pointers.buffers
        texts += pointers.texts
        offset = pointers.following
    return options, sections, buffers, texts


def _options(at: Cursor) -> Iterator[tuple[int, int, bytes]]:
    """Yield the number, place and data of each option, including the final one."""
    while True:
        start = at.at
        number = at.number(2)
        yield number, at.source.place(start), at.sized(4)
        if number == numbers.DONE:
            return


def _header(source: Bytes, head: Head, offset: int, wanted: int) -> _Section:
    at = Cursor(source, head.order, offset)
    number, flags, _, size = at.number(2), at.number(2), at.number(4), at.number(8)
    if number != wanted:
        raise source.damaged(f"section {number} in place of section {wanted}", offset)
    if size > source.size - at.at:
        raise source.damaged(f"a section of {size} bytes does not fit into the file", offset)
    return _Section(number, bool(flags & _COMPRESSED), at.at, size)


def _open(source: Bytes, section: _Section, head: Head, unpack: Unpack | None) -> Cursor:
    """Return a cursor over a section's unpacked data."""
    at = Cursor(source, head.order, section.at, section.at + section.size)
    if not section.compressed:
        return at
    packed, unpacked = at.number(4), at.number(4)
    return Cursor(
        Memory(source.name, unpack_at(at, packed, unpacked, unpack, _MAX_SECTION), section.at), head.order
    )


def unpack_at(at: Cursor, packed: int, unpacked: int, unpack: Unpack | None, limit: int) -> bytes:
    """Unpack the next `packed` bytes, which must yield `unpacked` bytes and at most `limit`."""
    start = at.at
    if unpack is None:
        raise at.source.damaged("compressed data in a file that says it has none", start)
    if unpacked > limit:
        raise at.source.damaged(f"{unpacked} bytes in one piece: ktrace unpacks up to {limit}", start)
    try:
        return unpack(at.take(packed), unpacked)
    except ValueError as error:
        raise at.source.damaged(f"cannot be unpacked: {error}", start) from None


def _buffer(source: Bytes, head: Head, option: Memory) -> Buffer:
    at = Cursor(option, head.order)
    offset, name, clock = at.number(8), at.text(), at.text()
    page_size, count = at.number(4), at.number(4)
    if not 64 <= page_size <= 1 << 26 or page_size % 4:
        raise option.damaged(f"pages of {page_size} bytes", at.at - 8)
    section = _header(source, head, offset, numbers.BUFFER)
    if count * 20 > at.end - at.at:
        raise option.damaged(f"{count} CPUs cannot be in here", at.at - 4)
    rows = tuple(CpuData(at.number(4), at.number(8), at.number(8)) for _ in range(count))
    return Buffer(name, selected_clock(clock), page_size, section.compressed, rows)


def _text(source: Bytes, head: Head, option: Memory) -> Text:
    at = Cursor(option, head.order)
    offset, name = at.number(8), at.text()
    section = _header(source, head, offset, numbers.BUFFER_TEXT)
    return Text(name, section.at, section.size, section.compressed)
