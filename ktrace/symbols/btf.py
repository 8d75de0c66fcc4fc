"""Read BTF, the kernel's description of its types and functions (Documentation/bpf/btf.rst).

Types are decoded on demand, and names are searched for in the blob itself: a caller that wants one function
of 60,000 should not wait for a dictionary of all of them.
"""

import mmap
import re
import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import Literal, TypeVar

from ktrace.errors import Damaged
from ktrace.model.ctype import (
    Array,
    CType,
    Enum,
    FuncProto,
    Function,
    Member,
    Pointer,
    Record,
    RecordKind,
    Typedef,
    bare,
    signature,
)
from ktrace.model.miss import Miss
from ktrace.symbols import btf_index as kinds
from ktrace.symbols.btf_decode import Decoder, Raw
from ktrace.symbols.btf_index import Table, fits, index, kind_of, read_header

_T = TypeVar("_T")

Named = Literal["function", "struct", "union", "enum", "typedef", "variable"]

_KINDS: dict[Named, frozenset[int]] = {
    "function": frozenset({kinds.FUNC}),
    "struct": frozenset({kinds.STRUCT}),
    "union": frozenset({kinds.UNION}),
    "enum": frozenset({kinds.ENUM, kinds.ENUM64}),
    "typedef": frozenset({kinds.TYPEDEF}),
    "variable": frozenset({kinds.VAR}),
}


