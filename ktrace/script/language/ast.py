"""The tree of a script: what the parser makes and every later pass reads.

Nodes are frozen and compared by identity, so that a pass can keep what it found out about a node in a
dictionary; `at` is the node's place in the text.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

from ktrace.script.language.source import Spot

Kind = Literal["long", "string", "stats"]
"""The three types of a value."""


@dataclass(frozen=True, slots=True, eq=False)
class Number:
    """A literal; already wrapped to 64 bits with sign."""

    at: Spot
    value: int


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """A literal string, a character a byte (Latin-1)."""

    at: Spot
    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Name:
    """A variable: global or local."""

    at: Spot
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """`base[key, ...]`; None stands for `*`. The base is an array or a histogram."""

    at: Spot
    base: "Name | Aggregate"
    keys: "tuple[Expr | None, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Unary:
    """`- + ! ~`."""

    at: Spot
    op: str
    value: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Binary:
    """Arithmetic, comparison, `&& ||`, `.`, `=~ !~`; `at` is the operator's place."""

    at: Spot
    op: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class In:
    """`[keys] in array`; None stands for `*`."""

    at: Spot
    keys: "tuple[Expr | None, ...]"
    array: Name


@dataclass(frozen=True, slots=True, eq=False)
class Ternary:
    """`condition ? yes : no`."""

    at: Spot
    condition: "Expr"
    yes: "Expr"
    no: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Assign:
    """`= += ... .= <<<`; the target is a variable or an element (or what cannot be written to)."""

    at: Spot
    op: str
    target: "Expr"
    value: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Crement:
    """`++` or `--`, before or behind its target."""

    at: Spot
    op: str
    target: "Expr"
    prefix: bool


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A function's call, printf and its like too."""

    at: Spot
    name: str
    args: "tuple[Expr, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """`->name` of a path; `at` is the name's place."""

    at: Spot
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """`[index]` of a path."""

    at: Spot
    index: "Expr"


Path: TypeAlias = tuple[Member | Item, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """`$name->member[1]`, `&$name`, `$name$`, `$$parms`, `@var("name")->member`.

    Attributes:
        name: without `$`; with it of `$$parms` and its like (`$parms`).
        pretty: "", "$" or "$$" behind it.
        module: of `@var("name", "module")`; the function's own otherwise.
    """

    at: Spot
    name: str
    path: Path = ()
    address: bool = False
    pretty: str = ""
    module: str | None = None
    variable: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """`@cast(value, "type", "module")->path`; without a type (None) `value->path` of a known type."""

    at: Spot
    value: "Expr"
    type: str | None
    module: str | None = None
    path: Path = ()
    address: bool = False
    pretty: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """`@entry(expr)`: its value when the function was entered."""

    at: Spot
    value: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Defined:
    """`@defined($x)`."""

    at: Spot
    value: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """`@count(x)`, `@hist_linear(x, low, high, width)`, ...; `op` without `@`."""

    at: Spot
    op: str
    target: "Name | Index"
    params: tuple[int, ...] = ()


Expr: TypeAlias = (
    Number
    | Text
    | Name
    | Index
    | Unary
    | Binary
    | In
    | Ternary
    | Assign
    | Crement
    | Call
    | Target
    | Cast
    | Entry
    | Defined
    | Aggregate
)


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """`{ ... }`; empty for `;`."""

    at: Spot
    body: "tuple[Statement, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class ExprStatement:
    """An expression for its effect."""

    at: Spot
    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class If:
    """`if (condition) yes else no`."""

    at: Spot
    condition: Expr
    yes: "Statement"
    no: "Statement | None"


@dataclass(frozen=True, slots=True, eq=False)
class While:
    """`while (condition) body`; also `for`, with what comes first and what ends each round."""

    at: Spot
    condition: Expr
    body: "Statement"
    first: Expr | None = None
    step: Expr | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Foreach:
    """`foreach (value = [keys] in base[slice] sorted limit n) body`.

    Attributes:
        keys: loop variables.
        value: takes the element; None without it.
        base: an array, or `@hist_log(x)` and its like.
        slice: keys that elements must have, None for any; empty without a slice.
        sort: what to sort by: 0 the value, 1.. a key; None without sorting.
        by: which figure of an aggregate to sort by, such as `sum`.
        descending: of `sort`.
    """

    at: Spot
    keys: tuple[Name, ...]
    value: Name | None
    base: Name | Aggregate
    slice: tuple[Expr | None, ...]
    sort: int | None
    by: str | None
    descending: bool
    limit: Expr | None
    body: "Statement"


@dataclass(frozen=True, slots=True, eq=False)
class Return:
    """`return value`, in a function."""

    at: Spot
    value: Expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Jump:
    """`break`, `continue` or `next`."""

    at: Spot
    word: Literal["break", "continue", "next"]


@dataclass(frozen=True, slots=True, eq=False)
class Delete:
    """`delete array`, `delete array[key]`, `delete variable`."""

    at: Spot
    target: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Try:
    """`try { } catch (message) { }`."""

    at: Spot
    body: "Statement"
    message: Name | None
    handler: "Statement"


Statement: TypeAlias = Block | ExprStatement | If | While | Foreach | Return | Jump | Delete | Try


Node: TypeAlias = Expr | Statement | Member | Item


def children(node: Node) -> Iterator[Node]:
    """The nodes right below a node, in the order of the text."""
    for entry in fields(node):
        value = getattr(node, entry.name)
        for item in value if isinstance(value, tuple) else (value,):
            if hasattr(item, "at"):
                yield item


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, parents first."""
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        stack.extend(reversed(list(children(here))))
