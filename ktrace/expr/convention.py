"""Locate a function's arguments at its entry.

x86-64: System V ABI, "Parameter Passing"; aarch64: AAPCS64, "Parameter passing rules"; riscv64: RISC-V
psABI, "Integer calling convention". The kernel uses no floating point registers.
"""

from dataclasses import dataclass
from typing import TypeAlias

from ktrace.model.ctype import CType, Float, FuncProto, Int, Record, bare, size_of
from ktrace.model.registers import CONVENTIONS

_WORD = 8


@dataclass(frozen=True, slots=True)
class InRegisters:
    """The registers or stack words (`%di`, `$stack7`) that hold the argument's 64-bit words, in order.

    `slot` is the kernel's index of the first word: `$argN` is slot N - 1. That is parameter N only if every
    parameter before it takes one word. None if `$argN` cannot read it.
    """

    names: tuple[str, ...]
    slot: int | None


@dataclass(frozen=True, slots=True)
class InMemory:
    """The argument is in memory, `offset` bytes after the address in `base`; `slot` is that of `base`."""

    base: str
    offset: int
    slot: int | None = None


@dataclass(frozen=True, slots=True)
class Unreachable:
    """An argument that no probe can read; `why` is a clause for the error message."""

    why: str


Location: TypeAlias = InRegisters | InMemory | Unreachable


def locate(proto: FuncProto, machine: str) -> tuple[Location, ...]:
    """Return the location of each parameter at the function's entry; `machine` is `uname -m`."""
    convention = CONVENTIONS.get(machine)
    if convention is None:
        return (Unreachable(f"the calling convention of {machine} is not known"),) * len(proto.params)
    walk = _Walk(machine, convention.args)
    result = size_of(proto.returns) or 0
    if machine != "aarch64" and isinstance(bare(proto.returns), Record) and result > 2 * _WORD:
        walk.registers(1)  # the address for the result; arm64 has a separate register for it
    return tuple(walk.place(param.type) for param in proto.params)


class _Walk:
    """Allocates registers and stack words, argument by argument."""

    def __init__(self, machine: str, args: tuple[str, ...]) -> None:
        self._machine = machine
        self._args = args
        self._used = 0  # registers
        self._pushed = 0  # words of the stack
        # At entry x86's stack begins with the return address.
        self._stack_first = 1 if machine == "x86_64" else 0

    def place(self, ctype: CType) -> Location:
        """Return the location of the next argument."""
        size, kind = size_of(ctype), bare(ctype)
        if size is None or isinstance(kind, Float):
            return Unreachable("it is a floating point value" if size else "its size is not known")
        if size == 0:
            return Unreachable("it is empty, and takes no place")
        words = -(-size // _WORD)
        wide = isinstance(kind, Int) and words == 2
        if words > 2:
            return self._large(words)
        if wide and self._machine == "aarch64":
            self._used += self._used % 2  # 128-bit integers begin at an even register
        slot = self._used
        names = self.registers(words)
        if not names and words == 2 and self._machine == "riscv64" and self._used < len(self._args):
            return InRegisters((*self.registers(1), *self._stack(1)), slot)
        if names:
            return InRegisters(names, slot)
        if self._machine == "aarch64":
            self._used = len(self._args)  # once on the stack, always on the stack
        if wide:
            self._pushed += self._pushed % 2
        at = self._pushed
        names = self._stack(words)
        if words == 1:
            return InRegisters(names, self._stack_slot(at))
        return InMemory("$stack", _WORD * (at + self._stack_first))

    def registers(self, words: int) -> tuple[str, ...]:
        """Allocate this many registers, or return none if too few are free."""
        if self._used + words > len(self._args):
            return ()
        self._used += words
        return tuple(f"%{name}" for name in self._args[self._used - words : self._used])

    def _large(self, words: int) -> Location:
        """Place an argument of over 16 bytes: on x86-64 on the stack, elsewhere as the address of a copy."""
        if self._machine == "x86_64":
            at = self._pushed
            self._pushed += words
            return InMemory("$stack", _WORD * (at + self._stack_first))
        slot = self._used
        names = self.registers(1)
        if names:
            return InMemory(names[0], 0, slot)
        return InMemory(self._stack(1)[0], 0)

    def _stack(self, words: int) -> tuple[str, ...]:
        first = self._pushed + self._stack_first
        self._pushed += words
        return tuple(f"$stack{first + n}" for n in range(words))

    def _stack_slot(self, at: int) -> int | None:
        """Return the slot of a stack word. x86's `$arg7` is the first one; elsewhere `$arg9` reads 0."""
        return len(self._args) + at if self._machine == "x86_64" else None
