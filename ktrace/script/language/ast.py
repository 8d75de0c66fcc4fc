"""The syntax tree that the parser builds and every later pass reads.

Nodes are frozen and compared by identity, so that a pass can use them as dictionary keys.
"""

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from operator import is_not
from typing import Any, Literal, TypeAlias, TypeVar, cast

from ktrace.records import dataclass
from ktrace.script.language.source import Located, Spot

Kind = Literal["long", "string", "stats"]
"""The three types of a value."""


@dataclass(frozen=True, slots=True, eq=False)
class Number(Located):
    """A literal number, already wrapped to a signed 64-bit integer."""

    value: int


@dataclass(frozen=True, slots=True, eq=False)
class Text(Located):
    """A literal string. Each character stands for one byte (Latin-1)."""

    value: str


@dataclass(frozen=True, slots=True, eq=False)
class Name(Located):
    """A global or local variable."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Index(Located):
    """`base[key, ...]`; None stands for `*`. The base is an array or a histogram."""

    base: "Name | Aggregate"
    keys: "tuple[Expr | None, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Unary(Located):
    """`- + ! ~`."""

    op: str
    value: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Located):
    """Arithmetic, comparison, `&& ||`, `.`, `=~ !~`; `at` is the operator's position."""

    op: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class In(Located):
    """`[keys] in array`; None stands for `*`."""

    keys: "tuple[Expr | None, ...]"
    array: Name


@dataclass(frozen=True, slots=True, eq=False)
class Ternary(Located):
    """`condition ? yes : no`."""

    condition: "Expr"
    yes: "Expr"
    no: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Assign(Located):
    """`= += ... .= <<<`; the parser accepts any target, even one that cannot be assigned to."""

    op: str
    target: "Expr"
    value: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Crement(Located):
    """`++` or `--`, before or after its target."""

    op: str
    target: "Expr"
    prefix: bool


@dataclass(frozen=True, slots=True, eq=False)
class Call(Located):
    """A call of a function or of a built-in such as printf."""

    name: str
    args: "tuple[Expr, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class Member(Located):
    """`->name` of a path; `at` is the name's position."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Item(Located):
    """`[index]` of a path."""

    index: "Expr"


Path: TypeAlias = tuple[Member | Item, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Target(Located):
    """`$name->member[1]`, `&$name`, `$name$`, `$$parms`, `@var("name")->member`.

    Attributes:
        name: without the first `$`: `x` for `$x`, `$parms` for `$$parms`.
        pretty: the suffix: "", "$" or "$$".
        module: the module in `@var("name", "module")`; None means the probed function's module.
    """

    name: str
    path: Path = ()
    address: bool = False
    pretty: str = ""
    module: str | None = None
    variable: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Cast(Located):
    """`@cast(value, "type", "module")->path`; `type` is None for a plain `value->path`."""

    value: "Expr"
    type: str | None
    module: str | None = None
    path: Path = ()
    address: bool = False
    pretty: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Container(Located):
    """`@container_of(value, "type", member)`: the address of the struct that holds a member.

    Attributes:
        value: the address of the member.
        offset: the member's offset in bytes; None until the kernel's types have been asked.
    """

    value: "Expr"
    type: str
    module: str | None
    path: Path
    offset: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class TypeFact(Located):
    """`sizeof("type")` and `@type_member_defined("type", member)`: a number that the kernel's types tell."""

    op: Literal["size", "defined"]
    type: str
    module: str | None
    path: Path = ()


@dataclass(frozen=True, slots=True, eq=False)
class Entry(Located):
    """`@entry(expr)`: the value of `expr` at the function's entry."""

    value: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Defined(Located):
    """`@defined($x)`."""

    value: "Expr"


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate(Located):
    """`@count(x)`, `@hist_linear(x, low, high, width)`, ...; `op` has no `@`."""

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
    | Container
    | TypeFact
    | Entry
    | Defined
    | Aggregate
)


@dataclass(frozen=True, slots=True, eq=False)
class Block(Located):
    """`{ ... }`; a lone `;` is an empty block."""

    body: "tuple[Statement, ...]"


