"""C types as values, and their declarations in C.

A struct or union is a `Record`: its name and size without its members, because members can refer to
each other in cycles. `members()` of the source that made the record returns them. All other types are
self-contained: a type or a function's signature can be compared, stored and printed without its source.

Sizes are in bytes and offsets of members in bits, as in BTF (Documentation/bpf/btf.rst).
"""

from typing import Literal, TypeAlias

from ktrace.model.fetch_types import integer_type
from ktrace.records import dataclass

POINTER_SIZE = 8  # every machine that ktrace knows is 64-bit

RecordKind = Literal["struct", "union"]
Encoding = Literal["int", "char", "bool"]
Word = Literal["const", "volatile", "restrict"]


@dataclass(frozen=True, slots=True)
class Void:
    """`void`: there is no value to read."""


@dataclass(frozen=True, slots=True)
class Int:
    """An integer. `bits` and `bit_offset` differ from `size * 8` and 0 only in old bitfield types."""

    name: str
    size: int
    signed: bool
    encoding: Encoding = "int"
    bits: int = 0
    bit_offset: int = 0


@dataclass(frozen=True, slots=True)
class Float:
    """`float`, `double`: known by name only; a probe cannot read them."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Enum:
    """An enumeration; `values` are (name, value) in the order of the declaration."""

    name: str
    size: int
    signed: bool
    values: tuple[tuple[str, int], ...] = ()

    def names(self) -> dict[int, str]:
        """Map each value to its name. If a value has several names, the first is used."""
        table: dict[int, str] = {}
        for name, value in self.values:
            table.setdefault(value, name)
        return table


@dataclass(frozen=True, slots=True)
class Record:
    """A struct or union. `key` is its identity for the source that made it (BTF: the type id)."""

    kind: RecordKind
    name: str
    size: int
    key: int


@dataclass(frozen=True, slots=True)
class Forward:
    """A struct, union or enum that is declared here but described elsewhere, if at all."""

    kind: RecordKind | Literal["enum"]
    name: str


@dataclass(frozen=True, slots=True)
class Pointer:
    """A pointer."""

    target: "CType"


@dataclass(frozen=True, slots=True)
class Array:
    """An array; `count` is 0 for a flexible array member."""

    element: "CType"
    count: int


@dataclass(frozen=True, slots=True)
class Typedef:
    """Another name for `target`."""

    name: str
    target: "CType"


@dataclass(frozen=True, slots=True)
class Qualified:
    """`target` with `const`, `volatile` or `restrict`."""

    word: Word
    target: "CType"


@dataclass(frozen=True, slots=True)
class Tagged:
    """`target` with a type tag of the compiler: `user`, `rcu`, `percpu`."""

    tag: str
    target: "CType"


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter; `name` is empty where the declaration has none."""

    name: str
    type: "CType"


@dataclass(frozen=True, slots=True)
class FuncProto:
    """The parameters and return type of a function."""

    returns: "CType"
    params: tuple[Param, ...] = ()
    variadic: bool = False


CType: TypeAlias = (
    Void | Int | Float | Enum | Record | Forward | Pointer | Array | Typedef | Qualified | Tagged | FuncProto
)


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the kernel or of one of its modules."""

    name: str
    proto: FuncProto
    linkage: Literal["static", "global", "extern"] = "static"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a record.

    Attributes:
        name: empty for an anonymous struct or union, whose members belong to the outer one.
        bit_offset: bits from the start of the record.
        bit_size: size of a bitfield in bits; 0 for every other member.
    """

    name: str
    type: CType
    bit_offset: int
    bit_size: int = 0


def bare(ctype: CType) -> CType:
    """Strip typedefs, qualifiers and tags from a type."""
    while isinstance(ctype, Typedef | Qualified | Tagged):
        ctype = ctype.target
    return ctype


def tags(ctype: CType) -> frozenset[str]:
    """Return the type tags around `bare(ctype)`; for a pointer, also those of its target."""
    found: set[str] = set()
    while isinstance(ctype, Typedef | Qualified | Tagged):
        if isinstance(ctype, Tagged):
            found.add(ctype.tag)
        ctype = ctype.target
    if isinstance(ctype, Pointer):
        target = ctype.target
        while isinstance(target, Typedef | Qualified | Tagged):
            if isinstance(target, Tagged):
                found.add(target.tag)
            target = target.target
    return frozenset(found)


def is_char(ctype: CType) -> bool:
    """Return whether the type is plain `char`, as in strings (`u8` and `unsigned char` are bytes)."""
    kind = bare(ctype)
    return isinstance(kind, Int) and kind.size == 1 and (kind.name == "char" or kind.encoding == "char")


