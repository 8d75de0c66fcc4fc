"""Read abbreviation tables (7.5.3): the attributes of an entry and their forms.

A kernel's unit has 250 abbreviations, of which a look-up uses a few dozen. A regular expression finds where
each begins, and each is decoded on first use.
"""

import re
from dataclasses import dataclass

from ktrace.symbols.dwarf.bytes import BROKEN, sleb, uleb
from ktrace.symbols.dwarf.constants import AT_SIBLING, FIXED, FORM_IMPLICIT_CONST, OFFSETS, UNIT_REFS
from ktrace.symbols.elf import Section

_LEB = rb"[\x80-\xff]*[\x00-\x7f]"
# Attribute and form; the value of an implicit constant (0x21) follows.
_PAIR = rb"(?!\x00\x00)%b(?:\x21%b|(?!\x21)%b)" % (_LEB, _LEB, _LEB)
# Code, tag, children; pairs; two zeros.
# An atomic group, not `*+`: that never matches here in Python 3.11.2.
_ENTRY = re.compile(rb"((?!\x00)%b)%b[\x00\x01](?>(?:%b)*)\x00\x00" % (_LEB, _LEB, _PAIR), re.DOTALL)

_FIRST_READ = 1 << 13  # bytes; a table of the kernel takes 3 kB
_TABLE_MAX = 1 << 22


@dataclass(frozen=True, slots=True)
class Abbrev:
    """One abbreviation.

    Attributes:
        specs: attribute, form, value of an implicit constant.
        size: bytes of all attributes if that never changes; None otherwise.
        sibling: offset in bytes of DW_AT_sibling from the first attribute and its size, if its position never
            changes.
    """

    code: int
    tag: int
    has_children: bool
    specs: tuple[tuple[int, int, int], ...]
    size: int | None
    sibling: tuple[int, int] | None


class AbbrevTable:
    """The abbreviations of one unit."""

    def __init__(self, section: Section, offset: int, address_size: int, offset_size: int) -> None:
        self._section = section
        self._offset = offset
        self._sizes = address_size, offset_size
        self.known: dict[int, Abbrev] = {}  # those decoded so far
        self._data = b""
        self._starts: dict[int, int] | None = None

    def get(self, code: int) -> Abbrev:
        """Return the abbreviation of that code. Raises Damaged if it does not exist."""
        known = self.known.get(code)
        if known is not None:
            return known
        if self._starts is None:
            self._starts = self._find_all()
        at = self._starts.get(code)
        if at is None:
            raise self._section.damaged(self._offset, f"no abbreviation has the code {code}")
        try:
            abbrev = self._decode(at)
        except BROKEN:
            raise self._section.damaged(self._offset + at, "an abbreviation makes no sense") from None
        self.known[code] = abbrev
        return abbrev

    def _find_all(self) -> dict[int, int]:
        size = _FIRST_READ
        rest = self._section.size - self._offset
        while True:
            # A table has no length: it ends with code 0.
            self._data = self._section.read(self._offset, min(size, rest))
            starts: dict[int, int] = {}
            at = 0
            while match := _ENTRY.match(self._data, at):
                starts.setdefault(self._code(match[1], at), at)
                at = match.end()
            if self._data[at : at + 1] == b"\0":
                return starts
            if size >= min(rest, _TABLE_MAX):
                raise self._section.damaged(self._offset + at, "the table of abbreviations does not end")
            size *= 8

    def _code(self, number: bytes, at: int) -> int:
        try:
            return uleb(number, 0)[0]
        except BROKEN:
            raise self._section.damaged(self._offset + at, "an abbreviation's code does not end") from None

    def _decode(self, at: int) -> Abbrev:
        data = self._data
        code, at = uleb(data, at)
        tag, at = uleb(data, at)
        has_children = data[at] == 1
        at += 1
        specs: list[tuple[int, int, int]] = []
        size: int | None = 0
        sibling = None
        while True:
            attribute, at = uleb(data, at)
            form, at = uleb(data, at)
            if not attribute and not form:
                return Abbrev(code, tag, has_children, tuple(specs), size, sibling)
            value = 0
            if form == FORM_IMPLICIT_CONST:
                value, at = sleb(data, at)
            width = self._width(form)
            if attribute == AT_SIBLING and form in UNIT_REFS and size is not None and width:
                sibling = size, width
            size = None if size is None or width is None else size + width
            specs.append((attribute, form, value))

    def _width(self, form: int) -> int | None:
        """Return the size of a form in bytes; None if it varies."""
        if form == 0x01:
            return self._sizes[0]
        return self._sizes[1] if form in OFFSETS else FIXED.get(form)
