"""Decode the numbered records of a BTF blob to C types.

Kinds and their words follow Documentation/bpf/btf.rst, "Type Encoding". A blob may be damaged. Records that
refer to each other in a circle, or to something that cannot be a type, are errors here, so that callers can
follow the types safely.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

from ktrace.errors import Damaged
from ktrace.model.ctype import (
    Array,
    CType,
    Encoding,
    Enum,
    Float,
    Forward,
    FuncProto,
    Function,
    Int,
    Member,
    Param,
    Pointer,
    Qualified,
    Record,
    Tagged,
    Typedef,
    Void,
    Word,
    bare,
    size_of,
)
from ktrace.records import dataclass
from ktrace.symbols import btf_index as kinds

_NESTING_MAX = 64  # nested types, such as typedefs of pointers to arrays; a kernel has about 10
_QUALIFIERS: Mapping[int, Word] = {
    kinds.CONST: "const",
    kinds.VOLATILE: "volatile",
    kinds.RESTRICT: "restrict",
}
_LINKAGE: Mapping[int, Literal["static", "global", "extern"]] = {0: "static", 1: "global", 2: "extern"}
_KIND_NAMES = {kinds.FUNC: "function", kinds.VAR: "variable", kinds.DATASEC: "section", kinds.DECL_TAG: "tag"}


@dataclass(frozen=True, slots=True)
class Raw:
    """One record: its 32-bit words and its offset (bytes from the start of the blob `source`)."""

    words: memoryview
    offset: int
    source: str

    @property
    def kind(self) -> int:
        """Return the kind, 1 to 19."""
        return kinds.kind_of(self.words[1])

    @property
    def flag(self) -> bool:
        """Return the kind flag, whose meaning depends on the kind."""
        return bool(self.words[1] >> 31)

    def elements(self, length: int) -> range:
        """Return the start, in words, of each of the `vlen` elements, which have `length` words each."""
        return range(3, 3 + length * kinds.vlen_of(self.words[1]), length)

    def damaged(self, message: str) -> Damaged:
        """Return an error that points at this record."""
        return Damaged(message, source=self.source, offset=self.offset)


class Blob(Protocol):
    """Gives the decoder the records of a blob by number, and its strings by offset."""

    def raw(self, type_id: int) -> Raw:
        """Return the record of that number."""

    def string(self, offset: int, word: int = 0) -> str:
        """Return the string at that offset."""


class Decoder:
    """A decoder that decodes each type once and returns the same value for the same id."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._types: dict[int, CType] = {0: Void()}
        self._members: dict[int, tuple[Member, ...]] = {}
        self._open: set[int] = set()

    def type(self, type_id: int) -> CType:
        """Return the type of that number.

        Raises:
            Damaged: the type does not exist, contains itself or is not a type.
        """
        known = self._types.get(type_id)
        if known is not None:
            return known
        raw = self._blob.raw(type_id)
        if type_id in self._open or len(self._open) > _NESTING_MAX:
            raise raw.damaged(f"type {type_id} is part of itself")
        self._open.add(type_id)
        try:
            ctype = self._decode(type_id, raw)
        except IndexError:
            raise raw.damaged(f"the record of type {type_id} is cut short") from None
        finally:
            self._open.discard(type_id)
        self._types[type_id] = ctype
        return ctype

    def function(self, type_id: int) -> Function:
        """Return the function of that number."""
        raw = self._blob.raw(type_id)
        name = self._blob.string(raw.words[0])
        proto = self.type(raw.words[2])
        linkage = _LINKAGE.get(kinds.vlen_of(raw.words[1]))
        if not isinstance(proto, FuncProto) or linkage is None:
            raise raw.damaged(f"the function '{name}' has no prototype")
        return Function(name, proto, linkage)

    def variable(self, type_id: int) -> CType:
        """Return the type of the variable of that number."""
        return self.type(self._blob.raw(type_id).words[2])

    def members(self, record: Record) -> tuple[Member, ...]:
        """Return the members of a struct or union.

        Raises:
            Damaged: a member reaches beyond the record.
        """
        known = self._members.get(record.key)
        if known is None:
            raw = self._blob.raw(record.key)
            if raw.kind not in (kinds.STRUCT, kinds.UNION):
                raise raw.damaged(f"type {record.key} is not a struct or union")
            known = tuple(self._member(raw, at, record) for at in raw.elements(3))
            self._members[record.key] = known
        return known

    def _member(self, raw: Raw, at: int, record: Record) -> Member:
        name, type_id, offset = raw.words[at : at + 3]
        ctype = self.type(type_id)
        bits = 0
        if raw.flag:
            offset, bits = offset & 0xFFFFFF, offset >> 24
        kind = bare(ctype)
        if not bits and isinstance(kind, Int) and kind.bits != kind.size * 8:
            # Before the flag (4.20), a bitfield was a member whose integer type has fewer bits.
            offset, bits = offset + kind.bit_offset, kind.bits
        member = Member(self._blob.string(name), ctype, offset, bits)
        width = bits or 8 * (size_of(ctype) or 0)
        if offset + width > 8 * record.size or bits > 8 * (size_of(ctype) or 0):
            raise raw.damaged(
                f"member '{member.name}' reaches beyond the end of {record.kind} '{record.name}'"
            )
        if not bits and offset % 8:
            raise raw.damaged(f"member '{member.name}' begins within a byte and is not a bitfield")
        return member

    def _decode(self, type_id: int, raw: Raw) -> CType:
        words = raw.words
        third = words[2]
        match raw.kind:
            case kinds.INT:
                return self._int(raw)
            case kinds.PTR:
                return Pointer(self.type(third))
            case kinds.ARRAY:
                return Array(self.type(words[3]), words[5])
            case kinds.STRUCT:
                return Record("struct", self._blob.string(words[0]), third, type_id)
            case kinds.UNION:
                return Record("union", self._blob.string(words[0]), third, type_id)
            case kinds.ENUM | kinds.ENUM64:
                return self._enum(raw)
            case kinds.FWD:
                return Forward("union" if raw.flag else "struct", self._blob.string(words[0]))
            case kinds.TYPEDEF:
                return Typedef(self._blob.string(words[0]), self.type(third))
            case kinds.CONST | kinds.VOLATILE | kinds.RESTRICT:
                return Qualified(_QUALIFIERS[raw.kind], self.type(third))
            case kinds.TYPE_TAG:
                return Tagged(self._blob.string(words[0]), self.type(third))
            case kinds.FUNC_PROTO:
                return self._proto(raw)
            case kinds.FLOAT:
                return Float(self._blob.string(words[0]), third)
            case kind:
                what = _KIND_NAMES.get(kind, f"record of the unknown kind {kind}")
                raise raw.damaged(f"type {type_id} is used as a type, but it is a {what}")

    def _int(self, raw: Raw) -> Int:
        size, info = raw.words[2], raw.words[3]
        bits, bit_offset, encoding = info & 0xFF, info >> 16 & 0xFF, info >> 24
        if size not in (1, 2, 4, 8, 16) or bits == 0 or bits + bit_offset > size * 8 or encoding > 7:
            raise raw.damaged(f"an integer of {size} bytes, {bits} bits at {bit_offset}, encoding {encoding}")
        kind: Encoding = "bool" if encoding & 4 else "char" if encoding & 2 else "int"
        name = self._blob.string(raw.words[0])
        return Int(name, size, bool(encoding & 1), kind, bits, bit_offset)

    def _enum(self, raw: Raw) -> Enum:
        size, words = raw.words[2], raw.words
        if size not in (1, 2, 4, 8):
            raise raw.damaged(f"an enum of {size} bytes")
        values: list[tuple[str, int]] = []
        wide = raw.kind == kinds.ENUM64
        for at in raw.elements(3 if wide else 2):
            value = words[at + 1] | (words[at + 2] << 32 if wide else 0)
            top = 1 << (63 if wide else 31)
            values.append(
                (self._blob.string(words[at]), value - 2 * top if raw.flag and value & top else value)
            )
        signed = raw.flag
        return Enum(self._blob.string(words[0]), size, signed, tuple(values))

    def _proto(self, raw: Raw) -> FuncProto:
        params: list[Param] = []
        places = raw.elements(2)
        for at in places:
            name, type_id = raw.words[at], raw.words[at + 1]
            if not name and not type_id and at == places[-1]:
                return FuncProto(self.type(raw.words[2]), tuple(params), variadic=True)
            params.append(Param(self._blob.string(name), self.type(type_id)))
        return FuncProto(self.type(raw.words[2]), tuple(params))
