"""Addresses that a probe can compute: a value that it reads, and a constant that is added to it.

The kernel's fetch arguments follow pointers with constant offsets. So `kernel_int($x + 4 * 2)` is `+8(x)`,
and `@cast($x - 16, "file")->f_pos` is `((struct file *)&-16(x))->f_pos`. Locals that are set once stand for
their value.
"""

from collections.abc import Callable

from ktrace.records import dataclass
from ktrace.script.language.arithmetic import wrap
from ktrace.script.language.ast import Binary, Call, Cast, Container, Entry, Expr, Name, Number, Target, Unary
from ktrace.script.language.source import ScriptError
from ktrace.script.passes.builtins import AT_ADDRESS, FETCHES, MEMBERS

Definition = Callable[[str], Expr | None]
"""Returns the expression of a local variable that is assigned once, else None."""

_POINTERS = frozenset(name for name in AT_ADDRESS if FETCHES[name][1:] == "64")
_CONSTANTS: dict[str, Callable[[int, int], int]] = {
    "*": lambda a, b: a * b,
    "<<": lambda a, b: a << (b & 63),
    "|": lambda a, b: a | b,
    "&": lambda a, b: a & b,
    "^": lambda a, b: a ^ b,
}
_OFFSET_MAX = 1 << 31


@dataclass(frozen=True, slots=True)
class Address:
    """`base + offset`. Without a base, it is a constant.

    Attributes:
        base: a value of the kernel: a variable, a member, or what is read at another address.
    """

    base: Expr | None
    offset: int

    def value_text(self, text: Callable[[Expr], str]) -> str:
        """Return the address itself as text for `ktrace add`. It can be cast, but not be read."""
        if self.base is None:
            return f"&@{self.offset & (1 << 64) - 1:#x}"
        inner = text(self.base)
        return f"&{self._signed()}({inner})" if self.offset else inner

    def memory_text(self, text: Callable[[Expr], str], *, user: bool = False) -> str:
        """Return the memory at the address as text for `ktrace add`."""
        if self.base is None:
            return f"@{self.offset & (1 << 64) - 1:#x}"
        inner = text(self.base)
        if inner.startswith("&") and not self.offset:
            return inner[1:]
        sign, number = self._signed()[0], self._signed()[1:]
        return f"{sign}{'u' if user else ''}{number}({inner})"

    def _signed(self) -> str:
        return f"{self.offset:+d}"


def address_of(e: Expr, definition: Definition, depth: int = 0) -> Address | None:
    """Return an expression as a base and an offset; None if a probe cannot compute it.

    Raises:
        ScriptError: the offset is larger than the kernel allows.
    """
    if depth > 20:
        return None
    match e:
        case Number():
            return Address(None, e.value)
        case Target() | Cast() | Container() | Entry():
            return Address(e, 0)
        case Name():
            known = definition(e.name)
            return None if known is None else address_of(known, definition, depth + 1)
        case Call():
            return Address(e, 0) if is_pointer_call(e) else None
        case Unary(op="-" | "+"):
            inner = address_of(e.value, definition, depth + 1)
            if inner is None or inner.base is not None:
                return None
            return Address(None, wrap(-inner.offset if e.op == "-" else inner.offset))
        case Binary():
            return _sum(e, definition, depth)
    return None


def _sum(e: Binary, definition: Definition, depth: int) -> Address | None:
    left = address_of(e.left, definition, depth + 1)
    right = address_of(e.right, definition, depth + 1)
    if left is None or right is None:
        return None
    if e.op == "+" and (left.base is None or right.base is None):
        found = Address(left.base or right.base, wrap(left.offset + right.offset))
    elif e.op == "-" and right.base is None:
        found = Address(left.base, wrap(left.offset - right.offset))
    elif e.op in _CONSTANTS and left.base is None and right.base is None:
        found = Address(None, wrap(_CONSTANTS[e.op](left.offset, right.offset)))
    else:
        return None
    if found.base is not None and not -_OFFSET_MAX <= found.offset < _OFFSET_MAX:
        raise ScriptError("a probe adds at most 2 GiB to an address", e.at)
    return found


def is_load(e: Expr) -> bool:
    """Return whether a value is read at an address, so that it has no type."""
    return isinstance(e, Call) and e.name in AT_ADDRESS


def is_pointer_call(e: Call) -> bool:
    """Return whether a call reads a pointer: an argument, a member, or 8 bytes at an address."""
    if e.name in _POINTERS or (e.name.endswith("_arg") and e.name in FETCHES):
        return len(e.args) == 1
    return (e.name in MEMBERS and MEMBERS[e.name][2] == "number") or (e.name == "returnval" and not e.args)


def is_computable(e: object) -> bool:
    """Return whether a probe may be able to compute the value of a local variable."""
    match e:
        case Number() | Target() | Cast() | Container() | Entry() | Name():
            return True
        case Call():
            return is_pointer_call(e)
        case Unary():
            return is_computable(e.value)
        case Binary():
            return is_computable(e.left) and is_computable(e.right)
    return False
