"""Evaluate location descriptions (2.5, 2.6) to locations that a probe can read.

No values are computed, because there are none yet: the stack holds sums of a register and a number, and words
in memory at such sums. A fetch argument cannot express more than that.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ktrace.model.debuginfo import Absent, Constant, InMemory, InRegister, Location
from ktrace.symbols.dwarf.bytes import BROKEN, block, fixed, sleb, uleb
from ktrace.symbols.dwarf.registers import register_name
from ktrace.symbols.dwarf.unit import Unit

_OP_ADDR, _OP_DEREF, _OP_PLUS, _OP_PLUS_UCONST, _OP_MINUS = 0x03, 0x06, 0x22, 0x23, 0x1C
_OP_PIECE, _OP_BIT_PIECE, _OP_NOP, _OP_CFA = 0x93, 0x9D, 0x96, 0x9C
_OP_IMPLICIT_VALUE, _OP_STACK_VALUE, _OP_IMPLICIT_POINTER, _OP_ENTRY_VALUE = 0x9E, 0x9F, 0xA0, 0xA3
_GNU_IMPLICIT_POINTER, _GNU_ENTRY_VALUE = 0xF2, 0xF3
# const1u to const8s: bytes, and whether signed.
_CONSTANTS = {0x08 + n: (1 << n // 2, n % 2 == 1) for n in range(8)}

OPTIMIZED_OUT = Absent("optimized out")
_COMPUTED = Absent("the compiler computes it from other values")


@dataclass(frozen=True, slots=True)
class Address:
    """A location in memory at an address as linked: a static variable."""

    address: int


@dataclass(frozen=True, slots=True)
class _Term:
    """A sum: `offsets[0]` is added to a register (or to nothing), each further one to the word there."""

    register: str | None
    offsets: tuple[int, ...]

    def plus(self, n: int) -> "_Term":
        return _Term(self.register, (*self.offsets[:-1], self.offsets[-1] + n))


def evaluate(
    code: bytes, unit: Unit, machine: str, frame_base: Callable[[], Location | None]
) -> Location | Address:
    """Evaluate a location description.

    Args:
        frame_base: returns the function's frame base; `InMemory` means "that address". Returns None for
            DW_OP_call_frame_cfa if no frame is described.

    Raises:
        Damaged: it cannot be decoded.
    """
    try:
        return _evaluate(code, unit, machine, frame_base)
    except BROKEN:
        raise unit.damaged(0, "a location description makes no sense") from None


# long: one instruction set; a few statements for each instruction, read in the order of the standard.
def _evaluate(  # noqa: PLR0915 -- one instruction set, a few statements each
    code: bytes, unit: Unit, machine: str, frame_base: Callable[[], Location | None]
) -> Location | Address:
    if not code:
        return OPTIMIZED_OUT
    stack: list[_Term] = []
    at, size = 0, len(code)
    while at < size:
        op = code[at]
        at += 1
        if 0x50 <= op <= 0x6F or op == 0x90:  # in a register
            number = op - 0x50
            if op == 0x90:
                number, at = uleb(code, at)
            if at < size:
                return Absent("it is split over several places")
            name = register_name(machine, number)
            return InRegister(name) if name else Absent("it is in a register that probes do not see")
        if 0x70 <= op <= 0x8F or op == 0x92:  # a register and a number
            number = op - 0x70
            if op == 0x92:
                number, at = uleb(code, at)
            offset, at = sleb(code, at)
            name = register_name(machine, number)
            if name is None:
                return Absent("its address is in a register that probes do not see")
            stack.append(_Term(name, (offset,)))
        elif op in (0x91, _OP_CFA):  # fbreg: a number after the frame base
            offset = 0
            if op == 0x91:
                offset, at = sleb(code, at)
            base = frame_base()
            if isinstance(base, InRegister):
                stack.append(_Term(base.register, (offset,)))
            elif isinstance(base, InMemory):
                stack.append(_Term(base.register, base.offsets).plus(offset))
            else:
                return Absent("the location of the stack frame is not described")
        elif op == _OP_ADDR:
            value, at = fixed(code, at, unit.header.address_size)
            stack.append(_Term(None, (value,)))
        elif op in (0xA1, 0xA2, 0xFB, 0xFC):  # address or constant by number
            number, at = uleb(code, at)
            stack.append(_Term(None, (unit.indexed_address(number),)))
        elif 0x30 <= op <= 0x4F:
            stack.append(_Term(None, (op - 0x30,)))
        elif op in _CONSTANTS:
            width, signed = _CONSTANTS[op]
            raw, at = block(code, at, width)
            stack.append(_Term(None, (int.from_bytes(raw, "little", signed=signed),)))
        elif op in (0x10, 0x11):
            value, at = (uleb if op == 0x10 else sleb)(code, at)
            stack.append(_Term(None, (value,)))
        elif op == _OP_PLUS_UCONST:
            value, at = uleb(code, at)
            stack[-1] = stack[-1].plus(value)
        elif op in (_OP_PLUS, _OP_MINUS):
            right, left = stack.pop(), stack.pop()
            sum_ = _sum(left, right, op == _OP_MINUS)
            if sum_ is None:
                return _COMPUTED
            stack.append(sum_)
        elif op == _OP_DEREF:
            stack[-1] = _Term(stack[-1].register, (*stack[-1].offsets, 0))
        elif op == 0x12:  # dup
            stack.append(stack[-1])
        elif op == 0x13:  # drop
            stack.pop()
        elif op == _OP_IMPLICIT_VALUE:
            length, at = uleb(code, at)
            raw, at = block(code, at, length)
            return Constant(int.from_bytes(raw, "little")) if at == size and length <= 8 else _COMPUTED
        elif op == _OP_STACK_VALUE:
            return _value(stack[-1]) if at == size else Absent("it is split over several places")
        elif op in (_OP_IMPLICIT_POINTER, _GNU_IMPLICIT_POINTER):
            return Absent("the value that it points to is not in memory")
        elif op in (_OP_ENTRY_VALUE, _GNU_ENTRY_VALUE):
            return Absent("only its value at the function's entry is known")
        elif op in (_OP_PIECE, _OP_BIT_PIECE):
            return Absent("it is split over several places")
        elif op != _OP_NOP:
            return _COMPUTED
    return _memory(stack[-1])


def _sum(left: _Term, right: _Term, minus: bool) -> _Term | None:
    if right.register is None and len(right.offsets) == 1:
        return left.plus(-right.offsets[0] if minus else right.offsets[0])
    if left.register is None and len(left.offsets) == 1 and not minus:
        return right.plus(left.offsets[0])
    return None


def _memory(term: _Term) -> Location | Address:
    if term.register is not None:
        return InMemory(term.register, term.offsets)
    return Address(term.offsets[0]) if len(term.offsets) == 1 else _COMPUTED


def _value(term: _Term) -> Location | Address:
    """Convert the result of DW_OP_stack_value: it is the value itself, not its address."""
    *before, last = term.offsets
    if not before:
        if term.register is None:
            return Constant(last)
        return InRegister(term.register) if last == 0 else _COMPUTED
    if last:
        return _COMPUTED
    return _memory(_Term(term.register, tuple(before)))
