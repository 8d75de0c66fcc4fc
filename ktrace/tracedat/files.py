"""The kernel's files that a trace.dat file contains: formats, symbols, names.

They are the same in both versions. Version 6 has them one after the other, version 7 has each in a section.
See trace-cmd.dat.v6(5), "HEADER INFO FORMAT" and what follows.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from ktrace.tracedat.source import Cursor, Order

_PAGE, _EVENT = b"header_page\0", b"header_event\0"


def read_headers(at: Cursor) -> tuple[str, str]:
    """Read `header_page` and `header_event`."""
    at.expect(_PAGE, "header_page")
    page = at.sized(8)
    at.expect(_EVENT, "header_event")
    return _decode(page), _decode(at.sized(8))


Placed: TypeAlias = tuple[int, str, str]
"""The offset of a format in the file, its system, and the format."""


def read_ftrace_formats(at: Cursor) -> tuple[Placed, ...]:
    """Read the formats of ftrace's own events."""
    return tuple(_format(at, "ftrace") for _ in range(at.number(4)))


def read_event_formats(at: Cursor) -> tuple[Placed, ...]:
    """Read the formats of all other events."""
    found: list[Placed] = []
    for _ in range(at.number(4)):
        system = at.text()
        found += [_format(at, system) for _ in range(at.number(4))]
    return tuple(found)


def _format(at: Cursor, system: str) -> Placed:
    place = at.source.place(at.at)
    return place, system, _decode(at.sized(8))


# many parameters: the parts of the file, in its order
def encode_files(
    order: Order,
    header_page: str,
    header_event: str,
    ftrace_formats: Sequence[str],
    event_formats: Iterable[tuple[str, str]],
    kallsyms: bytes,
    printk_formats: bytes,
) -> bytes:
    """Encode the files for version 6, up to where the names of tasks begin."""
    mark = "<" if order == "little" else ">"

    def sized(data: bytes) -> bytes:
        return struct.pack(mark + "Q", len(data)) + data

    out = [_PAGE, sized(_encode(header_page)), _EVENT, sized(_encode(header_event))]
    out.append(struct.pack(mark + "I", len(ftrace_formats)))
    out += [sized(_encode(text)) for text in ftrace_formats]
    systems = _by_system(event_formats)
    out.append(struct.pack(mark + "I", len(systems)))
    for system, texts in systems.items():
        out.append(_encode(system) + b"\0" + struct.pack(mark + "I", len(texts)))
        out += [sized(_encode(text)) for text in texts]
    for data in (kallsyms, printk_formats):
        out.append(struct.pack(mark + "I", len(data)) + data)
    return b"".join(out)


def _by_system(formats: Iterable[tuple[str, str]]) -> Mapping[str, list[str]]:
    systems: dict[str, list[str]] = {}
    for system, text in formats:
        systems.setdefault(system, []).append(text)
    return systems


def _decode(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
