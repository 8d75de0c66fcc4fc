"""Records of any format with values at random, and a recording of them, as `ktrace record` writes it."""

import random
import struct
from collections.abc import Mapping
from pathlib import Path

from ktrace.model.format import Field, Format, parse_format
from ktrace.tracedat.contents import Contents, Options
from ktrace.tracedat.writer import write_file
from tests.unit.ringbuffer.page_writer import PageWriter, common

EACH = 3  # records of each format

_LETTERS = b"abcdefgXYZ0123456789_/-."
_ADDRESS_SIZE = 28  # of a struct sockaddr_in6
_INTEGERS = (1, 2, 4, 8)


class Random(random.Random):
    """Values that a kernel could have recorded: few are large, and texts are letters."""

    def number(self, size: int, name: str = "") -> int:
        """Return an integer of `size` bytes; one for a length is not larger than the arrays are."""
        if name.endswith(("len", "length")):
            return self.randrange(5)
        if size < 8:
            return self.choice((0, 1, 2, 3, 4, 5, 7, 8, 16, 17, 33, 64, 100))
        return self.choice((0, 1, 2, 3, 4096, 5_000_001, 1_000_000_123, 1 << 40))

    def address(self) -> bytes:
        """Return the address of a socket: of IPv4 or IPv6, its port, and more."""
        return struct.pack("<H", self.choice((2, 10))) + self.randbytes(_ADDRESS_SIZE - 2)

    def text(self, length: int) -> bytes:
        """Return letters."""
        return bytes(self.choices(_LETTERS, k=length))


def recording(path: Path, formats: Mapping[str, str], tracing: Path) -> list[str]:
    """Write a recording of all formats but ftrace's own, and return the event of each record.

    Args:
        path: the file to write.
        formats: by `GROUP/NAME`, the format file.
        tracing: where the other files of a recording are.
    """
    page, pages, events = PageWriter(), [], []
    for event, text in formats.items():
        system = event.partition("/")[0]
        if system == "ftrace":
            continue
        form = parse_format(text, system)
        values = Random(event)  # the same, whichever formats are there
        for _ in range(EACH):
            body = record(form, values)
            if page.room < len(body) + 16:
                pages.append(page.bytes())
                page = PageWriter(page.ts)
            page.record(body, 1000)
            events.append(event)
    own = [text for event, text in formats.items() if event.startswith("ftrace/")]
    contents = Contents(
        version=6,
        order="little",
        long_size=8,
        page_size=4096,
        header_page=(tracing / "events/header_page").read_text(),
        header_event=(tracing / "events/header_event").read_text(),
        ftrace_formats=tuple(own),
        event_formats=tuple(
            (event.partition("/")[0], text)
            for event, text in formats.items()
            if not event.startswith("ftrace/")
        ),
        kallsyms=b"ffffffff81000000 T _text\nffffffff82000000 T _end\n",
        printk_formats=b"",
        cmdlines=b"42 a task\n",
        options=Options(clock="local", cpu_count=1, uname="Linux", written_by="test", trace_id=1),
    )
    write_file(str(path), contents, {0: [*pages, page.bytes()]})
    return events


def record(form: Format, values: Random) -> bytes:
    """Return a record with values for all fields."""
    body = bytearray(-(-max(field.offset + field.size for field in form.fields) // 4) * 4)
    body[:8] = common(form.id)
    tail = bytearray()
    for field in form.args:
        is_text = field.is_text and not form.is_data(field)
        if field.shape in ("data_loc", "rel_loc"):
            for i in range(max(field.size // 4, 1)):
                data = _data(form, field, values, is_text)
                base = field.offset + 4 * (i + 1) if field.shape == "rel_loc" else 0
                struct.pack_into("<HH", body, field.offset + 4 * i, len(body) + len(tail) - base, len(data))
                tail += data + bytes(-len(data) % 4)
        elif field.shape == "array" and field.size == _ADDRESS_SIZE:
            body[field.offset : field.offset + field.size] = values.address()
        elif field.shape == "array" and is_text:
            text = values.text(values.randrange(max(field.size, 1)))
            body[field.offset : field.offset + field.size] = text.ljust(field.size, b"\0")
        else:
            width = field.width if field.width in _INTEGERS else 1
            number = field.size // width
            data = b"".join(values.number(width, field.name).to_bytes(width, "little") for _ in range(number))
            body[field.offset : field.offset + len(data)] = data
    return bytes(body + tail)


def _data(form: Format, field: Field, values: Random, is_text: bool) -> bytes:
    if is_text:
        return values.text(values.randrange(12)) + b"\0"
    if "sockaddr" in form.print_fmt or "%pIS" in form.print_fmt:
        return values.address()
    return values.randbytes(
        8 * values.randrange(1, 3) if field.width == 8 else field.width * values.randrange(6)
    )
