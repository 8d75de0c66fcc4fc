"""Read the names of constants from an event's `print fmt`: `__print_flags`, `__print_symbolic`.

The kernel prints such a field by name, and a filter may name its values, too.
"""

import ast
import re

from ktrace.model.meaning import Meaning
from ktrace.model.meaning_numbers import Table

_PAIR = re.compile(r'\{([^{}"]{1,2000}),\s*"([^"\\]{1,100})"\s*\}')
_CALL = re.compile(r"__print_(flags|symbolic)(?:_u64|64)?\(\s*REC->(\w+)\s*,([^()]*?)(?=\{)")
_NOT_PYTHON = re.compile(
    r"\(\s*(?:unsigned long|unsigned int|gfp_t|int|u32|u64)\s*\)|(?<=[0-9a-fA-F])[uUlL]+\b"
)
_BITS = 64
_U64 = (1 << _BITS) - 1


def printed_names(print_fmt: str) -> dict[str, Meaning]:
    """Return the names of the values of those fields that an event prints by name, by field."""
    found = {}
    for call in _CALL.finditer(print_fmt):
        is_flags = call[1] == "flags"
        table = named_constants(_list(print_fmt, call.end()), signed=not is_flags)
        if is_flags:
            table = tuple(pair for pair in table if pair[0])
        if table:
            found[call[2]] = Meaning("flags" if is_flags else "enum", table)
    return found


def _list(text: str, start: int) -> str:
    """Return the list of pairs that begins there, up to the call's closing bracket."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return text[start:at]
    return ""


def named_constants(text: str, *, signed: bool = False) -> Table:
    """Return the numbers and the names of pairs such as `{ 1 << 3, "NAME" }`, where the first is a constant.

    Args:
        signed: whether a negative number stays one; otherwise numbers have 64 bits.
    """
    found = []
    for expression, name in _PAIR.findall(text):
        try:
            number = _value(ast.parse(_NOT_PYTHON.sub("", expression).strip(), mode="eval").body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        found.append((number if signed else number & _U64, name))
    return tuple(dict.fromkeys(found))


def _value(node: ast.expr) -> int:
    """Return the value of a constant expression. Raise ValueError if it is none."""
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return ~_value(operand)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left), _value(right)
            if isinstance(op, ast.BitOr):
                return a | b
            if isinstance(op, ast.BitAnd):
                return a & b
            if isinstance(op, ast.LShift) and 0 <= b < _BITS:
                return a << b
    raise ValueError("not a constant")
