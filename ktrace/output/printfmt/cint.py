"""C's integer types on the traced machine: names, promotions, wrapping."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class CInt:
    """An integer type: its width in bits, and whether it is signed."""

    bits: int
    signed: bool

    @property
    def dtype(self) -> str:
        """Return the type as NumPy spells it."""
        return f"{'i' if self.signed else 'u'}{self.bits // 8}"

    def wrap(self, value: int) -> int:
        """Return `value` as a variable of this type would hold it."""
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if self.signed and value >> (self.bits - 1) else value


INT = CInt(32, True)
UINT = CInt(32, False)
LONG = CInt(64, True)  # `long` of a 64-bit kernel, `long long` of any
ULONG = CInt(64, False)


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

_NAMED = {
    **{name: CInt(bits, name.startswith(("s", "__s", "i")))
       for bits in (8, 16, 32, 64)
       for name in (f"u{bits}", f"s{bits}", f"__u{bits}", f"__s{bits}", f"uint{bits}_t", f"int{bits}_t")},
    **{f"__{order}{bits}": CInt(bits, False) for order in ("le", "be") for bits in (16, 32, 64)},
    "bool": CInt(8, False), "_Bool": CInt(8, False),
    "size_t": ULONG, "ssize_t": LONG, "loff_t": LONG, "off_t": LONG, "sector_t": ULONG, "ino_t": ULONG,
    "dev_t": UINT, "pid_t": INT, "uid_t": UINT, "gid_t": UINT, "gfp_t": UINT, "umode_t": CInt(16, False),
    "fmode_t": UINT, "blk_opf_t": UINT, "blk_status_t": CInt(8, False), "ktime_t": LONG, "time64_t": LONG,
    "dma_addr_t": ULONG, "phys_addr_t": ULONG, "resource_size_t": ULONG, "pgoff_t": ULONG,
    "uintptr_t": ULONG, "clockid_t": INT, "key_serial_t": INT, "__kernel_rwf_t": INT, "rwf_t": INT,
    "errseq_t": UINT, "vm_fault_t": UINT, "tid_t": UINT, "ext4_lblk_t": UINT, "ext4_fsblk_t": ULONG,
}  # fmt: skip

# As large as a `long`; those of physical addresses may be larger, which no format tells.
_LONGS = frozenset(
    {"size_t", "ssize_t", "off_t", "ino_t", "pgoff_t", "uintptr_t"}
    | {"dma_addr_t", "phys_addr_t", "resource_size_t"}
)
_WORDS = frozenset(
    {"unsigned", "signed", "int", "long", "short", "char", "void", "const", "volatile", "__force"}
)
_TAGS = frozenset({"struct", "union", "enum"})


def is_type_word(word: str) -> bool:
    """Return whether an identifier can only be part of a type."""
    return word == "typeof" or word in _WORDS or word in _TAGS or word in _NAMED


def c_type(words: Sequence[str], pointer: bool = False, machine: Machine = MACHINE) -> CInt | None:
    """Return the type that words such as `unsigned long` name, or None if it is not known.

    Args:
        words: the words, without asterisks.
        pointer: whether there was an asterisk.
        machine: decides how large a `long` is.
    """
    if pointer:
        return machine.word
    words = [word for word in words if word not in ("const", "volatile", "__force")]
    if words and words[0] == "enum":
        return INT if "unsigned" not in words else UINT
    if len(words) == 1 and words[0] in _NAMED:
        found = _NAMED[words[0]]
        return CInt(8 * machine.long, found.signed) if words[0] in _LONGS else found
    if not words or not set(words) <= _WORDS or "void" in words:
        return None
    signed = "unsigned" not in words
    if "char" in words:
        return CInt(8, signed)
    if "short" in words:
        return CInt(16, signed)
    longs = words.count("long")
    return CInt(64 if longs > 1 else 8 * machine.long if longs else 32, signed)


def promoted(ctype: CInt) -> CInt:
    """Return the type that an operand is promoted to, at least an int."""
    return INT if ctype.bits < 32 else ctype


def common(left: CInt, right: CInt) -> CInt:
    """Return the type that both operands of an operator are converted to."""
    left, right = promoted(left), promoted(right)
    if left.bits != right.bits:
        return left if left.bits > right.bits else right
    return CInt(left.bits, left.signed and right.signed)
