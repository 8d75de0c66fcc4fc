"""64-bit signed arithmetic that wraps as C's does."""

from ktrace.script.language.faults import Fault

LOW = -(1 << 63)
HIGH = (1 << 63) - 1
_MASK = (1 << 64) - 1


def wrap(value: int) -> int:
    """The value in 64 bits with sign."""
    value &= _MASK
    return value - (1 << 64) if value > HIGH else value


def div(a: int, b: int, where: str) -> int:
    """Division towards zero."""
    if b == 0:
        raise Fault("division by 0", f"operator '/' at {where}")
    if a >= 0 and b > 0:
        return a // b
    value = abs(a) // abs(b)
    return wrap(value if (a < 0) == (b < 0) else -value)


def mod(a: int, b: int, where: str) -> int:
    """The remainder, with the sign of `a`."""
    if b == 0:
        raise Fault("division by 0", f"operator '%' at {where}")
    if a >= 0 and b > 0:
        return a % b
    value = abs(a) % abs(b)
    return -value if a < 0 else value


def shl(a: int, b: int) -> int:
    """Shift left; of the count six bits are used, as the machine does."""
    return wrap(a << (b & 63))


def shr(a: int, b: int) -> int:
    """Shift right with sign."""
    return a >> (b & 63)
