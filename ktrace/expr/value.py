"""A value that a probe can reach: where it starts, what is loaded on the way, and its C type."""

from dataclasses import dataclass, replace

from ktrace.model.ctype import Array, CType, Pointer, bare, size_of, tags

SYMBOL = "&"  # before a word: the address of that symbol


@dataclass(frozen=True, slots=True)
class Load:
    """Read the 8 bytes at `offset` from the address so far; `user`: of the process's memory."""

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
        words: what the kernel has a name for: `%di`. Several of a struct that is passed in registers.
            `&NAME` is the address of a symbol, which the kernel only takes with what is there: `@NAME`.
        in_words: it is such a struct or a part of it: `addend` is the offset into `words`.
        loads: in the order in which they happen.
        addend: bytes.
        memory: whether the result is the value's address; if not it is the value itself.
        type: None where nothing is known, as of a register.
        bits: of a bitfield.
        user: of a value in memory: of the process's memory.
        path: the kernel's own spelling by names (`file->f_path.dentry`); None where it has none.
        label: a name for the argument.
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

    def pointee(self, offset: int, ctype: CType | None, *, user: bool = False) -> "Value":
        """What is `offset` bytes after where this pointer points; an array is its own address."""
        user = user or self.user or (self.type is not None and "user" in tags(self.type))
        if self.memory and isinstance(self.kind, Array):
            return replace(self, addend=self.addend + offset, type=ctype, user=user, path=None)
        if self.memory:
            loads = (*self.loads, Load(self.addend, self.user))
            return Value(self.words, ctype, self.label, loads, offset, memory=True, user=user)
        if self.in_words:  # a pointer within a struct that is passed in registers
            words = (self.words[self.addend // 8],)
            return Value(words, ctype, self.label, (), offset, memory=True, user=user)
        return Value(self.words, ctype, self.label, self.loads, self.addend + offset, memory=True, user=user)

    def part(self, offset: int, ctype: CType) -> "Value":
        """The member that is `offset` bytes into this struct."""
        return replace(self, addend=self.addend + offset, type=ctype, path=None)

    @property
    def kind(self) -> CType | None:
        """The type without typedefs, qualifiers and tags."""
        return None if self.type is None else bare(self.type)

    @property
    def target(self) -> CType | None:
        """What a pointer points to or an array consists of; None of everything else."""
        kind = self.kind
        if isinstance(kind, Pointer):
            return kind.target
        return kind.element if isinstance(kind, Array) else None

    @property
    def size(self) -> int | None:
        """Bytes; None where not known."""
        return None if self.type is None else size_of(self.type)

    def depth(self) -> int:
        """How many dereferences it takes to read it."""
        return len(self.loads) + int(self.memory)

    def to_text(self, *, decimal: bool = False) -> str:
        """In the kernel's grammar: `+0x20(+0x48(%di))`.

        Decimal offsets are shorter: they are for what would be too long otherwise.
        """
        text = self.words[self.addend // 8] if self.in_words else self.words[0]
        loads = [*self.loads, *([Load(self.addend, self.user)] if self.memory else [])]
        if text.startswith(SYMBOL) and loads:
            first, *loads = loads
            text = f"@{text.removeprefix(SYMBOL)}" + (f"{first.offset:+d}" if first.offset else "")
        for load in loads:
            sign = "-" if load.offset < 0 else "+"
            number = f"{abs(load.offset):#x}" if load.offset and not decimal else str(abs(load.offset))
            text = f"{sign}{'u' if load.user else ''}{number}({text})"
        return text


def container(bit_offset: int, width: int) -> tuple[int, Bits] | None:
    """Where to read a bitfield from: bytes from the start of its struct, and the bits there.

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
