"""Evaluate the expressions of a `print fmt` over columns: C's arithmetic, for all records in one step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from ktrace.model.c_integer import INT, CInt
from ktrace.model.column import Column, Strings
from ktrace.model.format import Field
from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.cint import MACHINE, Machine, common, promoted
from ktrace.output.printfmt.constants import CONSTANTS
from ktrace.output.printfmt.tree import (
    AddressOf,
    Binary,
    Call,
    Cast,
    Choice,
    Compound,
    FieldOf,
    Index,
    Let,
    Name,
    Node,
    Null,
    Number,
    Record,
    SizeOf,
    Table,
    Text,
    Unary,
)
from ktrace.output.printfmt.values import Arrays, Ints, Unknown, Value, choice, constant, either, texts_of


@dataclass(frozen=True, slots=True)
class Records:
    """The records of one event, over which expressions are evaluated.

    Attributes:
        rows: the number of records.
        columns: a column for each field.
        fields: the layout of each field in memory.
        lookups: names that are not in the records.
        call: evaluates the kernel's functions, such as `__print_flags`.
        tables: a cache of the names that those functions choose from, by the `id` of the call.
        names: the values of local variables.
        machine: the traced machine.
        lengths: the bytes of texts of varying length, by field.
    """

    rows: int
    columns: Mapping[str, Column]
    fields: Mapping[str, Field]
    lookups: Lookups
    call: "Callable[[Call, Records], Value]"
    tables: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    names: dict[str, Value] = field(default_factory=dict)
    machine: Machine = MACHINE
    lengths: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)


def evaluate(node: Node, records: Records) -> Value:
    """Return the value of `node` for each record.

    Raises:
        Unknown: only the kernel can compute it.
    """
    match node:
        case Number():
            return Ints(node.value, node.type)
        case Text():
            return constant(node.text, records.rows)
        case Null():
            return Ints(0, CInt(64, False))
        case FieldOf():
            return column_of(node.name, records)
        case Name():
            return _named(node.name, records)
        case Cast():
            return _cast(node, records)
        case AddressOf():
            return _address(node.operand, records)
        case SizeOf():
            return Ints(_size_of(node.operand, records), records.machine.word)
        case Unary():
            return _unary(node.op, _number(evaluate(node.operand, records), node.op == "!"))
        case Binary():
            return _operation(node, records)
        case Choice():
            return _choice(node, records)
        case Index():
            return _indexed(node, records)
        case Call():
            return records.call(node, records)
        case Let():
            records.names[node.name] = evaluate(node.value, records)
            return evaluate(node.body, records)
        case Record() | Table() | Compound():
            raise Unknown
    assert_never(node)


def column_of(name: str, records: Records) -> Value:
    """Return a field's value in each record."""
    column = records.columns.get(name)
    if isinstance(column, Strings):
        return column
    where = records.fields.get(name)
    if column is None or where is None:
        raise Unknown
    width = where.width
    is_array = column.ndim == 2 or column.dtype.kind == "O"
    if width not in (1, 2, 4, 8):
        if not is_array:
            raise Unknown
        width = 1
    ctype = CInt(8 * width, where.signed)
    if is_array and column.dtype.kind == "O" and len(column) and isinstance(column[0], int):
        return Ints.of(np.array([value & 0xFFFFFFFFFFFFFFFF for value in column], np.uint64), ctype)
    return Arrays(column, ctype, records.machine) if is_array else Ints.of(column, ctype)


def _cast(node: Cast, records: Records) -> Value:
    value = evaluate(node.operand, records)
    if isinstance(value, Ints):
        return value.to(node.type) if node.type else value
    if isinstance(value, Arrays) and node.element is not None:
        return value.cast(node.element)
    return value


def _address(place: Node, records: Records) -> Value:
    """Return a pointer to a field or to an element of an array."""
    if isinstance(place, Index):
        base, index = evaluate(place.base, records), _ints(place.index, records)
        if index.data == 0:
            return base
        if isinstance(base, Arrays) and isinstance(index.data, int):
            return base.after(index.data)
        raise Unknown
    value = evaluate(place, records)
    if not isinstance(value, Ints):
        return value  # an array and its address are the same
    if not isinstance(place, FieldOf):
        raise Unknown
    return Arrays(value.column(records.rows).reshape(-1, 1), value.type, records.machine)


def _size_of(place: Node, records: Records) -> int:
    depth = 0
    while isinstance(place, Index):
        place, depth = place.base, depth + 1
    where = records.fields.get(place.name) if isinstance(place, FieldOf) else None
    if where is None or where.shape in ("data_loc", "rel_loc"):
        raise Unknown
    return where.width if depth else where.size


def _named(name: str, records: Records) -> Value:
    if name in records.names:
        return records.names[name]
    found = records.lookups.constant(name)
    if found is None:
        found = CONSTANTS.get(name)
    if found is None:
        raise Unknown
    return Ints.of(found, INT if -(1 << 31) <= found < 1 << 31 else CInt(64, found < 0))


def _ints(node: Node, records: Records) -> Ints:
    return _number(evaluate(node, records), False)


