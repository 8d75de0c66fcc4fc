"""Signed 64-bit arithmetic that wraps around, like the kernel's."""

from ktrace.script.language.faults import Fault

LOW = -(1 << 63)
HIGH = (1 << 63) - 1
_MASK = (1 << 64) - 1


def wrap(value: int) -> int:
    """Wrap a value to a signed 64-bit integer."""
    value &= _MASK
    return value - (1 << 64) if value > HIGH else value


def div(a: int, b: int, where: str) -> int:
    """Divide, rounding towards zero. Raises Fault if `b` is 0."""
    if b == 0:
        raise Fault("division by 0", f"operator '/' at {where}")
    if a >= 0 and b > 0:
        return a // b
    value = abs(a) // abs(b)
    return wrap(value if (a < 0) == (b < 0) else -value)


def mod(a: int, b: int, where: str) -> int:
    """Return the remainder, with the sign of `a`. Raises Fault if `b` is 0."""
    if b == 0:
        raise Fault("division by 0", f"operator '%' at {where}")
    if a >= 0 and b > 0:
        return a % b
    value = abs(a) % abs(b)
    return -value if a < 0 else value


def shl(a: int, b: int) -> int:
    """Shift left by the low six bits of `b`, as the CPU does."""
    return wrap(a << (b & 63))


def shr(a: int, b: int) -> int:
    """Shift right arithmetically by the low six bits of `b`."""
    return a >> (b & 63)
