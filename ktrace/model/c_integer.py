"""C's integer types and the kernel's names for them, by the words of a declaration.

The kernel's names are those of include/linux/types.h and include/uapi/asm-generic/posix_types.h.

>>> c_integer(["unsigned", "long"])
CInt(bits=64, signed=False)
>>> c_integer(["size_t"], long=4).bits
32
"""

from collections.abc import Sequence

from ktrace.records import dataclass


@dataclass(frozen=True, slots=True)
class CInt:
    """An integer type: its width in bits, and whether it is signed."""

    bits: int
    signed: bool

    @property
    def size(self) -> int:
        """Return the size in bytes."""
        return self.bits // 8

    @property
    def dtype(self) -> str:
        """Return the type as NumPy spells it."""
        return f"{'i' if self.signed else 'u'}{self.size}"

    def wrap(self, value: int) -> int:
        """Return `value` as a variable of this type would hold it."""
        value &= (1 << self.bits) - 1
        return value - (1 << self.bits) if self.signed and value >> (self.bits - 1) else value


INT = CInt(32, True)
UINT = CInt(32, False)
LONG = CInt(64, True)  # `long` of a 64-bit kernel, `long long` of any
ULONG = CInt(64, False)

WORDS = frozenset({"unsigned", "signed", "int", "long", "short", "char"})
"""The words that C's own integer types are made of."""

QUALIFIERS = frozenset({"const", "volatile", "restrict", "__force", "__user"})
"""Words of a declaration that say nothing of the size or the sign."""

FIXED_WIDTH = {
    **{name: CInt(bits, name.startswith(("s", "__s", "i")))
       for bits in (8, 16, 32, 64)
       for name in (f"u{bits}", f"s{bits}", f"__u{bits}", f"__s{bits}", f"uint{bits}_t", f"int{bits}_t")},
    **{f"__{order}{bits}": CInt(bits, False) for order in ("le", "be") for bits in (16, 32, 64)},
}  # fmt: skip
"""The names that tell their own width."""

# As large as a `long`; those of physical addresses may be larger, which no format tells.
_LONG_SIZED = {
    "size_t": ULONG, "ssize_t": LONG, "off_t": LONG, "ino_t": ULONG, "pgoff_t": ULONG, "uintptr_t": ULONG,
    "dma_addr_t": ULONG, "phys_addr_t": ULONG, "resource_size_t": ULONG, "aio_context_t": ULONG,
}  # fmt: skip
_NAMED = {
    **FIXED_WIDTH,
    "bool": CInt(8, False), "_Bool": CInt(8, False), "blk_status_t": CInt(8, False),
    "umode_t": CInt(16, False), "old_uid_t": CInt(16, False), "old_gid_t": CInt(16, False),
    "pid_t": INT, "clockid_t": INT, "timer_t": INT, "key_t": INT, "key_serial_t": INT, "mqd_t": INT,
    "rwf_t": INT, "__kernel_rwf_t": INT,
    "dev_t": UINT, "uid_t": UINT, "gid_t": UINT, "qid_t": UINT, "gfp_t": UINT, "mode_t": UINT,
    "fmode_t": UINT, "blk_opf_t": UINT, "errseq_t": UINT, "vm_fault_t": UINT, "tid_t": UINT,
    "ext4_lblk_t": UINT,
    "loff_t": LONG, "ktime_t": LONG, "time64_t": LONG, "sector_t": ULONG, "ext4_fsblk_t": ULONG,
}  # fmt: skip


def is_integer_name(word: str) -> bool:
    """Return whether one word names an integer type of the kernel, such as `pid_t`."""
    return word in _NAMED or word in _LONG_SIZED


def c_integer(words: Sequence[str], long: int = 8) -> CInt | None:
    """Return the integer type that words name, or None if they name no integer type that is known.

    Args:
        words: the words of a declaration, without asterisks: `["const", "unsigned", "int"]`.
        long: bytes of the traced kernel's `long`.
    """
    words = [word for word in words if word not in QUALIFIERS]
    if not words:
        return None
    if words[0] == "enum":
        return INT if "unsigned" not in words else UINT
    if len(words) == 1 and words[0] in _LONG_SIZED:
        return CInt(8 * long, _LONG_SIZED[words[0]].signed)
    if len(words) == 1 and words[0] in _NAMED:
        return _NAMED[words[0]]
    if not WORDS.issuperset(words):
        return None
    signed = "unsigned" not in words
    if "char" in words:
        return CInt(8, signed)
    if "short" in words:
        return CInt(16, signed)
    longs = words.count("long")
    return CInt(64 if longs > 1 else 8 * long if longs else 32, signed)
