"""The parts of an expression. `at` is the offset of a part in the argument's text, in characters."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from ktrace.model.fetch import FetchArg


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as a cast spells it: `struct sock *` is ("struct", "sock", 1)."""

    keyword: Literal["struct", "union", "enum", ""]
    name: str
    stars: int
    at: int


@dataclass(frozen=True, slots=True)
class Name:
    """A parameter of the function."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Special:
    """A name in the kernel's own grammar: `$retval`, `$arg1`, `$stack2`, `%di`, `@jiffies`."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Access:
    """`base.name` or `base->name`; `op_at` is the operator's offset."""

    base: "Node"
    name: str
    arrow: bool
    at: int
    op_at: int


@dataclass(frozen=True, slots=True)
class Index:
    """`base[number]`."""

    base: "Node"
    number: int
    at: int


@dataclass(frozen=True, slots=True)
class Deref:
    """`*base`."""

    base: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class AddressOf:
    """`&base`."""

    base: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class Cast:
    """`(type)base`."""

    type: TypeName
    base: "Node"
    at: int


@dataclass(frozen=True, slots=True)
class ContainerOf:
    """`container_of(base, type, member.member)`; each member with its offset in the text."""

    base: "Node"
    type: TypeName
    path: tuple[tuple[str, int], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """The kernel's `+OFFSET(base)` around an expression that is not in the kernel's grammar."""

    base: "Node"
    offset: int
    user: bool
    at: int


Node: TypeAlias = Name | Special | Access | Index | Deref | AddressOf | Cast | ContainerOf | Fetch


@dataclass(frozen=True, slots=True)
class Argument:
    """A parsed `NAME=EXPRESSION:TYPE`.

    Attributes:
        text: the text as written; every `at` is an offset in it.
        node: the expression; a finished argument if it is already in the kernel's grammar.
        name, type: None if not given.
        type_at: the offset of the type.
    """

    text: str
    node: Node | FetchArg
    name: str | None = None
    type: str | None = None
    type_at: int = 0
