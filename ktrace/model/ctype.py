"""C types as values, and the C that declares them.

A struct or union is a `Record`: its name and size, but not its members, which refer to one another in
circles. Who made the record gives them when asked (`members()` of the source of types). Everything
else is complete in itself, so that a type, and a function's signature, can be compared, kept and
printed without its source.

Sizes are in bytes and offsets of members in bits, as in BTF (Documentation/bpf/btf.rst).
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

POINTER_SIZE = 8  # every machine that ktrace knows is 64-bit

RecordKind = Literal["struct", "union"]
Encoding = Literal["int", "char", "bool"]
Word = Literal["const", "volatile", "restrict"]


@dataclass(frozen=True, slots=True)
class Void:
    """`void`: nothing that could be read."""


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
    """`float`, `double`: known by name, never found in what a probe can read."""

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
        """Value to name; the first of several names of one value."""
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
    """An array; `count` is 0 of a flexible array member."""

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
    """What a function takes and returns."""

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
        name: empty of an anonymous struct or union, whose members count as the outer one's.
        bit_offset: bits from the start of the record.
        bit_size: bits of a bitfield; 0 of every other member.
    """

    name: str
    type: CType
    bit_offset: int
    bit_size: int = 0


def bare(ctype: CType) -> CType:
    """The type itself: without typedefs, qualifiers and tags around it."""
    while isinstance(ctype, Typedef | Qualified | Tagged):
        ctype = ctype.target
    return ctype


def tags(ctype: CType) -> frozenset[str]:
    """The type tags on the way to `bare(ctype)`; of a pointer also those of what it points to."""
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
    """Whether it is plain `char`, of which strings are made (`u8` and `unsigned char` are bytes)."""
    kind = bare(ctype)
    return isinstance(kind, Int) and kind.size == 1 and (kind.name == "char" or kind.encoding == "char")


def points_to_text(ctype: CType) -> bool:
    """Whether it is a `char *`, or an `unsigned char *` as in a file's name (`struct qstr`).

    `u8 *` is not, although it is the same to the compiler: who writes that means bytes.
    """
    kind = bare(ctype)
    if not isinstance(kind, Pointer):
        return False
    target = kind.target
    while isinstance(target, Qualified | Tagged):
        target = target.target
    return is_char(target) or (isinstance(target, Int) and target.name == "unsigned char")


def size_of(ctype: CType) -> int | None:
    """Bytes that a value takes; None of a function, of `void` and of what is only declared."""
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
    """The declaration of `name` in C, or the bare type where `name` is empty.

    >>> declare(Pointer(FuncProto(Int("int", 4, True), (Param("", Pointer(Void())),))), "fn")
    'int (*fn)(void *)'
    """
    base, declarator = _split(ctype, name)
    return f"{base} {declarator}" if declarator else base


def signature(function: Function) -> str:
    """The function's declaration in C.

    >>> signature(Function("f", FuncProto(Void(), (Param("n", Int("int", 4, True)),))))
    'void f(int n)'
    """
    return declare(function.proto, function.name)


# More than in any declaration that a person wrote; a damaged blob can ask for far more.
_DECLARATOR_MAX = 32
_PARAMS_MAX = 255
_INNER_PARAMS_MAX = 32


def _split(ctype: CType, declarator: str, depth: int = 0) -> tuple[str, str]:
    """Type specifier and declarator, working from the name outward as C is read."""
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
            # `__user` and its like: sparse's spelling, which the kernel's sources use.
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
    if depth > 4:  # prototypes within prototypes within prototypes: nobody reads on
        return "..."
    texts = []
    most = _PARAMS_MAX if depth <= 1 else _INNER_PARAMS_MAX
    for param in proto.params[:most]:
        base, declarator = _split(param.type, param.name, depth)
        texts.append(f"{base} {declarator}" if declarator else base)
    if proto.variadic or len(proto.params) > most:
        texts.append("...")
    return ", ".join(texts) or "void"
