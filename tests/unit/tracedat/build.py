"""Files to read: contents as tests like them, and version 7 files, which the product does not write."""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from ktrace.tracedat import options as numbers
from ktrace.tracedat.contents import Contents, Options
from ktrace.tracedat.files import encode_files
from ktrace.tracedat.writer import write_file

PAGE = 4096

HEADER_PAGE = (
    "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
    "\tfield: local_t commit;\toffset:8;\tsize:8;\tsigned:1;\n"
    "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
    "\tfield: char data;\toffset:16;\tsize:4080;\tsigned:1;\n"
)
HEADER_EVENT = "# compressed entry header\n\ttype_len    :    5 bits\n"


def contents(**changes: object) -> Contents:
    """The contents of a small recording."""
    made = Contents(
        version=6,
        order="little",
        long_size=8,
        page_size=PAGE,
        header_page=HEADER_PAGE,
        header_event=HEADER_EVENT,
        ftrace_formats=("name: print\nID: 5\nformat:\n",),
        event_formats=(("sched", "name: a\nID: 300\nformat:\n"), ("kprobes", "name: b\nID: 301\nformat:\n")),
        kallsyms=b"ffffffff81000000 T _text\n",
        printk_formats=b'0xffffffff82000000 : "hello"\n',
        cmdlines=b"1 init\n7 my prog\n",
        options=Options(clock="mono", cpu_count=3, uname="Linux", written_by="test", trace_id=77),
    )
    return replace(made, **changes)


def page(number: int, size: int = PAGE) -> bytes:
    """Return a page that differs from the others."""
    return struct.pack("<QQI", number, 0xFF0, number) + bytes(size - 20)


def write(path: Path, pages: Mapping[int, list[bytes]], **changes: object) -> str:
    """A version 6 file."""
    write_file(str(path), contents(**changes), pages)
    return str(path)


def version7(
    made: Contents,
    pages: Mapping[int, list[bytes]],
    pack: Callable[[bytes], bytes] | None = None,
    name: str = "zlib",
    chunk: int = 2,
) -> bytes:
    """A version 7 file as trace-cmd lays it out, with `pack` compressed: `chunk` pages at a time."""
    out = bytearray(b"\x17\x08\x44tracing7\0\0\x08" + struct.pack("<I", made.page_size))
    out += (f"{name}\0001.2.3\0" if pack else "none\0\0").encode()
    options_at = len(out)
    out += bytes(8)

    def section(number: int, data: bytes) -> int:
        at = len(out)
        if pack:
            packed = pack(data)
            data = struct.pack("<II", len(packed), len(data)) + packed
        out.extend(struct.pack("<HHIQ", number, bool(pack), 0, len(data)) + data)
        return at

    pieces = _pieces(made)
    where = {number: section(number, data) for number, data in pieces.items()}
    buffer_at = len(out)
    out += bytes(16)
    rows = []
    for cpu, list_of_pages in pages.items():
        out += bytes(-len(out) % made.page_size)
        offset = len(out)
        if pack:
            groups = [b"".join(list_of_pages[i : i + chunk]) for i in range(0, len(list_of_pages), chunk)]
            packed = [(pack(group), len(group)) for group in groups]
            data = b"".join(struct.pack("<II", len(p), n) + p for p, n in packed)
            out += struct.pack("<I", len(packed)) + data
            rows.append((cpu, offset, len(data)))
        else:
            out += b"".join(list_of_pages)
            rows.append((cpu, offset, sum(map(len, list_of_pages))))
    struct.pack_into("<HHIQ", out, buffer_at, 3, bool(pack), 0, len(out) - buffer_at - 16)
    buffer = struct.pack("<Q", buffer_at) + b"\0" + made.options.clock.encode() + b"\0"
    buffer += struct.pack("<II", made.page_size, len(rows))
    buffer += b"".join(struct.pack("<IQQ", *row) for row in rows)
    first = [(number, struct.pack("<Q", at)) for number, at in where.items()]
    second = [(numbers.BUFFER, buffer), *numbers.encode(made.options, "little")]
    # Two sections of options: the first points to the second.
    last_at = section(0, _options(second, 0))
    struct.pack_into("<Q", out, options_at, len(out))
    section(0, _options(first, last_at))
    return bytes(out)


def _pieces(made: Contents) -> dict[int, bytes]:
    """Each section's data: parts of what version 6 has in a row."""

    def files(**kept: object) -> bytes:
        nothing: dict[str, object] = {
            "header_page": "", "header_event": "", "ftrace_formats": (), "event_formats": (),
            "kallsyms": b"", "printk_formats": b"",
        }  # fmt: skip
        return encode_files("little", **{**nothing, **kept})

    # Of nothing at all: two headers of 12 + 8 and 13 + 8 bytes, and four counts of 4.
    empty = len(files())
    head = files(header_page=made.header_page, header_event=made.header_event)
    return {
        numbers.HEADERS: head[:-16],
        numbers.FTRACE_FORMATS: files(ftrace_formats=made.ftrace_formats)[empty - 16 : -12],
        numbers.EVENT_FORMATS: files(event_formats=made.event_formats)[empty - 12 : -8],
        numbers.KALLSYMS: struct.pack("<I", len(made.kallsyms)) + made.kallsyms,
        numbers.PRINTK: struct.pack("<I", len(made.printk_formats)) + made.printk_formats,
        numbers.CMDLINES: struct.pack("<Q", len(made.cmdlines)) + made.cmdlines,
    }


def _options(found: list[tuple[int, bytes]], following: int) -> bytes:
    out = b"".join(struct.pack("<HI", number, len(data)) + data for number, data in found)
    return out + struct.pack("<HIQ", 0, 8, following)


def zlib_pack(data: bytes) -> bytes:
    """Compress as trace-cmd does if it was built with zlib."""
    return zlib.compress(data)


def zstd_pack(data: bytes) -> bytes:
    """A zstd frame that compresses nothing: RFC 8878, raw blocks."""
    out = b"\x28\xb5\x2f\xfd" + bytes([0b10100000]) + struct.pack("<I", len(data))
    size = 1 << 16
    blocks = [data[i : i + size] for i in range(0, len(data), size)] or [b""]
    for i, block in enumerate(blocks):
        out += ((len(block) << 3) | (i == len(blocks) - 1)).to_bytes(3, "little") + block
    return out
