"""Read units of .debug_info and their entries (7.5): headers, attributes, the tree.

Entries are read one at a time, on demand. Skipping one costs little: most have a fixed size, and GCC writes
where the next sibling is.
"""

from collections.abc import Iterator

from ktrace.errors import Damaged
from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.abbrev import Abbrev, AbbrevTable
from ktrace.symbols.dwarf.bytes import BROKEN, block, cstring, fixed, sleb, uleb
from ktrace.symbols.dwarf.unit_header import UnitHeader, read_header
from ktrace.symbols.elf import Elf, Section

_OUTER = frozenset({c.TAG_SUBPROGRAM, c.TAG_NAMESPACE})
_REFS_MAX = 16  # a concrete entry needs two: its abstract origin and the declaration of that


class Die:
    """One entry. `offset` in bytes from the start of its unit; attributes are decoded on demand."""

    __slots__ = ("_attributes", "abbrev", "at", "offset", "unit")

    def __init__(self, unit: "Unit", offset: int, abbrev: Abbrev, at: int) -> None:
        self.unit = unit
        self.offset = offset
        self.abbrev = abbrev
        self.at = at  # position of the first attribute
        self._attributes: dict[int, tuple[int, int | bytes]] | None = None

    @property
    def tag(self) -> int:
        """Return the DW_TAG."""
        return self.abbrev.tag

    @property
    def key(self) -> int:
        """Return its offset in .debug_info, which identifies it."""
        return self.unit.offset + self.offset

    def raw(self, attribute: int) -> tuple[int, int | bytes] | None:
        """Return form and value as stored; None without that attribute."""
        if self._attributes is None:
            self._attributes = self.unit.attributes(self)
        return self._attributes.get(attribute)

    def number(self, attribute: int) -> int | None:
        """Return a constant (signed if its form is); None if the attribute is missing or not a constant."""
        found = self.raw(attribute)
        return found[1] if found and isinstance(found[1], int) and found[0] in c.CONSTANTS else None

    def flag(self, attribute: int) -> bool:
        """Return whether a flag is present and set."""
        found = self.raw(attribute)
        return bool(found and found[1])

    def text(self, attribute: int) -> str | None:
        """Return a string attribute."""
        found = self.raw(attribute)
        return self.unit.text(*found) if found else None

    def address(self, attribute: int) -> int | None:
        """Return an address attribute."""
        found = self.raw(attribute)
        return self.unit.address(*found) if found else None

    def reference(self, attribute: int) -> "Die | None":
        """Return the entry that an attribute refers to, in this unit or another."""
        found = self.raw(attribute)
        if not found or not isinstance(found[1], int):
            return None
        form, value = found[0], found[1]
        if form in c.UNIT_REFS:
            return self.unit.die_at(value)
        return self.unit.file.die_at(value) if form == c.FORM_REF_ADDR else None

    def origin(self) -> "Die":
        """Return the entry that this one is an instance of, or itself."""
        die = self
        for _ in range(_REFS_MAX):
            further = die.reference(c.AT_ABSTRACT_ORIGIN) or die.reference(c.AT_SPECIFICATION)
            if further is None:
                return die
            die = further
        raise self.unit.damaged(self.offset, "an entry is its own origin")

    def inherited(self, attribute: int) -> "Die | None":
        """Return the first of this entry, its abstract origin and its declaration that has an attribute."""
        die: Die | None = self
        for _ in range(_REFS_MAX):
            if die is None or die.raw(attribute):
                return die
            die = die.reference(c.AT_ABSTRACT_ORIGIN) or die.reference(c.AT_SPECIFICATION)
        raise self.unit.damaged(self.offset, "an entry is its own origin")

    @property
    def name(self) -> str:
        """Return DW_AT_name, its own or its origin's; empty without one."""
        holder = self.inherited(c.AT_NAME)
        return (holder.text(c.AT_NAME) if holder else None) or ""

    def children(self, tags: frozenset[int] | None = None) -> "Iterator[Die]":
        """Yield the direct children, those with the given tags or all."""
        return self.unit.children(self, tags)


