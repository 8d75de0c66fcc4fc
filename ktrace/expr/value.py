"""A value that a probe can read: its start, the loads on the way to it, and its C type."""

import re
from dataclasses import dataclass, replace

from ktrace.model.ctype import Array, CType, Pointer, bare, size_of, tags

SYMBOL = "&"  # prefix of a word that is the address of a symbol


@dataclass(frozen=True, slots=True)
class Load:
    """Read the 8 bytes at `offset` from the address so far; `user` reads user-space memory."""

    offset: int
    user: bool = False


@dataclass(frozen=True, slots=True)
class Bits:
    """A bitfield: `width` bits, `offset` bits into a container of `container` bits."""

    width: int
    offset: int
    container: int


@dataclass(frozen=True, slots=True)
class Value:
    """Start with `words[0]`, follow `loads`, add `addend`.

    Attributes:
        words: names in the kernel's grammar, such as `%di`; several for a struct passed in registers.
            `&NAME` is the address of a symbol. The kernel can only read what is at it: `@NAME`.
        in_words: whether it is such a struct or a part of it; `addend` is then the offset into `words`.
        loads: the loads, in order.
        addend: the offset to add, in bytes.
        memory: whether the result is the value's address; if not, it is the value itself.
        type: the C type; None if unknown, as for a register.
        bits: the bits of a bitfield.
        user: whether a value in memory is in user-space memory.
        path: the kernel's spelling by names (`file->f_path.dentry`); None if there is none.
        label: a name for the argument.
        member: `RECORD.MEMBER` if it is a member; empty otherwise.
    """

    words: tuple[str, ...]
    type: CType | None
    label: str
    loads: tuple[Load, ...] = ()
    addend: int = 0
    memory: bool = False
    in_words: bool = False
    bits: Bits | None = None
    user: bool = False
    path: str | None = None
    member: str = ""

    def pointee(self, offset: int, ctype: CType | None, *, user: bool = False) -> "Value":
        """Return the value `offset` bytes after the pointer's target. An array is its own address."""
        user = user or self.user or (self.type is not None and "user" in tags(self.type))
        if self.memory and isinstance(self.kind, Array):
            return replace(self, addend=self.addend + offset, type=ctype, user=user, path=None, member="")
        if self.memory:
            loads = (*self.loads, Load(self.addend, self.user))
            return Value(self.words, ctype, self.label, loads, offset, memory=True, user=user)
        if self.in_words:  # a pointer within a struct that is passed in registers
            words = (self.words[self.addend // 8],)
            return Value(words, ctype, self.label, (), offset, memory=True, user=user)
        return Value(self.words, ctype, self.label, self.loads, self.addend + offset, memory=True, user=user)

    def part(self, offset: int, ctype: CType) -> "Value":
        """Return the member at byte `offset` of this struct."""
        return replace(self, addend=self.addend + offset, type=ctype, path=None, member="")

    @property
    def kind(self) -> CType | None:
        """Return the type without typedefs, qualifiers and tags."""
        return None if self.type is None else bare(self.type)

    @property
    def target(self) -> CType | None:
        """Return the target type of a pointer or the element type of an array; None for other types."""
        kind = self.kind
        if isinstance(kind, Pointer):
            return kind.target
        return kind.element if isinstance(kind, Array) else None

    @property
    def size(self) -> int | None:
        """Return the size in bytes; None if unknown."""
        return None if self.type is None else size_of(self.type)

    def depth(self) -> int:
        """Return the number of dereferences needed to read the value."""
        return len(self.loads) + int(self.memory)

    def to_text(self, *, decimal: bool = False) -> str:
        """Return the value in the kernel's grammar: `+0x20(+0x48(%di))`.

        Decimal offsets are shorter. They are for arguments that would otherwise be too long.
        """
        text = self.words[self.addend // 8] if self.in_words else self.words[0]
        loads = [*self.loads, *([Load(self.addend, self.user)] if self.memory else [])]
        if text.startswith(SYMBOL) and loads:
            first, *loads = loads
            text = _at_symbol(text.removeprefix(SYMBOL), first.offset)
        for load in loads:
            sign = "-" if load.offset < 0 else "+"
            number = f"{abs(load.offset):#x}" if load.offset and not decimal else str(abs(load.offset))
            text = f"{sign}{'u' if load.user else ''}{number}({text})"
        return text


def split_symbol(text: str) -> tuple[str, int]:
    """Return the symbol or address of `@SYMBOL+OFFSET`, and the offset.

    >>> split_symbol("@jiffies-8"), split_symbol("@0xffff")
    (('jiffies', -8), ('0xffff', 0))
    """
    match = re.fullmatch(r"@([\w.]+)([+-]\w+)?", text)
    assert match is not None  # the parser takes nothing else
    return match[1], int(match[2], 0) if match[2] else 0


def _at_symbol(symbol: str, offset: int) -> str:
    """Return what the kernel reads at a symbol or at an address, to which it adds nothing itself."""
    if symbol[0].isdigit():
        return f"@{int(symbol, 0) + offset & (1 << 64) - 1:#x}"
    return f"@{symbol}" + (f"{offset:+d}" if offset else "")


def container(bit_offset: int, width: int) -> tuple[int, Bits] | None:
    """Return where to read a bitfield: the byte offset in its struct, and the bits there.

    The kernel fetches 8, 16, 32 or 64 bits and takes `width` of them: the smallest naturally aligned
    unit that holds all of them, since it belongs to the struct for certain; a packed struct may need
    one that begins at any byte.
    """
    for step in (None, 8):
        for size in (8, 16, 32, 64):
            start = bit_offset // (step or size) * (step or size)
            if bit_offset - start + width <= size:
                return start // 8, Bits(width, bit_offset - start, size)
    return None
