"""Resolve an expression to a value, member by member, with the offsets from the types."""

from collections.abc import Iterator
from dataclasses import replace
from typing import assert_never

from ktrace.errors import UsageError
from ktrace.expr.macros import macro_path
from ktrace.expr.problems import did_you_mean, lines, wrong
from ktrace.expr.scope import Scope
from ktrace.expr.tree import (
    Access,
    AddressOf,
    Cast,
    ContainerOf,
    Deref,
    Fetch,
    Index,
    Name,
    Node,
    Special,
)
from ktrace.expr.type_names import find_type
from ktrace.expr.value import SYMBOL, Bits, Value, container, split_symbol
from ktrace.model.ctype import (
    Array,
    CType,
    Forward,
    Int,
    Member,
    Pointer,
    Record,
    Tagged,
    Void,
    bare,
    declare,
    size_of,
    tags,
)
from ktrace.model.miss import Miss

_ANONYMOUS_MAX = 16  # structs within structs without a name: a damaged blob could nest them for ever


class Resolver:
    """Resolves the expressions of one argument."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._text = scope.text

    def value(self, node: Node) -> Value:
        """Return the value of an expression.

        Raises:
            UsageError: it has no value; the caret is at the wrong part.
            NotFound, Unavailable: as of `Scope`.
        """
        match node:
            case Name():
                return self._scope.parameter(node.text, node.at)
            case Special():
                return self._scope.special(node.text, node.at)
            case Access():
                return self._access(node)
            case Index():
                return self._index(node)
            case Deref():
                base = self.value(node.base)
                target = self._pointed(base, node.at)
                if isinstance(bare(target), Void):
                    raise self._wrong(node.at, "'void *' does not say what it points to", _CAST)
                return base.pointee(0, target)
            case AddressOf():
                return self._address(node)
            case Cast():
                return self._cast(node)
            case ContainerOf():
                return self._container_of(node)
            case Fetch():
                return self.value(node.base).pointee(node.offset, None, user=node.user)
            case _:
                assert_never(node)

    def member(self, value: Value, name: str, at: int, op_at: int, *, arrow: bool) -> Value:
        """Return the value of `value.name` or `value->name`."""
        if value.bits:
            raise self._wrong(op_at, f"'{value.label}' is a bitfield: it has no members and is not a pointer")
        record = self._record(value, op_at, arrow=arrow)
        found = self._find(record, name)
        if found is None and (meant := self._macro(value, record, name, at, arrow=arrow)) is not None:
            return meant
        if found is None:
            names = self._member_names(record)
            listed = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
            raise self._wrong(
                at,
                f"{record.kind} {record.name or '{...}'} has no member '{name}'",
                lines(did_you_mean(name, names), f"members: {listed}"),
            )
        member, bit_offset = found
        offset, bits = bit_offset // 8, None
        if member.bit_size:
            offset, bits = self._bitfield(value if not arrow else None, member, bit_offset, at)
        reached = value.pointee(offset, member.type) if arrow else value.part(offset, member.type)
        path = _extended(value, name, arrow=arrow)
        return replace(reached, label=name, bits=bits, path=path, member=f"{record.name}.{name}")

    def _macro(self, value: Value, record: Record, name: str, at: int, *, arrow: bool) -> Value | None:
        """Return the member that a macro of the kernel's source stands for; None if there is none."""
        path = macro_path(record.name, name)
        if path is None or self._find(record, path[0]) is None:
            return None
        inner = value
        for step in path:
            kind = self._record(inner, at, arrow=arrow)
            if self._find(kind, step) is None:
                return None
            inner = self.member(inner, step, at, at, arrow=arrow)
            arrow = False
        return replace(inner, label=name)

    def members(self, record: Record) -> tuple[Member, ...]:
        """Return the members of a record."""
        return self._scope.types(0, "members").members(record)

    def _access(self, node: Access) -> Value:
        base = self._base(node.base)
        arrow = node.arrow
        either = self._scope.site.either_arrow or isinstance(node.base, Special)  # `.` is part of a symbol
        if arrow and either and isinstance(base.kind, Record) and not base.bits:
            arrow = False
        return self.member(base, node.name, node.at, node.op_at, arrow=arrow)

    def _record(self, value: Value, op_at: int, *, arrow: bool) -> Record:
        """Return the record whose member the operator accesses."""
        kind = value.kind
        if kind is None:
            raise self._untyped(value, op_at)
        if not arrow:
            if isinstance(kind, Pointer):
                raise self._wrong(op_at, f"'{value.label}' is a pointer ({declare(kind)}): write ->")
            return self._complete(kind, value, op_at)
        if isinstance(kind, Record):
            raise self._wrong(op_at, f"'{value.label}' is not a pointer but a {declare(kind)}: write .")
        target = self._pointed(value, op_at)
        if isinstance(bare(target), Void):
            raise self._wrong(op_at, "'void *' does not say what it points to", _CAST)
        return self._complete(bare(target), value, op_at)

    def _complete(self, kind: CType, value: Value, at: int) -> Record:
        if isinstance(kind, Forward) and kind.kind != "enum":
            # Declared in one file, described by another: any of that name will do.
            found = self._scope.types(at, "members").record(kind.kind, kind.name)
            if isinstance(found, Miss):
                raise self._wrong(at, f"the members of {kind.kind} {kind.name} are not known: {found.reason}")
            return found
        if not isinstance(kind, Record):
            raise self._wrong(
                at, f"'{value.label}' has no members: its type is {declare(value.type or kind)}"
            )
        return kind

    def _pointed(self, value: Value, at: int) -> CType:
        """Return the target type of a pointer or the element type of an array."""
        if value.bits:
            raise self._wrong(at, f"'{value.label}' is a bitfield, not a pointer")
        if value.type is None:
            raise self._untyped(value, at)
        target = value.target
        if target is None or (isinstance(value.kind, Array) and not value.memory):
            hint = _CAST if isinstance(value.kind, Int) and value.size == 8 else None
            raise self._wrong(
                at, f"'{value.label}' is not a pointer: its type is {declare(value.type)}", hint
            )
        return target

    def _find(self, record: Record, name: str) -> tuple[Member, int] | None:
        """Return a member, possibly within anonymous members, and its offset in bits."""
        for member, bit_offset in self._flat(record, 0, 0, set()):
            if member.name == name:
                return member, bit_offset
        return None

    def _member_names(self, record: Record) -> list[str]:
        return [member.name for member, _ in self._flat(record, 0, 0, set())]

    def _flat(
        self, record: Record, bit_offset: int, depth: int, seen: set[int]
    ) -> Iterator[tuple[Member, int]]:
        """Yield members and their offsets in bits. Anonymous members are replaced by their own members.

        A damaged blob can have the same struct within itself many times over: once is enough.
        """
        seen.add(record.key)
        for member in self.members(record):
            inner = bare(member.type)
            if member.name:
                yield member, bit_offset + member.bit_offset
            elif isinstance(inner, Record) and inner.key not in seen and depth < _ANONYMOUS_MAX:
                yield from self._flat(inner, bit_offset + member.bit_offset, depth + 1, seen)

    def _bitfield(self, value: Value | None, member: Member, bit_offset: int, at: int) -> tuple[int, Bits]:
        """Return the byte offset to read at and the bits there. `value` is the struct; None after `->`."""
        if value and value.in_words:
            start = value.addend * 8 + bit_offset
            if start % 64 + member.bit_size <= 64:
                word = start // 64 * 8
                return word - value.addend, Bits(member.bit_size, start % 64, 64)
        else:
            placed = container(bit_offset, member.bit_size)
            if placed:
                return placed
        raise self._wrong(at, f"the bitfield '{member.name}' is spread over more than 64 bits")

    def _base(self, node: Node) -> Value:
        """Return the value that a member or an element is of: a variable by its symbol has a type then."""
        if isinstance(node, Special) and node.text.startswith("@"):
            return self._scope.variable(node.text, node.at)
        return self.value(node)

    def _index(self, node: Index) -> Value:
        base = self._base(node.base)
        target = self._pointed(base, node.at)
        size = size_of(target)
        if not size:
            raise self._wrong(node.at, f"elements of type {declare(target)} have no size", _CAST)
        kind = base.kind
        if isinstance(kind, Array) and 0 < kind.count <= node.number:
            raise self._wrong(
                node.at, f"'{base.label}' has {kind.count} elements: the last is [{kind.count - 1}]"
            )
        element = base.pointee(node.number * size, target)
        return replace(element, label=f"{base.label}_{node.number}")

    def _address(self, node: AddressOf) -> Value:
        base = self.value(node.base)
        if base.bits:
            raise self._wrong(node.at, f"'{base.label}' is a bitfield: it has no address")
        if isinstance(node.base, Special) and node.base.text.startswith("@"):
            symbol, offset = split_symbol(node.base.text)
            return Value((SYMBOL + symbol,), None, base.label, addend=offset)
        if isinstance(node.base, Fetch):
            return replace(base, memory=False)
        if not base.memory or base.type is None:
            raise self._wrong(node.at, f"'{base.label}' has no address: it is in a register")
        return replace(base, type=Pointer(base.type), memory=False, path=None, member="")

    def _cast(self, node: Cast) -> Value:
        base = self.value(node.base)
        ctype = find_type(node.type, self._scope)
        if base.bits or isinstance(base.kind, Record):
            what = "a bitfield" if base.bits else f"a {declare(base.kind or Void())}"
            raise self._wrong(node.at, f"'{base.label}' is {what}: it cannot be cast")
        if isinstance(base.kind, Array):
            if not base.memory:
                raise self._wrong(node.at, f"'{base.label}' has no address: it is in registers")
            base = replace(base, memory=False, path=None)
        elif base.size is not None and (size_of(ctype) or 0) > base.size:
            raise self._wrong(
                node.at,
                f"'{base.label}' has {base.size} bytes, a {declare(ctype)} has {size_of(ctype)}: "
                "memory after it would be read",
            )
        if base.type is not None and "user" in tags(base.type) and isinstance(ctype, Pointer):
            ctype = Pointer(Tagged("user", ctype.target))  # a cast does not move what it points to
        return replace(base, type=ctype, path=None, member="")

    def _container_of(self, node: ContainerOf) -> Value:
        return self.container(self.value(node.base), node)

    def container(self, base: Value, node: ContainerOf) -> Value:
        """Return a pointer to the struct of which `base` points to a member, as `node` describes it."""
        if base.type is not None:
            self._pointed(base, node.at)
        outer = find_type(node.type, self._scope)
        record, offset = bare(outer), 0
        for name, at in node.path:
            if not isinstance(record, Record):
                raise self._wrong(at, f"{declare(record)} has no members")
            member = self.member(Value((), Pointer(record), ""), name, at, at, arrow=True)
            if member.bits:
                raise self._wrong(at, f"'{name}' is a bitfield: nothing points to it")
            offset += member.addend
            record = member.kind or Void()
        inside = base.pointee(-offset, outer)
        return replace(inside, type=Pointer(outer), memory=False)

    def _untyped(self, value: Value, at: int) -> UsageError:
        why = f": {self._scope.unknown}" if self._scope.unknown else ""
        return self._wrong(at, f"the type of '{value.label}' is not known{why}", _CAST)

    def _wrong(self, at: int, message: str, hint: str | None = None) -> UsageError:
        return wrong(self._text, at, message, hint)


_CAST = "cast it: ((struct NAME *)VALUE)->MEMBER"


def _extended(value: Value, name: str, *, arrow: bool) -> str | None:
    """Return the kernel's spelling of a member by names, or None. Structs by value have none."""
    if value.path is None or (arrow and not isinstance(value.kind, Pointer)):
        return None
    if arrow and isinstance(bare(value.target or Void()), Forward):
        return None  # the kernel does not look for the description elsewhere
    return f"{value.path}{'->' if arrow else '.'}{name}"