class Unit:
    """One unit, with its bytes in memory. Positions are in bytes from its start."""

    def __init__(self, file: "DebugFile", header: UnitHeader) -> None:
        self.file = file
        self.header = header
        self.offset = header.offset
        self._data = file.info.read(header.offset, header.size)
        self._abbrevs = AbbrevTable(
            file.need(".debug_abbrev"), header.abbrev_offset, header.address_size, header.offset_size
        )
        self.top = self.die_at(header.first)
        self._functions: list[Die] | None = None

    def damaged(self, at: int, message: str) -> Damaged:
        """Return an error for something that makes no sense."""
        return self.file.info.damaged(self.offset + at, message)

    def die_at(self, at: int) -> Die:
        """Return the entry at a position. Raises Damaged if none can be there."""
        if not self.header.first <= at < len(self._data):
            raise self.damaged(at, "a reference leaves its unit")
        try:
            code, after = uleb(self._data, at)
        except BROKEN:
            raise self.damaged(at, "an entry makes no sense") from None
        if not code:
            raise self.damaged(at, "a reference to where no entry is")
        return Die(self, at, self._abbrevs.get(code), after)

    def children(self, die: Die, tags: frozenset[int] | None = None) -> Iterator[Die]:
        """Yield the direct children of `die`, in order."""
        if not die.abbrev.has_children:
            return
        # This is the innermost loop of every look-up, so the usual case is written out here.
        data, known, at = self._data, self._abbrevs.known, self.attributes_end(die)
        size = len(data)
        try:
            while True:
                start = at
                code = data[at]
                at += 1
                if code >= 0x80:
                    code, at = uleb(data, start)
                if not code:
                    return
                abbrev = known.get(code) or self._abbrevs.get(code)
                if tags is None or abbrev.tag in tags:
                    yield Die(self, start, abbrev, at)
                if not abbrev.has_children and abbrev.size is not None:
                    at += abbrev.size
                elif abbrev.has_children and abbrev.sibling:
                    where, width = abbrev.sibling
                    sibling = int.from_bytes(data[at + where : at + where + width], "little")
                    if not at + where < sibling <= size:
                        raise ValueError("a sibling that does not come after its entry")
                    at = sibling
                else:
                    at = self._next(abbrev, at)
        except BROKEN:
            raise self.damaged(die.offset, "what is below an entry makes no sense") from None

    def end(self, die: Die) -> int:
        """Return the position after an entry and all its descendants."""
        try:
            return self._next(die.abbrev, die.at)
        except BROKEN:
            raise self.damaged(die.offset, "what is below an entry makes no sense") from None

    def attributes_end(self, die: Die) -> int:
        """Return the position after the attributes of an entry."""
        try:
            return self._after(die.abbrev, die.at)
        except BROKEN:
            raise self.damaged(die.offset, "the attributes of an entry make no sense") from None

    def functions(self) -> "list[Die]":
        """Return the functions at the top level and in namespaces (Rust's)."""
        if self._functions is None:
            pending = [self.top]
            found: list[Die] = []
            while pending:
                for die in pending.pop().children(_OUTER):
                    (found if die.tag == c.TAG_SUBPROGRAM else pending).append(die)
            self._functions = found
        return self._functions

    def attributes(self, die: Die) -> dict[int, tuple[int, int | bytes]]:
        """Return form and value of each attribute."""
        found: dict[int, tuple[int, int | bytes]] = {}
        at = die.at
        try:
            for attribute, form, value in die.abbrev.specs:
                if form == c.FORM_IMPLICIT_CONST:
                    found[attribute] = form, value
                else:
                    real, read, at = self._value(form, at)
                    found[attribute] = real, read
        except BROKEN:
            raise self.damaged(die.offset, "the attributes of an entry make no sense") from None
        return found

    def find(self, wanted: bytes) -> Iterator[int]:
        """Yield the positions where these bytes occur, whatever they mean there."""
        at = self._data.find(wanted)
        while at >= 0:
            yield at
            at = self._data.find(wanted, at + 1)

    def text(self, form: int, value: int | bytes) -> str | None:
        """Return the string for a value of one of the string forms."""
        if isinstance(value, int):
            if form == c.FORM_STRP:
                value = self.file.need(".debug_str").string(value)
            elif form == c.FORM_LINE_STRP:
                value = self.file.need(".debug_line_str").string(value)
            elif form in c.STRING_INDEXES:
                size = self.header.offset_size
                table = self.file.need(".debug_str_offsets")
                at = self._base(c.AT_STR_OFFSETS_BASE, size * 2) + value * size
                value = self.file.need(".debug_str").string(int.from_bytes(table.read(at, size), "little"))
            else:  # in a supplementary file (dwz), which kernels do not have
                return None
        return value.decode("utf-8", "replace")

    def address(self, form: int, value: int | bytes) -> int | None:
        """Return the address for a value of one of the address forms."""
        if not isinstance(value, int):
            return None
        if form == c.FORM_ADDR:
            return value
        return self.indexed_address(value) if form in c.ADDRESS_INDEXES else None

    def indexed_address(self, index: int) -> int:
        """Return entry `index` of the unit's part of .debug_addr."""
        size = self.header.address_size
        at = self._base(c.AT_ADDR_BASE, 8) + index * size
        return int.from_bytes(self.file.need(".debug_addr").read(at, size), "little")

    def list_offset(self, form: int, value: int, base: int, section: str) -> int:
        """Return the start in `section` of a list that is given by offset or by number (7.28, 7.29)."""
        if form not in (c.FORM_RNGLISTX, c.FORM_LOCLISTX):
            return value
        size = self.header.offset_size
        start = self._base(base, 12 if size == 4 else 20)
        content = self.file.need(section).read(start + value * size, size)
        return start + int.from_bytes(content, "little")

    def _base(self, attribute: int, default: int) -> int:
        found = self.top.raw(attribute)
        return found[1] if found and isinstance(found[1], int) else default

    def _after(self, abbrev: Abbrev, at: int) -> int:
        """Return the position after the attributes that begin at `at`."""
        if abbrev.size is not None:
            return at + abbrev.size
        for _, form, _ in abbrev.specs:
            size = c.FIXED.get(form)
            at = at + size if size is not None else self._value(form, at)[2]
        return at

    def _next(self, abbrev: Abbrev, at: int) -> int:
        """Return the position after an entry, whose attributes begin at `at`, and its descendants."""
        after = self._after(abbrev, at)
        if not abbrev.has_children:
            return after
        depth = 1
        if abbrev.sibling:
            where, width = abbrev.sibling
            sibling, _ = fixed(self._data, at + where, width)
            if sibling < after or sibling > len(self._data):
                raise ValueError("a sibling that does not come after its entry")
            return sibling
        at, data = after, self._data
        while depth:
            code, at = uleb(data, at)
            if not code:
                depth -= 1
                continue
            child = self._abbrevs.get(code)
            if child.has_children and child.sibling:
                at = self._next(child, at)
                continue
            at = self._after(child, at)
            depth += child.has_children
        return at

    def _value(self, form: int, at: int) -> tuple[int, int | bytes, int]:
        """Return form (DW_FORM_indirect resolved), value and the position after it."""
        data = self._data
        size = c.FIXED.get(form)
        if form == c.FORM_FLAG_PRESENT:
            return form, 1, at
        if form == c.FORM_DATA16:
            return form, *block(data, at, 16)
        if size is not None:
            return form, *fixed(data, at, size)
        if form in c.OFFSETS:
            # In DWARF 2, references were as wide as addresses.
            old = form == c.FORM_REF_ADDR and self.header.version == 2
            return form, *fixed(data, at, self.header.address_size if old else self.header.offset_size)
        if form in c.LEBS:
            return form, *uleb(data, at)
        if form == c.FORM_ADDR:
            return form, *fixed(data, at, self.header.address_size)
        if form == c.FORM_SDATA:
            return form, *sleb(data, at)
        if form == c.FORM_STRING:
            return form, *cstring(data, at)
        if form in (c.FORM_EXPRLOC, c.FORM_BLOCK):
            length, at = uleb(data, at)
            return form, *block(data, at, length)
        if form in c.BLOCKS:
            length, at = fixed(data, at, c.BLOCKS[form])
            return form, *block(data, at, length)
        if form == c.FORM_INDIRECT:
            form, at = uleb(data, at)
            if form not in (c.FORM_INDIRECT, c.FORM_IMPLICIT_CONST):
                return self._value(form, at)
        raise ValueError(f"unknown form {form}")