class Btf:
    """One BTF blob: vmlinux, or a module with the vmlinux that it builds on (`base`).

    Look-ups return a `Miss` if nothing has the name. In a module, they search its own types first, then those
    of vmlinux.

    Args:
        data: the blob.
        source: its name, for errors and misses.
        base: for a module's blob: vmlinux, whose type ids and strings it continues.
        table: what `index` returned for the same blob earlier, or None.

    Raises:
        Damaged: by the constructor and by every look-up: the blob cannot be decoded.
    """

    def __init__(
        self,
        data: bytes | mmap.mmap,
        source: str,
        base: "Btf | None" = None,
        table: Table | None = None,
    ) -> None:
        self.source = source
        self._data = data
        self._base = base
        self._header = header = read_header(data, source)
        self._words = memoryview(data)[header.type_start : header.type_end].cast("I")
        if table is None or not fits(self._words, table, header):
            table = index(self._words, header, source)
        self.table = table
        self._offsets = table.offsets
        self._first_id = base.type_count if base else 1
        self._first_string = base.string_count if base else 0
        strings = header.string_end - header.string_start
        if strings and data[header.string_end - 1] != 0:
            raise self._damaged("the last string has no end", header.string_end - 1)
        if not base and (not strings or data[header.string_start] != 0):
            raise self._damaged("the string section does not begin with the empty string", 16)
        self._decoder = Decoder(self)
        self._numbers: dict[tuple[str, Named], list[int]] = {}
        self._complete: set[Named] = set()  # kinds of which every name is in _numbers

    @property
    def type_count(self) -> int:
        """Return the number of types, with `void` and the base's types: one more than the highest id."""
        return self._first_id + len(self._offsets)

    @property
    def string_count(self) -> int:
        """Return the size of the strings in bytes, with the base's strings."""
        return self._first_string + self._header.string_end - self._header.string_start

    def functions(self, name: str) -> tuple[Function, ...] | Miss:
        """Return the functions of that name in the blob's order, equal ones (from several files) only once.

        The kernel's own BTF arguments use the first one.
        """
        found = self._look_up(name, "function", self._decoder.function)
        different: dict[object, Function] = {}
        for function in found:
            different.setdefault(_identity(function), function)
        return tuple(different.values()) or self._miss(name, "function")

    def record(self, kind: RecordKind, name: str) -> Record | Miss:
        """Return `struct NAME` or `union NAME`; the first one if several files define their own."""
        for ctype in self._look_up(name, kind, self._decoder.type):
            if isinstance(ctype, Record):
                return ctype
        return self._miss(name, kind)

    def enum(self, name: str) -> Enum | Miss:
        """Return `enum NAME` with its values."""
        for ctype in self._look_up(name, "enum", self._decoder.type):
            if isinstance(ctype, Enum):
                return ctype
        return self._miss(name, "enum")

    def typedef(self, name: str) -> Typedef | Miss:
        """Return the typedef of that name."""
        for ctype in self._look_up(name, "typedef", self._decoder.type):
            if isinstance(ctype, Typedef):
                return ctype
        return self._miss(name, "typedef")

    def variable(self, name: str) -> CType | Miss:
        """Return the type of a global variable. Most kernels describe only those that each CPU has."""
        found = self._look_up(name, "variable", self._decoder.variable)
        return found[0] if found else self._miss(name, "variable")

    def members(self, record: Record) -> tuple[Member, ...]:
        """Return the members, in order, of a record that this object returned."""
        return self._decoder.members(record)

    def prototype(self, name: str) -> FuncProto | Miss:
        """Return the prototype of a function typedef or function pointer typedef (`btf_trace_X`)."""
        found = self.typedef(name)
        if isinstance(found, Miss):
            return found
        target = bare(found.target)
        pointed = bare(getattr(target, "target", target))
        return pointed if isinstance(pointed, FuncProto) else self._miss(name, "typedef")

    def names(self, kind: Named) -> Iterable[str]:
        """Yield every name of that kind. Slow: for "did you mean" and listings."""
        if self._base:
            yield from self._base.names(kind)
        wanted = _KINDS[kind]
        for offset in self._offsets:
            if kind_of(self._words[offset + 1]) in wanted and self._words[offset]:
                yield self.string(self._words[offset], offset)

    def expect_all(self, kind: Named) -> None:
        """Find every name of a kind at once: worth it for a caller that will ask for hundreds."""
        if self._base:
            self._base.expect_all(kind)
        if kind in self._complete:
            return
        self._complete.add(kind)
        self._numbers = {key: found for key, found in self._numbers.items() if key[1] != kind}
        wanted, words = _KINDS[kind], self._words
        for number, offset in enumerate(self._offsets, start=self._first_id):
            if kind_of(words[offset + 1]) in wanted and words[offset]:
                self._numbers.setdefault((self.string(words[offset], offset), kind), []).append(number)

    def raw(self, type_id: int) -> Raw:
        """Return the undecoded record of a type.

        Raises:
            Damaged: there is no type of that number.
        """
        if type_id < self._first_id and self._base:
            return self._base.raw(type_id)
        if not 0 < type_id < self.type_count:
            raise self._damaged(f"there is no type {type_id}", self._header.type_start)
        at = type_id - self._first_id
        start = self._offsets[at]
        end = self._offsets[at + 1] if at + 1 < len(self._offsets) else len(self._words)
        return Raw(self._words[start:end], self._header.type_start + 4 * start, self.source)

    def string(self, offset: int, word: int = 0) -> str:
        """Return the string at an offset into the strings; `word` is the referring word, for errors."""
        if offset < self._first_string and self._base:
            return self._base.string(offset)
        start = self._header.string_start + offset - self._first_string
        if start >= self._header.string_end:
            raise self._damaged(f"there is no string {offset}", self._header.type_start + 4 * word)
        end = self._data.find(b"\0", start, self._header.string_end)
        return self._data[start:end].decode("utf-8", "surrogateescape")

    def _look_up(self, name: str, kind: Named, decode: Callable[[int], _T]) -> list[_T]:
        numbers = self._numbers.get((name, kind))
        if numbers is None:  # every argument of a probe looks up its function
            known = kind in self._complete
            numbers = self._numbers[name, kind] = [] if known else self._ids(name, _KINDS[kind])
        found = [decode(i) for i in numbers]
        if not found and self._base:
            return self._base._look_up(name, kind, decode)
        return found

    def _ids(self, name: str, wanted: frozenset[int]) -> list[int]:
        """Return the ids of this blob's own types of that name and kind, ascending."""
        encoded = name.encode("utf-8", "surrogateescape")
        if not encoded or b"\0" in encoded:
            return []
        exact = list(self._name_offsets(b"\0" + encoded + b"\0", 1))
        found = self._records_named(exact, wanted)
        if not found:
            # `read` may share the end of `vfs_read`, and no NUL precedes a module's first string.
            found = self._scan(frozenset(self._name_offsets(encoded + b"\0", 0)))
        return [self._first_id + i for i in found if kind_of(self._words[self._offsets[i] + 1]) in wanted]

    def _name_offsets(self, pattern: bytes, skip: int) -> Iterable[int]:
        """Yield the offsets of the name in the strings that this blob can refer to."""
        if self._base:
            yield from self._base._name_offsets(pattern, skip)
        header = self._header
        at = self._data.find(pattern, header.string_start, header.string_end)
        while at >= 0:
            yield at - header.string_start + skip + self._first_string
            at = self._data.find(pattern, at + 1, header.string_end)

    def _records_named(self, name_offsets: list[int], wanted: frozenset[int]) -> list[int]:
        """Return the indices of the records whose name is at one of these offsets into the strings."""
        found: list[int] = []
        for name_offset in name_offsets:
            if name_offset < 1024:  # small numbers are everywhere: sizes, types, offsets
                found += self._scan(frozenset({name_offset}))
                continue
            pattern = _beginning(name_offset, wanted)
            first = self.table.first_function if wanted == _KINDS["function"] else 0
            start, end = self._header.type_start, self._header.type_end
            match = pattern.search(self._data, start + 4 * first, end)
            while match:
                word, rest = divmod(match.start() - start, 4)
                i = bisect_left(self._offsets, word)
                if not rest and i < len(self._offsets) and self._offsets[i] == word:
                    found.append(i)
                match = pattern.search(self._data, match.start() + 1, end)
        return sorted(found)

    def _scan(self, name_offsets: frozenset[int]) -> list[int]:
        words = self._words
        if not name_offsets:
            return []
        return [i for i, offset in enumerate(self._offsets) if words[offset] in name_offsets]

    def _miss(self, name: str, kind: Named) -> Miss:
        return Miss(self.source, f"no {kind} '{name}' in its BTF")

    def _damaged(self, message: str, offset: int) -> Damaged:
        return Damaged(message, source=self.source, offset=offset)


def _beginning(name_offset: int, wanted: frozenset[int]) -> re.Pattern[bytes]:
    """Match the start of a named record. Name and kind together are bytes that rarely occur elsewhere."""
    kinds_ = b"[" + b"".join(b"\\x%02x\\x%02x" % (kind, kind | 0x80) for kind in sorted(wanted)) + b"]"
    word = b"..." + kinds_ if sys.byteorder == "little" else kinds_ + b"..."
    return re.compile(re.escape(array("I", [name_offset]).tobytes()) + b"(?=" + word + b")", re.DOTALL)


def _identity(function: Function) -> object:
    """Return a key that is equal for functions that take their arguments the same way.

    The key is the function's text, because comparing values with shared parts takes forever in a damaged
    blob, and the structs that its parameters point to, because several may have the same name.
    """
    types = (*(param.type for param in function.proto.params), function.proto.returns)
    return signature(function), tuple(_record_key(ctype) for ctype in types)


def _record_key(ctype: CType) -> int:
    kind = bare(ctype)
    while isinstance(kind, Pointer | Array):
        kind = bare(kind.target if isinstance(kind, Pointer) else kind.element)
    return kind.key if isinstance(kind, Record) else 0
