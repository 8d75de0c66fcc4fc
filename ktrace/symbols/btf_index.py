"""Read the header of a BTF blob and find where each type begins.

BTF (Documentation/bpf/btf.rst) is a sequence of numbered records of different lengths, so a record can be
reached only by walking all records before it. This module does that walk, the only pass over the whole blob.
"""

import mmap
import struct
from array import array
from collections.abc import Mapping
from itertools import pairwise

from ktrace.errors import Damaged
from ktrace.records import dataclass

INT, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST = range(1, 11)
RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC, FLOAT, DECL_TAG, TYPE_TAG, ENUM64 = range(11, 20)

MAGIC = 0xEB9F
_MAGIC_SWAPPED = 0x9FEB
_HEADER = 24  # bytes of the header until 7.0
_HEADER_WITH_LAYOUT = 32

# Kind: (bytes after the three common words, bytes of each of the `vlen` elements).
_TAILS: dict[int, tuple[int, int]] = {
    INT: (4, 0), PTR: (0, 0), ARRAY: (12, 0), STRUCT: (0, 12), UNION: (0, 12), ENUM: (0, 8), FWD: (0, 0),
    TYPEDEF: (0, 0), VOLATILE: (0, 0), CONST: (0, 0), RESTRICT: (0, 0), FUNC: (0, 0), FUNC_PROTO: (0, 8),
    VAR: (4, 0), DATASEC: (0, 12), FLOAT: (0, 0), DECL_TAG: (4, 0), TYPE_TAG: (0, 0), ENUM64: (0, 12),
}  # fmt: skip

_WITH_KIND_FLAG = frozenset({STRUCT, UNION, ENUM, FWD, DECL_TAG, TYPE_TAG, ENUM64})