@dataclass(frozen=True, slots=True, eq=False)
class ExprStatement(Located):
    """An expression used as a statement."""

    value: Expr


@dataclass(frozen=True, slots=True, eq=False)
class If(Located):
    """`if (condition) yes else no`."""

    condition: Expr
    yes: "Statement"
    no: "Statement | None"


@dataclass(frozen=True, slots=True, eq=False)
class While(Located):
    """`while (condition) body`; also `for`, with its `first` and `step` expressions."""

    condition: Expr
    body: "Statement"
    first: Expr | None = None
    step: Expr | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Foreach(Located):
    """`foreach (value = [keys] in base[slice] sorted limit n) body`.

    Attributes:
        keys: the loop variables.
        value: the variable that receives the element; None if there is none.
        base: an array or a histogram such as `@hist_log(x)`.
        slice: the keys that an element must have; None matches any key. Empty without a slice.
        sort: 0 to sort by value, N to sort by the Nth key (from 1); None for no sorting.
        by: the statistic of an aggregate to sort by, such as `sum`.
        descending: whether `sort` is in descending order.
    """

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
class Return(Located):
    """`return value`, in a function."""

    value: Expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Jump(Located):
    """`break`, `continue` or `next`."""

    word: Literal["break", "continue", "next"]


@dataclass(frozen=True, slots=True, eq=False)
class Delete(Located):
    """`delete array`, `delete array[key]`, `delete variable`."""

    target: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Try(Located):
    """`try { } catch (message) { }`."""

    body: "Statement"
    message: Name | None
    handler: "Statement"


Statement: TypeAlias = Block | ExprStatement | If | While | Foreach | Return | Jump | Delete | Try


Node: TypeAlias = Expr | Statement | Member | Item
N = TypeVar("N", bound=Node)


class _Parts(dict[type, tuple[str, ...]]):
    """The fields of each class of nodes that may hold nodes.

    Asked for each node, `dataclasses.fields` would take longer than all the rest of a pass.
    """

    def __missing__(self, cls: Any) -> tuple[str, ...]:
        self[cls] = tuple(one.name for one in fields(cls) if one.type not in (int, str, bool, Spot))
        return self[cls]


_PARTS = _Parts()


def children(node: Node) -> list[Node]:
    """Return the direct children of a node, in the order of the text."""
    found: list[Node] = []
    for name in _PARTS[type(node)]:
        value = getattr(node, name)
        if isinstance(value, Located):
            found.append(cast(Node, value))
        elif isinstance(value, tuple):
            found += [cast(Node, item) for item in value if isinstance(item, Located)]
    return found


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all its descendants, parents first."""
    stack = [node]
    while stack:
        here = stack.pop()
        yield here
        if _PARTS[type(here)]:  # half of all nodes have none
            below = children(here)
            below.reverse()
            stack += below


PROBE_WRITE = "@probewrite"
"""The name of the call that stands for `@probewrite(v)`."""


def variable_of(target: Node) -> Name | None:
    """Return the variable that a target names, `x` for `x` and `x[1]`; None for any other expression."""
    if isinstance(target, Index):
        target = target.base
    return target if isinstance(target, Name) else None


def flat(one: Statement) -> Iterator[Statement]:
    """Yield a statement, or the statements of a block and of the blocks in it."""
    if isinstance(one, Block):
        for inner in one.body:
            yield from flat(inner)
    else:
        yield one


def is_next(one: Statement) -> bool:
    """Return whether a statement is `next` and nothing else."""
    return [isinstance(inner, Jump) and inner.word == "next" for inner in flat(one)] == [True]


def rebuilt(node: N, change: Callable[[Any], Any]) -> N:
    """Return a node with its children replaced by what `change` returns for them.

    The same node is returned if no child changes, so that dictionaries with nodes as keys still know it.
    """
    changed = {}
    for name in _PARTS[type(node)]:
        old = getattr(node, name)
        if isinstance(old, tuple):
            new: Any = tuple([change(one) if isinstance(one, Located) else one for one in old])
            if any(map(is_not, old, new)):
                changed[name] = new
        elif isinstance(old, Located) and (new := change(old)) is not old:
            changed[name] = new
    return replace(node, **changed) if changed else node
