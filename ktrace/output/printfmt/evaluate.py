"""Evaluate the expressions of a `print fmt` over columns: C's arithmetic, for all records in one step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray

from ktrace.model.column import Column, Strings
from ktrace.model.format import Field
from ktrace.model.lookups import Lookups
from ktrace.output.printfmt.cint import INT, CInt, common, promoted
from ktrace.output.printfmt.constants import CONSTANTS
from ktrace.output.printfmt.tree import (
    Binary,
    Call,
    Cast,
    Choice,
    FieldOf,
    Index,
    Let,
    Name,
    Node,
    Null,
    Number,
    Record,
    Table,
    Text,
    Unary,
)
from ktrace.output.printfmt.values import Arrays, Ints, Unknown, Value, choice, constant


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
    """

    rows: int
    columns: Mapping[str, Column]
    fields: Mapping[str, Field]
    lookups: Lookups
    call: "Callable[[Call, Records], Value]"
    tables: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    names: dict[str, Value] = field(default_factory=dict)


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
            value = evaluate(node.operand, records)
            return value.to(node.type) if isinstance(value, Ints) and node.type else value
        case Unary():
            return _unary(node.op, _ints(node.operand, records))
        case Binary():
            return _binary(node.op, _ints(node.left, records), _ints(node.right, records))
        case Choice():
            return _choice(node, records)
        case Index():
            return _indexed(node, records)
        case Call():
            return records.call(node, records)
        case Let():
            records.names[node.name] = evaluate(node.value, records)
            return evaluate(node.body, records)
        case Record() | Table():
            raise Unknown
    assert_never(node)


def column_of(name: str, records: Records) -> Value:
    """Return a field's value in each record."""
    column = records.columns.get(name)
    where = records.fields.get(name)
    if column is None or where is None:
        raise Unknown
    if isinstance(column, Strings):
        return column
    width = where.width
    is_array = column.ndim == 2 or column.dtype.kind == "O"
    if width not in (1, 2, 4, 8):
        if not is_array:
            raise Unknown
        width = 1
    ctype = CInt(8 * width, where.signed)
    if is_array and column.dtype.kind == "O" and len(column) and isinstance(column[0], int):
        return Ints.of(np.array([value & 0xFFFFFFFFFFFFFFFF for value in column], np.uint64), ctype)
    return Arrays(column, ctype) if is_array else Ints.of(column, ctype)


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
    value = evaluate(node, records)
    if not isinstance(value, Ints):
        raise Unknown
    return value


def _unary(op: str, value: Ints) -> Ints:
    if op == "!":
        return Ints.of(int(not value.data) if isinstance(value.data, int) else value.data == 0, INT)
    value = value.to(promoted(value.type))
    return Ints.of(-value.data if op == "-" else ~value.data, value.type)


def _truth(value: Ints) -> NDArray[np.bool_] | bool:
    return bool(value.data) if isinstance(value.data, int) else value.data != 0


def _choice(node: Choice, records: Records) -> Value:
    truth = _truth(_ints(node.condition, records))
    if isinstance(truth, bool):
        return evaluate(node.yes if truth else node.no, records)
    yes, no = evaluate(node.yes, records), evaluate(node.no, records)
    if isinstance(yes, Strings) and isinstance(no, Strings):
        return choice(truth, yes, no)
    if isinstance(yes, Ints) and isinstance(no, Ints):
        ctype = common(yes.type, no.type)
        return Ints(
            np.where(truth, yes.to(ctype).column(records.rows), no.to(ctype).column(records.rows)), ctype
        )
    raise Unknown


def _indexed(node: Index, records: Records) -> Value:
    base = evaluate(node.base, records)
    index = _ints(node.index, records)
    if not isinstance(base, Arrays) or not isinstance(index.data, int):
        raise Unknown
    return base.at(index.data)


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