@dataclass(frozen=True, slots=True)
class Header:
    """The header: offsets in bytes from the start of the blob, ends exclusive.

    `tails` is the blob's own description of kinds newer than this program, so that the walk can skip them.
    """

    type_start: int
    type_end: int
    string_start: int
    string_end: int
    tails: Mapping[int, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Table:
    """The result of the walk.

    Attributes:
        offsets: for each type, in order, the number of 32-bit words before it in the type section.
        first_function: the first of `offsets` that belongs to a function, or the section's end if there is
            none. Functions usually come last, so most of the section need not be searched for them.
    """

    offsets: "array[int]"
    first_function: int


def kind_of(info: int) -> int:
    """Return the kind in a record's second word: 7 bits since 7.3; the two new bits were 0 before."""
    return info >> 24 & 0x7F


def vlen_of(info: int) -> int:
    """Return the number of elements in a record's second word: 24 bits since 7.3, 16 before."""
    return info & 0xFFFFFF


def read_header(data: bytes | mmap.mmap, source: str) -> Header:
    """Read the header of a blob.

    Raises:
        Damaged: there is no header, or its byte order, version, flags or sections are not known.
    """

    def damaged(message: str, offset: int) -> Damaged:
        return Damaged(message, source=source, offset=offset)

    size = len(data)
    if size < _HEADER:
        raise damaged(f"no BTF: {size} bytes are too few for a header", size)
    magic, version, flags, header_len = struct.unpack_from("=HBBI", data)
    if magic == _MAGIC_SWAPPED:
        raise damaged("BTF in the other byte order: it belongs to another machine's kernel", 0)
    if magic != MAGIC:
        raise damaged(f"no BTF: it begins with {magic:#06x} instead of {MAGIC:#06x}", 0)
    if version != 1:
        raise damaged(f"BTF of version {version}; only version 1 is known", 2)
    if flags:
        raise damaged(f"BTF with unknown flags {flags:#x}", 3)
    if header_len < _HEADER or header_len % 4 or header_len > size:
        raise damaged(f"a BTF header cannot have {header_len} bytes", 4)
    type_off, type_len, str_off, str_len = struct.unpack_from("=4I", data, 8)
    layout_off, layout_len = 0, 0
    if header_len >= _HEADER_WITH_LAYOUT:
        layout_off, layout_len = struct.unpack_from("=2I", data, 24)
    if any(data[_HEADER_WITH_LAYOUT:header_len]):
        raise damaged("the BTF header holds fields that are not known", _HEADER_WITH_LAYOUT)
    for at, offset, length in (
        (8, type_off, type_len),
        (16, str_off, str_len),
        (24, layout_off, layout_len),
    ):
        if header_len + offset + length > size:
            raise damaged(
                f"a section ends at {header_len + offset + length}, after the data's end {size}", at
            )
    if type_off % 4 or type_len % 4:
        raise damaged("the type section is not a whole number of words", 8)
    sections = sorted(
        (start, start + length)
        for start, length in ((type_off, type_len), (str_off, str_len), (layout_off, layout_len))
        if length
    )
    if any(end > start for (_, end), (start, _) in pairwise(sections)):
        raise damaged("its sections overlap", 8)
    layout = data[header_len + layout_off : header_len + layout_off + layout_len]
    return Header(
        type_start=header_len + type_off,
        type_end=header_len + type_off + type_len,
        string_start=header_len + str_off,
        string_end=header_len + str_off + str_len,
        tails=_read_layout(layout),
    )


def index(words: memoryview, header: Header, source: str) -> Table:
    """Walk over all types and return where each begins.

    Args:
        words: the type section, cast to native 32-bit unsigned (`I`).
        header: where the section is, for the offsets in errors.
        source: the blob's name, for errors.

    Raises:
        Damaged: a kind is not known, or a record ends after the section's end.
    """
    offsets = array("I")
    sizes = _Sizes(header.tails, offsets)
    append = offsets.append
    position, end = 0, len(words)
    try:
        # 110,000 rounds with one dictionary look-up each: few different second words occur.
        while position < end:
            append(position)
            position += sizes[words[position + 1]]
    except IndexError:
        raise _cut(header, offsets[-1], source) from None
    except _UnknownRecord as problem:
        raise Damaged(
            f"type {len(offsets)} {problem}", source=source, offset=header.type_start + 4 * offsets[-1]
        ) from None
    if position != end:
        raise _cut(header, offsets[-1], source)
    return Table(offsets, end if sizes.first_function is None else sizes.first_function)


def fits(words: memoryview, table: Table, header: Header) -> bool:
    """Return whether the last record of an earlier table ends where these types end."""
    if not table.offsets:
        return not len(words)
    last = table.offsets[-1]
    try:
        return last + _Sizes(header.tails, table.offsets)[words[last + 1]] == len(words)
    except (IndexError, _UnknownRecord):
        return False


class _UnknownRecord(Exception):
    """An error for a second word that makes no sense; the text says why."""


class _Sizes(dict[int, int]):
    """A dictionary from a record's second word to its length in words, filled on first use."""

    def __init__(self, tails: Mapping[int, tuple[int, int]], offsets: "array[int]") -> None:
        super().__init__()
        self._tails = {**tails, **_TAILS}
        self._offsets = offsets  # grows with the walk; the last one is the current record's
        self.first_function: int | None = None

    def __missing__(self, info: int) -> int:
        kind, vlen = kind_of(info), vlen_of(info)
        tail = self._tails.get(kind)
        if tail is None:
            raise _UnknownRecord(f"is of kind {kind}, which is not known")
        if kind in _TAILS:
            if info >> 31 and kind not in _WITH_KIND_FLAG:
                raise _UnknownRecord(f"of kind {kind} has a flag that it cannot have")
            if vlen and not tail[1] and kind != FUNC:
                raise _UnknownRecord(f"of kind {kind} claims {vlen} elements")
        if kind == FUNC and self.first_function is None:
            self.first_function = self._offsets[-1]
        # A FUNC stores its linkage in place of the number of elements.
        size = 3 + (tail[0] + (0 if kind == FUNC else vlen * tail[1])) // 4
        self[info] = size
        return size


def _read_layout(layout: bytes) -> dict[int, tuple[int, int]]:
    """Return the tails of kinds after ENUM64, from the layout section that 7.3 adds: 4 bytes a kind.

    The section also describes the known kinds. If it disagrees about them, it has another format, and all of
    it is ignored.
    """
    entries = [(layout[at], layout[at + 1]) for at in range(0, len(layout) - 3, 4)]
    known = {kind: entry for kind, entry in enumerate(entries) if kind in _TAILS}
    if any(entry != _TAILS[kind] for kind, entry in known.items()):
        return {}
    return {
        kind: entry
        for kind, entry in enumerate(entries)
        if kind > ENUM64 and entry[0] % 4 == 0 and entry[1] % 4 == 0
    }


def _cut(header: Header, last: int, source: str) -> Damaged:
    return Damaged(
        "a type's record ends after the type section's end",
        source=source,
        offset=header.type_start + 4 * last,
    )
