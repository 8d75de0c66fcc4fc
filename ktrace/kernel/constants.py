"""Look up constants that differ between kernels: flags of allocations, operations of block devices."""

import ast
import re

from ktrace.kernel.kernel import Kernel
from ktrace.model.ctype import Enum
from ktrace.model.meaning import Table
from ktrace.model.miss import Miss

_GFP_EVENTS = ("kmem/kmalloc", "kmem/mm_page_alloc")
_PAIR = re.compile(r'\{([^{}"]{1,2000}),\s*"(\w+)"\s*\}')
_NOT_PYTHON = re.compile(r"\(\s*(?:unsigned long|gfp_t|int)\s*\)|(?<=[0-9a-fA-F])[uUlL]+\b")
_REQ_OP_BITS = 8
_BITS = 64
_U64 = (1 << _BITS) - 1


def kernel_constants(kernel: Kernel, word: str) -> Table:
    """Return the names of a group's constants in this kernel; empty if it does not tell them.

    Args:
        word: one of `ktrace.model.meanings.FROM_KERNEL`.
    """
    return _gfp(kernel) if word == "gfp" else _block_operations(kernel)


def _gfp(kernel: Kernel) -> Table:
    """Return the flags of allocations, which the formats of allocation events list."""
    for event in _GFP_EVENTS:
        try:
            text = kernel.tracing.read(f"events/{event}/format")
        except OSError:
            continue
        if table := gfp_flags(text):
            return table
    return ()


def gfp_flags(form: str) -> Table:
    """Return the flags in the `print fmt` of an event that prints gfp flags, those of most bits first."""
    found = []
    for expression, name in _PAIR.findall(form):
        bits = _bits(expression)
        if bits:
            found.append((bits, name))
    return tuple(dict.fromkeys(found))


def _bits(expression: str) -> int:
    """Return the value of `((gfp_t)0x20u) | (gfp_t)(1UL << 3)`; 0 if it is anything else."""
    try:
        return _value(ast.parse(_NOT_PYTHON.sub("", expression).strip(), mode="eval").body) & _U64
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0


def _value(node: ast.expr) -> int:
    """Return the value of a constant expression. Raise ValueError if it is none."""
    match node:
        case ast.Constant(value=int(number)):
            return number
        case ast.UnaryOp(op=ast.Invert(), operand=operand):
            return ~_value(operand)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left), _value(right)
            if isinstance(op, ast.BitOr):
                return a | b
            if isinstance(op, ast.BitAnd):
                return a & b
            if isinstance(op, ast.LShift) and 0 <= b < _BITS:
                return a << b
    raise ValueError("not a constant")


def _block_operations(kernel: Kernel) -> Table:
    """Return the operations (low 8 bits) and the flags of a `blk_opf_t`, which BTF lists."""
    types = kernel.types()
    if isinstance(types, Miss):
        return ()
    operations: list[tuple[int, str]] = []
    for name in ("req_op", "req_opf"):
        found = types.enum(name)
        if isinstance(found, Enum):
            operations = [(value, one) for one, value in found.values if one != "REQ_OP_LAST"]
            break
    bits = types.enum("req_flag_bits")
    flags = [] if isinstance(bits, Miss) else [
        (1 << value, one.removeprefix("__"))
        for one, value in bits.values
        if _REQ_OP_BITS <= value < 64 and one != "__REQ_NR_BITS"
    ]  # fmt: skip
    return (*operations, *flags)
