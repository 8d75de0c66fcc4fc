"""Writes BTF blobs for tests: a method for each kind, returning the type's number.

Field order and bits are those of Documentation/bpf/btf.rst; nothing is shared with the reader.
"""

import struct
from collections.abc import Iterable, Sequence

MemberSpec = tuple[str, int, int] | tuple[str, int, int, int]  # name, type, bit offset[, bits of a bitfield]


class BtfWriter:
    def __init__(self, base: "BtfWriter | None" = None) -> None:
        self._base = base
        self._strings = bytearray(b"" if base else b"\0")
        self._types: list[bytes] = []
        self._first_id = base.type_count if base else 1
        self._first_string = base.string_count if base else 0

    @property
    def type_count(self) -> int:
        return self._first_id + len(self._types)

    @property
    def string_count(self) -> int:
        return self._first_string + len(self._strings)

    def string(self, text: str) -> int:
        """Offset of the string; a module takes what vmlinux has already, as pahole does."""
        if not text:
            return 0
        if self._base:
            at = bytes(self._base._strings).find(b"\0" + text.encode() + b"\0")
            if at >= 0:
                return at + 1
        at = bytes(self._strings).find(b"\0" + text.encode() + b"\0")
        if at >= 0:
            return self._first_string + at + 1
        self._strings += text.encode() + b"\0"
        return self._first_string + len(self._strings) - len(text.encode()) - 1

    def add(
        self,
        kind: int,
        name: str = "",
        third: int = 0,
        *,
        tail: Iterable[int] = (),
        vlen: int = 0,
        flag: bool = False,
    ) -> int:
        info = vlen | kind << 24 | int(flag) << 31
        words = [self.string(name), info, third, *(word & 0xFFFFFFFF for word in tail)]
        self._types.append(struct.pack(f"={len(words)}I", *words))
        return self.type_count - 1

    def int_(
        self, name: str, size: int, encoding: int = 0, bits: int | None = None, bit_offset: int = 0
    ) -> int:
        """Encoding: 1 signed, 2 char, 4 bool."""
        bits = size * 8 if bits is None else bits
        return self.add(1, name, size, tail=[bits | bit_offset << 16 | encoding << 24])

    def ptr(self, target: int) -> int:
        return self.add(2, third=target)

    def array(self, element: int, count: int, index: int = 1) -> int:
        return self.add(3, tail=[element, index, count])

    def struct_(self, name: str, size: int, members: Sequence[MemberSpec], kind: int = 4) -> int:
        flag = any(len(member) == 4 for member in members)
        tail: list[int] = []
        for member in members:
            bits = member[3] if len(member) == 4 else 0
            tail += [self.string(member[0]), member[1], member[2] | bits << 24]
        return self.add(kind, name, size, tail=tail, vlen=len(members), flag=flag)

    def union(self, name: str, size: int, members: Sequence[MemberSpec]) -> int:
        return self.struct_(name, size, members, kind=5)

    def enum(self, name: str, values: Sequence[tuple[str, int]], size: int = 4, signed: bool = False) -> int:
        tail = [word for label, value in values for word in (self.string(label), value)]
        return self.add(6, name, size, tail=tail, vlen=len(values), flag=signed)

    def fwd(self, name: str, union: bool = False) -> int:
        return self.add(7, name, flag=union)

    def typedef(self, name: str, target: int) -> int:
        return self.add(8, name, target)

    def volatile(self, target: int) -> int:
        return self.add(9, third=target)

    def const(self, target: int) -> int:
        return self.add(10, third=target)

    def restrict(self, target: int) -> int:
        return self.add(11, third=target)

    def func(self, name: str, proto: int, linkage: int = 0) -> int:
        return self.add(12, name, proto, vlen=linkage)

    def proto(self, returns: int, params: Sequence[tuple[str, int]]) -> int:
        tail = [word for name, ctype in params for word in (self.string(name), ctype)]
        return self.add(13, third=returns, tail=tail, vlen=len(params))

    def function(self, name: str, returns: int, params: Sequence[tuple[str, int]], linkage: int = 0) -> int:
        return self.func(name, self.proto(returns, params), linkage)

    def var(self, name: str, ctype: int, linkage: int = 1) -> int:
        return self.add(14, name, ctype, tail=[linkage])

    def datasec(self, name: str, size: int, variables: Sequence[tuple[int, int, int]]) -> int:
        return self.add(
            15, name, size, tail=[word for entry in variables for word in entry], vlen=len(variables)
        )

    def float_(self, name: str, size: int) -> int:
        return self.add(16, name, size)

    def decl_tag(self, name: str, target: int, component: int = -1) -> int:
        return self.add(17, name, target, tail=[component])

    def type_tag(self, name: str, target: int) -> int:
        return self.add(18, name, target)

    def enum64(self, name: str, values: Sequence[tuple[str, int]], signed: bool = False) -> int:
        tail = [word for label, value in values for word in (self.string(label), value, value >> 32)]
        return self.add(19, name, 8, tail=tail, vlen=len(values), flag=signed)

    def to_bytes(self, header_len: int = 24, layout: bytes = b"") -> bytes:
        """The blob; with `header_len` 32 the header has the layout section of 7.3."""
        types, strings = b"".join(self._types), bytes(self._strings)
        header = struct.pack(
            "=HBBIIIII",
            0xEB9F,
            1,
            0,
            header_len,
            len(layout),
            len(types),
            len(layout) + len(types),
            len(strings),
        )
        if header_len >= 32:
            header += struct.pack("=II", 0, len(layout))
        return header + bytes(header_len - len(header)) + layout + types + strings