class DebugFile:
    """An ELF file with debug info: its sections, and the units that were read last."""

    def __init__(self, elf: Elf) -> None:
        self.elf = elf
        self.info = self.need(".debug_info")
        self._units: dict[int, Unit] = {}
        self._headers: dict[int, UnitHeader] | None = None

    def need(self, name: str) -> Section:
        """Return a section that something refers to. Raises Damaged if it is missing."""
        section = self.elf.section(name)
        if section is None:
            raise Damaged(f"there is no section {name}", source=self.elf.source, offset=0)
        return section

    def unit(self, offset: int) -> Unit:
        """Return the unit that begins at `offset`."""
        unit = self._units.pop(offset, None)
        if unit is None:
            unit = Unit(self, read_header(self.info, offset))
            # Each takes a hundred kB: when all units are read in turn, keep only the last few.
            while len(self._units) >= _UNITS_MAX:
                del self._units[next(iter(self._units))]
        self._units[offset] = unit
        return unit

    def headers(self) -> dict[int, UnitHeader]:
        """Return the headers of all units by offset, in order."""
        if self._headers is None:
            headers = {}
            offset = 0
            while offset < self.info.size:
                header = read_header(self.info, offset)
                headers[offset] = header
                offset += header.size
            self._headers = headers
        return self._headers

    def unit_holding(self, offset: int) -> Unit:
        """Return the unit that holds byte `offset` of .debug_info."""
        for unit in self._units.values():
            if unit.offset <= offset < unit.offset + unit.header.size:
                return unit
        from bisect import bisect_right  # noqa: PLC0415 -- references between units are rare

        starts = list(self.headers())
        n = bisect_right(starts, offset) - 1
        if n < 0 or offset >= self.info.size:
            raise self.info.damaged(offset, "a reference to where no unit is")
        return self.unit(starts[n])

    def die_at(self, offset: int) -> Die:
        """Return the entry at `offset` of .debug_info."""
        unit = self.unit_holding(offset)
        return unit.die_at(offset - unit.offset)


_UNITS_MAX = 8
