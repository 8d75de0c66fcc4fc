"""C's integer types on the traced machine, and what an operator makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ktrace.model.c_integer import INT, QUALIFIERS, WORDS, CInt, c_integer, is_integer_name


@dataclass(frozen=True, slots=True)
class Machine:
    """The choices of the traced kernel's compiler: the size of `long` in bytes, and the order of bytes."""

    long: int = 8
    big_endian: bool = False

    @property
    def order(self) -> Literal["little", "big"]:
        """Return the order of bytes as `int.from_bytes` takes it."""
        return "big" if self.big_endian else "little"

    @property
    def word(self) -> CInt:
        """Return `unsigned long`, which also holds a pointer."""
        return CInt(8 * self.long, False)


MACHINE = Machine()

_WORDS = WORDS | QUALIFIERS | {"void"}
_TAGS = frozenset({"struct", "union", "enum"})


def is_type_word(word: str) -> bool:
    """Return whether an identifier can only be part of a type."""
    return word == "typeof" or word in _WORDS or word in _TAGS or is_integer_name(word)


def c_type(words: Sequence[str], pointer: bool = False, machine: Machine = MACHINE) -> CInt | None:
    """Return the type that words such as `unsigned long` name, or None if it is not known.

    Args:
        words: the words, without asterisks.
        pointer: whether there was an asterisk.
        machine: decides how large a `long` is.
    """
    if pointer:
        return machine.word
    return c_integer(words, machine.long)


def promoted(ctype: CInt) -> CInt:
    """Return the type that an operand is promoted to, at least an int."""
    return INT if ctype.bits < 32 else ctype


def common(left: CInt, right: CInt) -> CInt:
    """Return the type that both operands of an operator are converted to."""
    left, right = promoted(left), promoted(right)
    if left.bits != right.bits:
        return left if left.bits > right.bits else right
    return CInt(left.bits, left.signed and right.signed)
