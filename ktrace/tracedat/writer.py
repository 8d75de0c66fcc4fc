"""Write a version 6 file: everything before the pages, and the position of each CPU's pages.

Version 6 is one sequential stream, which every trace-cmd and KernelShark can read. See trace-cmd.dat.v6(5).
"""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ktrace.storage.destination import open_output
from ktrace.tracedat.contents import Contents, CpuData
from ktrace.tracedat.files import encode_files
from ktrace.tracedat.head import encode_head
from ktrace.tracedat.options import DONE, encode
from ktrace.tracedat.version6 import FLYRECORD, OPTIONS


@dataclass(frozen=True, slots=True)
class Layout:
    """A file without its pages.

    Attributes:
        start: all bytes before the first page, which follows immediately.
        cpus: the position of each CPU's pages.
        size: the size of the whole file in bytes.
    """

    start: bytes
    cpus: tuple[CpuData, ...]
    size: int


def encode_start(contents: Contents, sizes: Mapping[int, int]) -> Layout:
    """Encode everything that comes before the pages.

    Args:
        contents: the contents of the file; `buffers` is ignored.
        sizes: by CPU, the size of its pages in bytes, a multiple of the page size. A CPU that is not listed
            has no pages.
    """
    order, page_size = contents.order, contents.page_size
    mark = "<" if order == "little" else ">"
    count = max(max(sizes, default=-1) + 1, contents.options.cpu_count or 0)
    options = replace(contents.options, cpu_count=count)
    out = [
        encode_head(order, contents.long_size, page_size),
        encode_files(
            order,
            contents.header_page,
            contents.header_event,
            contents.ftrace_formats,
            contents.event_formats,
            contents.kallsyms,
            contents.printk_formats,
        ),
        struct.pack(mark + "Q", len(contents.cmdlines)) + contents.cmdlines,
        struct.pack(mark + "I", count),
        OPTIONS,
    ]
    for number, data in encode(options, order):
        out.append(struct.pack(mark + "HI", number, len(data)) + data)
    out += [struct.pack(mark + "H", DONE), FLYRECORD]
    clock = f"[{contents.options.clock or 'local'}]".encode()
    behind = struct.pack(mark + "Q", len(clock)) + clock
    written = sum(map(len, out)) + 16 * count + len(behind)
    at = _round_up(written, page_size)
    cpus = []
    for cpu in range(count):
        size = sizes.get(cpu, 0)
        cpus.append(CpuData(cpu, at, size))
        at = _round_up(at + size, page_size)
    out += [struct.pack(mark + "QQ", row.offset, row.size) for row in cpus]
    out += [behind, bytes(_round_up(written, page_size) - written)]
    return Layout(b"".join(out), tuple(cpus), at)


def write_file(path: str, contents: Contents, pages: Mapping[int, Iterable[bytes]]) -> None:
    """Write a whole file from pages in memory.

    Raises KtraceError or OSError.
    """
    gathered = {cpu: b"".join(pieces) for cpu, pieces in pages.items()}
    layout = encode_start(contents, {cpu: len(data) for cpu, data in gathered.items()})
    with open_output(path) as file:
        file.write(layout.start)
        for row in layout.cpus:
            file.seek(row.offset)
            file.write(gathered.get(row.cpu, b""))


def _round_up(number: int, unit: int) -> int:
    return -(-number // unit) * unit
