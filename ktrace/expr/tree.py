"""The parts of an expression. `at` is where a part begins, in characters of the argument's text."""

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
    """What the kernel itself has a name for: `$retval`, `$arg1`, `$stack2`, `%di`, `@jiffies`."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Access:
    """`base.name` or `base->name`; `op_at` is where the operator is."""

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
    """`container_of(base, type, member.member)`; each member with its place."""

    base: "Node"
    type: TypeName
    path: tuple[tuple[str, int], ...]
    at: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """`+OFFSET(base)` of the kernel's own grammar, around something that is not."""

    base: "Node"
    offset: int
    user: bool
    at: int


Node: TypeAlias = Name | Special | Access | Index | Deref | AddressOf | Cast | ContainerOf | Fetch


@dataclass(frozen=True, slots=True)
class Argument:
    """`NAME=EXPRESSION:TYPE`, read.

    Attributes:
        text: as it was written; all `at` count in it.
        node: the expression; a finished argument where all of it is the kernel's own and stays as it is.
        name, type: None where not given.
        type_at: where the type begins.
    """

    text: str
    node: Node | FetchArg
    name: str | None = None
    type: str | None = None
    type_at: int = 0
