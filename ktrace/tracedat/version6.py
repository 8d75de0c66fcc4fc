"""Read a version 6 file: everything is one after the other. See trace-cmd.dat.v6(5)."""

from collections.abc import Iterator

from ktrace.tracedat.contents import Buffer, Contents, CpuData, Text
from ktrace.tracedat.files import read_event_formats, read_ftrace_formats, read_headers
from ktrace.tracedat.head import Head
from ktrace.tracedat.options import BUFFER, DONE, parse, selected_clock
from ktrace.tracedat.source import Bytes, Cursor, Memory

OPTIONS, FLYRECORD, LATENCY = b"options  \0", b"flyrecord\0", b"latency  \0"
_ROW = 16  # a CPU's offset and size


def read(source: Bytes, head: Head) -> Contents:
    """Read everything but the pages.

    Raises Damaged.
    """
    at = Cursor(source, head.order, head.end)
    header_page, header_event = read_headers(at)
    ftrace_formats = read_ftrace_formats(at)
    event_formats = read_event_formats(at)
    kallsyms, printk_formats, cmdlines = at.sized(4), at.sized(4), at.sized(8)
    cpus = _cpu_count(at, at.number(4))
    word_at = at.at
    word = at.take(len(OPTIONS))
    options, pointers = parse((), source.name, head.order)
    if word == OPTIONS:
        options, pointers = parse(_options(at), source.name, head.order)
        if options.cpu_count is not None:
            cpus = _cpu_count(at, options.cpu_count)
        word_at = at.at
        word = at.take(len(FLYRECORD))
    buffers: list[Buffer] = []
    texts: list[Text] = []
    if word == LATENCY:
        texts.append(Text("", at.at, source.size - at.at, False))
    elif word == FLYRECORD:
        buffers.append(_buffer(at, "", options.clock, cpus, head))
        buffers += [_instance(source, data, options.clock, cpus, head) for data in pointers.buffers]
    else:
        raise source.damaged("neither options, pages nor text begin here", word_at)
    return Contents(
        6,
        head.order,
        head.long_size,
        head.page_size,
        "",
        header_page,
        header_event,
        tuple(text for _, _, text in ftrace_formats),
        tuple((system, text) for _, system, text in event_formats),
        kallsyms,
        printk_formats,
        cmdlines,
        options,
        tuple(buffers),
        tuple(texts),
        tuple(place for place, _, _ in (*ftrace_formats, *event_formats)),
    )


def _options(at: Cursor) -> Iterator[tuple[int, int, bytes]]:
    """Yield the number, place and data of each option, up to the bare 0 that ends them."""
    while (number := at.number(2)) != DONE:
        yield number, at.at, at.sized(4)


def _instance(source: Bytes, option: Memory, clock: str, cpus: int, head: Head) -> Buffer:
    """Read the buffer that a BUFFER option points at."""
    found = Cursor(option, head.order)
    offset, name = found.number(8), found.text()
    at = Cursor(source, head.order, offset)
    at.expect(FLYRECORD, f"the pages of instance {name} (option {BUFFER})")
    return _buffer(at, name, clock, cpus, head)


def _buffer(at: Cursor, name: str, clock: str, cpus: int, head: Head) -> Buffer:
    rows = tuple(CpuData(cpu, at.number(8), at.number(8)) for cpu in range(cpus))
    return Buffer(name, clock or _clock_behind(at), head.page_size, False, rows)


def _clock_behind(at: Cursor) -> str:
    """Read the clock that trace-cmd writes after the rows.

    It is a size of 8 bytes and a text; older files have zeros.
    """
    if at.end - at.at < 8:
        return ""
    size = at.number(8)
    return (
        selected_clock(at.take(size).decode("utf-8", "replace"))
        if 0 < size <= min(256, at.end - at.at)
        else ""
    )


def _cpu_count(at: Cursor, count: int) -> int:
    if count * _ROW > at.source.size:
        raise at.source.damaged(f"{count} CPUs cannot be in a file of {at.source.size} bytes", at.at)
    return count
