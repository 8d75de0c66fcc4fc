"""The types in scope at a place, for expressions: from DWARF, and from BTF if available.

A variable's own type and its members come from DWARF. A type that the user names, as in a cast, is looked up
in BTF first, which finds names quickly and has the same layouts.
"""

from collections.abc import Iterable, Iterator

from ktrace.model.ctype import (
    CType,
    Enum,
    FuncProto,
    Function,
    Member,
    Record,
    RecordKind,
    Typedef,
    size_of,
)
from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf, Named
from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.bytes import BROKEN, uleb
from ktrace.symbols.dwarf.types import convert, type_of
from ktrace.symbols.dwarf.unit import Die, Unit

_TAGS: dict[Named, int] = {
    "function": c.TAG_SUBPROGRAM,
    "struct": c.TAG_STRUCT,
    "union": c.TAG_UNION,
    "enum": c.TAG_ENUM,
    "typedef": c.TAG_TYPEDEF,
}
_MEMBERS = frozenset({c.TAG_MEMBER})
_PLUS_UCONST = 0x23


class UnitTypes:
    """The types of one unit, with those of BTF.

    Args:
        unit: the unit of the place.
        base: the kernel's or the module's BTF, or a Miss.
    """

    def __init__(self, unit: Unit, base: Btf | Miss) -> None:
        self._unit = unit
        self._base = base

    def functions(self, name: str) -> tuple[Function, ...] | Miss:
        """Return the functions of that name in BTF."""
        return self._base if isinstance(self._base, Miss) else self._base.functions(name)

    def prototype(self, name: str) -> FuncProto | Miss:
        """Return the prototype of that name in BTF."""
        return self._base if isinstance(self._base, Miss) else self._base.prototype(name)

    def variable(self, name: str) -> CType | Miss:
        """Return the type of the global variable of that name in BTF."""
        return self._base if isinstance(self._base, Miss) else self._base.variable(name)

    def record(self, kind: RecordKind, name: str) -> Record | Miss:
        """Return `struct NAME` or `union NAME`."""
        found = None if isinstance(self._base, Miss) else self._base.record(kind, name)
        if isinstance(found, Record):
            return found
        ctype = self._named(kind, name)
        return ctype if isinstance(ctype, Record) else self._miss(name, kind)

    def enum(self, name: str) -> Enum | Miss:
        """Return `enum NAME`."""
        found = None if isinstance(self._base, Miss) else self._base.enum(name)
        if isinstance(found, Enum):
            return found
        ctype = self._named("enum", name)
        return ctype if isinstance(ctype, Enum) else self._miss(name, "enum")

    def typedef(self, name: str) -> Typedef | Miss:
        """Return the typedef of that name."""
        found = None if isinstance(self._base, Miss) else self._base.typedef(name)
        if isinstance(found, Typedef):
            return found
        ctype = self._named("typedef", name)
        return ctype if isinstance(ctype, Typedef) else self._miss(name, "typedef")

    def members(self, record: Record) -> tuple[Member, ...]:
        """Return the members, in order, of a record from DWARF or BTF."""
        if record.key >= 0 and not isinstance(self._base, Miss):
            return self._base.members(record)
        die = self._unit.file.die_at(-record.key)
        return tuple(_member(child) for child in die.children(_MEMBERS))

    def names(self, kind: Named) -> Iterable[str]:
        """Yield every name of that kind. Slow: for "did you mean"."""
        if not isinstance(self._base, Miss):
            yield from self._base.names(kind)
        for die in self._declared(kind):
            yield die.text(c.AT_NAME) or ""

    def _named(self, kind: Named, name: str) -> CType | None:
        die = next((die for die in self._declared(kind) if die.text(c.AT_NAME) == name), None)
        return convert(die) if die else None

    def _declared(self, kind: Named) -> Iterator[Die]:
        """Yield the unit's own complete types of a kind."""
        dies = self._unit.top.children(frozenset({_TAGS[kind]}))
        return (die for die in dies if not die.flag(c.AT_DECLARATION))

    def _miss(self, name: str, kind: Named) -> Miss:
        return Miss(self._unit.file.elf.source, f"no {kind} '{name}' in its DWARF")


def _member(die: Die) -> Member:
    """Convert a member; DWARF 4 and 5 give a bitfield's first bit in different ways (5.6.6)."""
    kind = type_of(die)
    bits = die.number(c.AT_BIT_SIZE) or 0
    start = die.number(c.AT_DATA_BIT_OFFSET)
    if start is None:
        start = 8 * _location(die)
        from_top = die.number(c.AT_BIT_OFFSET)
        if bits and from_top is not None:
            # Counted from the highest bit of the storage unit, which is little-endian.
            start += 8 * (die.number(c.AT_BYTE_SIZE) or size_of(kind) or 0) - from_top - bits
    return Member(die.text(c.AT_NAME) or "", kind, start, bits)


def _location(die: Die) -> int:
    """Return the offset in bytes from the start of the record; older compilers write it as an expression."""
    found = die.raw(c.AT_DATA_MEMBER_LOCATION)
    if found is None:
        return 0
    if isinstance(found[1], int):
        return found[1]
    try:
        return uleb(found[1], 1)[0] if found[1][0] == _PLUS_UCONST else 0
    except BROKEN:
        raise die.unit.damaged(die.offset, "the place of a member makes no sense") from None
