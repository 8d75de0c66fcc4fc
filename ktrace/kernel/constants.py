"""Look up constants that differ between kernels: flags of allocations, operations of block devices."""

from ktrace.kernel.kernel import Kernel
from ktrace.model.ctype import Enum
from ktrace.model.meaning_numbers import Table
from ktrace.model.miss import Miss
from ktrace.model.printed_names import named_constants

_GFP_EVENTS = ("kmem/kmalloc", "kmem/mm_page_alloc")
_REQ_OP_BITS = 8


def kernel_constants(kernel: Kernel, word: str) -> Table:
    """Return the names of a group's constants in this kernel; empty if it does not tell them.

    Args:
        word: one of `ktrace.model.meanings.FROM_KERNEL`.
    """
    return _gfp(kernel) if word == "gfp" else _block_operations(kernel)


def _gfp(kernel: Kernel) -> Table:
    """Return the flags of allocations, which the formats of allocation events list."""
    for event in _GFP_EVENTS:
        try:
            text = kernel.tracing.read(f"events/{event}/format")
        except OSError:
            continue
        if table := gfp_flags(text):
            return table
    return ()


def gfp_flags(form: str) -> Table:
    """Return the flags in the `print fmt` of an event that prints gfp flags, those of most bits first."""
    return tuple((bits, name) for bits, name in named_constants(form) if bits)


def _block_operations(kernel: Kernel) -> Table:
    """Return the operations (low 8 bits) and the flags of a `blk_opf_t`, which BTF lists."""
    types = kernel.types()
    if isinstance(types, Miss):
        return ()
    operations: list[tuple[int, str]] = []
    for name in ("req_op", "req_opf"):
        found = types.enum(name)
        if isinstance(found, Enum):
            operations = [(value, one) for one, value in found.values if one != "REQ_OP_LAST"]
            break
    bits = types.enum("req_flag_bits")
    flags = [] if isinstance(bits, Miss) else [
        (1 << value, one.removeprefix("__"))
        for one, value in bits.values
        if _REQ_OP_BITS <= value < 64 and one != "__REQ_NR_BITS"
    ]  # fmt: skip
    return (*operations, *flags)
