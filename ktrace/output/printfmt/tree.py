"""The syntax tree of a `print fmt`: the C expressions between its commas."""

from dataclasses import dataclass
from typing import TypeAlias

from ktrace.model.c_integer import CInt


@dataclass(frozen=True, slots=True)
class Number:
    """An integer constant."""

    value: int
    type: CInt


@dataclass(frozen=True, slots=True)
class Text:
    """A string constant."""

    text: str


@dataclass(frozen=True, slots=True)
class Null:
    """A null pointer, which ends a table of names."""


@dataclass(frozen=True, slots=True)
class Record:
    """`REC` itself; only a member access may follow."""


@dataclass(frozen=True, slots=True)
class FieldOf:
    """`REC->name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier: an enum's value, a local variable, or a name that only the kernel knows."""

    name: str


@dataclass(frozen=True, slots=True)
class Unary:
    """`-a`, `~a`, `!a`."""

    op: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    """`a OP b`; both sides of `&&` and `||` are computed, since expressions have no side effects."""

    op: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Choice:
    """`condition ? yes : no`; `a ?: b` is `a ? a : b`."""

    condition: "Node"
    yes: "Node"
    no: "Node"


@dataclass(frozen=True, slots=True)
class Cast:
    """`(type)a`.

    Attributes:
        type: None if it changes nothing or is not known.
        element: the type that a pointer points to; None if it is not an integer, or the type not a pointer.
    """

    type: CInt | None
    operand: "Node"
    element: CInt | None = None


@dataclass(frozen=True, slots=True)
class Compound:
    """`(type){ .member = value }`: a struct or union made in place."""

    member: str
    value: "Node"


@dataclass(frozen=True, slots=True)
class AddressOf:
    """`&a`: a pointer to a field or to one of its elements."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class SizeOf:
    """`sizeof(REC->name)`, or of one of its elements."""

    operand: "Node"


@dataclass(frozen=True, slots=True)
class Index:
    """`base[index]`."""

    base: "Node"
    index: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """`function(args)`; an argument that is a field's name is a `Name`."""

    function: str
    args: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Table:
    """`{a, b}`: an entry of the table that `__print_flags` and similar functions choose from."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Let:
    """`({ int name = value; body; })`."""

    name: str
    value: "Node"
    body: "Node"


Node: TypeAlias = (
    Number
    | Text
    | Null
    | Record
    | FieldOf
    | Name
    | Unary
    | Binary
    | Choice
    | Cast
    | Compound
    | AddressOf
    | SizeOf
    | Index
    | Call
    | Table
    | Let
)