def _number(value: Value, is_condition: bool) -> Ints:
    """Return a value as integers. As a condition an array or text counts as true, since it has an address."""
    if isinstance(value, Ints):
        return value
    if not is_condition:
        raise Unknown
    if isinstance(value, Strings):
        return Ints(np.array([text is not None for text in value.values], np.int32)[value.codes], INT)
    return Ints(1, INT)


def _unary(op: str, value: Ints) -> Ints:
    if op == "!":
        return Ints.of(int(not value.data) if isinstance(value.data, int) else value.data == 0, INT)
    value = value.to(promoted(value.type))
    return Ints.of(-value.data if op == "-" else ~value.data, value.type)


def _truth(value: Ints) -> NDArray[np.bool_] | bool:
    return bool(value.data) if isinstance(value.data, int) else value.data != 0


def _choice(node: Choice, records: Records) -> Value:
    condition = evaluate(node.condition, records)
    truth = _truth(_number(condition, True))
    is_own = node.yes is node.condition  # a ?: b
    if isinstance(truth, bool):
        return condition if truth and is_own else evaluate(node.yes if truth else node.no, records)
    yes, no = condition if is_own else evaluate(node.yes, records), evaluate(node.no, records)
    if isinstance(yes, Ints) and isinstance(no, Ints):
        ctype = common(yes.type, no.type)
        return Ints(
            np.where(truth, yes.to(ctype).column(records.rows), no.to(ctype).column(records.rows)), ctype
        )
    if isinstance(yes, Arrays) and isinstance(no, Arrays):
        return either(truth, yes, no)
    return choice(
        truth, texts_of(yes, records.rows, records.lookups), texts_of(no, records.rows, records.lookups)
    )


def _indexed(node: Index, records: Records) -> Value:
    base = evaluate(node.base, records)
    index = _ints(node.index, records)
    if isinstance(base, Strings):
        return _character(base, index)
    if not isinstance(base, Arrays):
        raise Unknown
    return base.at(index.data) if isinstance(index.data, int) else base.each(index.data.tolist())


def _character(texts: Strings, index: Ints) -> Ints:
    """Return the first character of each text, and 0 of an empty one."""
    if index.data != 0:
        raise Unknown  # what follows a NUL is not known
    codes = [(text or "").encode("utf-8", "surrogateescape")[:1] for text in texts.values]
    return Ints.of(np.array([code[0] if code else 0 for code in codes], np.int64)[texts.codes], CInt(8, True))


def _operation(node: Binary, records: Records) -> Value:
    left, right = evaluate(node.left, records), evaluate(node.right, records)
    if (
        isinstance(left, Arrays)
        and node.op == "+"
        and isinstance(right, Ints)
        and isinstance(right.data, int)
    ):
        return left.after(right.data)
    is_condition = node.op in ("&&", "||")
    return _binary(node.op, _number(left, is_condition), _number(right, is_condition))


def _binary(op: str, left: Ints, right: Ints) -> Ints:
    if op in ("&&", "||"):
        yes, other = _truth(left), _truth(right)
        return Ints.of(_as_int(yes & other if op == "&&" else yes | other), INT)
    if op in ("<<", ">>"):
        left = left.to(promoted(left.type))
        return Ints.of(_shifted(op, left, right), left.type)
    ctype = common(left.type, right.type)
    # A constant stays a plain int, so that NumPy uses the column's type.
    a, b = left.to(ctype).data, right.to(ctype).data
    if op in _COMPARE:
        return Ints.of(_as_int(_COMPARE[op](a, b)), INT)
    if op in ("/", "%"):
        return Ints.of(_divided(op, a, b, ctype), ctype)
    return Ints.of(_COMPUTE[op](a, b), ctype)


def _as_int(truth: NDArray[Any] | bool) -> int | NDArray[Any]:
    return int(truth) if isinstance(truth, bool) else truth


def _shifted(op: str, left: Ints, right: Ints) -> int | NDArray[Any]:
    mask = left.type.bits - 1
    by: Any = right.data & mask
    if isinstance(left.data, int) and isinstance(by, int):
        return left.data << by if op == "<<" else left.data >> by
    dtype = left.type.dtype
    a = left.data if not isinstance(left.data, int) else np.array(left.data, dtype)
    if not isinstance(by, int):
        by = by.astype(dtype)
    shifted: NDArray[Any] = np.left_shift(a, by) if op == "<<" else np.right_shift(a, by)
    return shifted


def _divided(op: str, a: Any, b: Any, ctype: CInt) -> int | NDArray[Any]:
    """Divide and round towards zero, as C does.

    Division by zero, which would crash the kernel, gives zero.
    """
    if isinstance(a, int) and isinstance(b, int):
        if b == 0:
            return 0
        quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
        return quotient if op == "/" else a - quotient * b
    a, b = np.broadcast_arrays(np.asarray(a, ctype.dtype), np.asarray(b, ctype.dtype))
    safe = np.where(b == 0, np.ones_like(b), b)
    rest = np.fmod(a, safe)
    result: NDArray[Any] = (a - rest) // safe if op == "/" else rest
    result[b == 0] = 0
    return result


_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}
_COMPUTE: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
}
