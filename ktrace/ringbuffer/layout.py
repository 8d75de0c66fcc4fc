"""The layout of a page of the ring buffer, from `events/header_page`.

A "page" is a sub-buffer: a page of memory, or several of them (`buffer_subbuf_size_kb`).
"""

import re

from ktrace.errors import UsageError
from ktrace.records import dataclass

_FIELD = re.compile(
    r"^\s*field:(?:[^;\n]*[^\w;\n])?(\w{1,64});\s*offset:(\d{1,9});\s*size:(\d{1,9});",
    re.MULTILINE | re.ASCII,
)
_LARGEST = 1 << 26

LENGTH = 0xFFFFF
"""Mask of the commit word: the number of valid bytes."""
PADDING, EXTEND, STAMP = 29, 30, 31
"""The types of headers that have no record: see `walk`."""
LONGEST = 28
"""The largest type of a header that is a record's length."""
STAMP_BITS = 59
"""The lower bits of a time that a time stamp has."""


@dataclass(frozen=True, slots=True)
class PageLayout:
    """Sizes and offsets, in bytes.

    Attributes:
        size: the size of a whole page.
        data: the offset of its records.
        commit: the offset of the number of valid bytes; the time of the first record is at offset 0.
        long: the size of that number, the kernel's `long`.
        big_endian: whether the traced machine is big-endian.
    """

    size: int = 4096
    data: int = 16
    commit: int = 8
    long: int = 8
    big_endian: bool = False

    @property
    def order(self) -> str:
        """Return the byte order, as NumPy spells it."""
        return ">" if self.big_endian else "<"


def parse_header_page(text: str, *, big_endian: bool = False) -> PageLayout:
    """Read `events/header_page`.

    Raises:
        UsageError: the text is not such a file, or describes an unknown layout.
    """
    fields = {name: (int(offset), int(size)) for name, offset, size in _FIELD.findall(text)}
    if "commit" not in fields or "data" not in fields:
        raise UsageError("not the description of a ring buffer's page: no commit and data", excerpt=text[:60])
    data, length = fields["data"]
    commit, long = fields["commit"]
    if (
        long not in (4, 8)
        or commit < 8
        or data < commit + long
        or length <= 0
        or (data + length) % 8
        or data + length > _LARGEST
    ):
        raise UsageError("a ring buffer's page with an unknown layout", excerpt=text[:200])
    return PageLayout(data + length, data, commit, long, big_endian)