def points_to_text(ctype: CType) -> bool:
    """Return whether the type is `char *`, or `unsigned char *` as in a file's name (`struct qstr`).

    `u8 *` does not count, although the compiler treats it the same: it means bytes.
    """
    kind = bare(ctype)
    if not isinstance(kind, Pointer):
        return False
    target = kind.target
    while isinstance(target, Qualified | Tagged):
        target = target.target
    return is_char(target) or (isinstance(target, Int) and target.name == "unsigned char")


def size_of(ctype: CType) -> int | None:
    """Return the size of a value in bytes; None for a function, `void` and a type that is only declared."""
    kind = bare(ctype)
    match kind:
        case Int() | Float() | Enum() | Record():
            return kind.size
        case Pointer():
            return POINTER_SIZE
        case Array():
            element = size_of(kind.element)
            return None if element is None else element * kind.count
        case _:
            return None


def declare(ctype: CType, name: str = "") -> str:
    """Return the declaration of `name` in C, or the type alone if `name` is empty.

    >>> declare(Pointer(FuncProto(Int("int", 4, True), (Param("", Pointer(Void())),))), "fn")
    'int (*fn)(void *)'
    """
    base, declarator = _split(ctype, name)
    return f"{base} {declarator}" if declarator else base


def signature(function: Function) -> str:
    """Return the function's declaration in C.

    >>> signature(Function("f", FuncProto(Void(), (Param("n", Int("int", 4, True)),))))
    'void f(int n)'
    """
    return declare(function.proto, function.name)


# More than any real declaration needs. Damaged BTF could ask for far more.
_DECLARATOR_MAX = 32
_PARAMS_MAX = 255
_INNER_PARAMS_MAX = 32


def _split(ctype: CType, declarator: str, depth: int = 0) -> tuple[str, str]:
    """Return the type specifier and the declarator, working outward from the name as C is read."""
    if depth > _DECLARATOR_MAX:
        return "...", declarator
    match ctype:
        case Pointer():
            if isinstance(ctype.target, Array | FuncProto):
                declarator = f"(*{declarator})"
            else:
                declarator = f"*{declarator}"
            return _split(ctype.target, declarator, depth + 1)
        case Array():
            return _split(ctype.element, f"{declarator}[{ctype.count or ''}]", depth + 1)
        case FuncProto():
            return _split(ctype.returns, f"{declarator}({_params(ctype, depth + 1)})", depth + 1)
        case Qualified() if isinstance(ctype.target, Pointer):
            # A qualifier of the pointer itself stands to the right of its star.
            joint = " " if declarator and declarator[0] not in "[(" else ""
            return _split(ctype.target.target, f"*{ctype.word}{joint}{declarator}", depth + 1)
        case Qualified():
            base, declarator = _split(ctype.target, declarator, depth + 1)
            return f"{ctype.word} {base}", declarator
        case Tagged():
            # `__user` and the like: the spelling of sparse and of the kernel's sources.
            base, declarator = _split(ctype.target, declarator, depth + 1)
            return f"{base} __{ctype.tag}", declarator
        case _:
            return _specifier(ctype), declarator


def _specifier(ctype: CType) -> str:
    match ctype:
        case Void():
            return "void"
        case Record() | Forward():
            return f"{ctype.kind} {ctype.name or '{...}'}"
        case Enum():
            return f"enum {ctype.name or '{...}'}"
        case Int() | Float() | Typedef():
            return ctype.name
        case _:
            return "?"


def _params(proto: FuncProto, depth: int) -> str:
    if depth > 4:  # deeply nested prototypes are unreadable
        return "..."
    texts = []
    most = _PARAMS_MAX if depth <= 1 else _INNER_PARAMS_MAX
    for param in proto.params[:most]:
        base, declarator = _split(param.type, param.name, depth)
        texts.append(f"{base} {declarator}" if declarator else base)
    if proto.variadic or len(proto.params) > most:
        texts.append("...")
    return ", ".join(texts) or "void"


def fetch_type(ctype: CType) -> str | None:
    """Return the fetch type that reads an integer, enum or pointer; None for other types."""
    match bare(ctype):
        case Int() as kind if kind.size in (1, 2, 4, 8):
            return integer_type(kind.size, signed=kind.signed and kind.encoding != "bool")
        case Enum() as kind:
            # C gives an enum without negative values an unsigned type; the kernel reads every enum
            # as signed. A value below 2^31 looks the same.
            return integer_type(kind.size, signed=kind.signed)
        case Pointer():
            return "x64"
        case _:
            return None
