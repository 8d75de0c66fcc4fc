"""Apply the relocations in the debug sections of kernel modules, which are not fully linked.

Follows the psABI documents: x86-64 "Relocation Types", ELF for the Arm 64-bit Architecture "Relocation
types", RISC-V ELF "Relocations". Supports only the types that compilers put into debug sections.
"""

import struct
from collections.abc import Sequence

# Relocation type: (width in bytes, operation on the word there).
_SET, _ADD, _SUB, _PC, _LOW6_SET, _LOW6_SUB, _ULEB_SET, _ULEB_SUB, _NONE = range(9)
_KINDS: dict[str, dict[int, tuple[int, int]]] = {
    "x86_64": {0: (0, _NONE), 1: (8, _SET), 10: (4, _SET), 11: (4, _SET), 2: (4, _PC), 24: (8, _PC)},
    "aarch64": {0: (0, _NONE), 257: (8, _SET), 258: (4, _SET), 260: (8, _PC), 261: (4, _PC)},
    "riscv64": {
        0: (0, _NONE), 1: (4, _SET), 2: (8, _SET), 33: (1, _ADD), 34: (2, _ADD), 35: (4, _ADD), 36: (8, _ADD),
        37: (1, _SUB), 38: (2, _SUB), 39: (4, _SUB), 40: (8, _SUB), 51: (0, _NONE), 52: (1, _LOW6_SUB),
        53: (1, _LOW6_SET), 54: (1, _SET), 55: (2, _SET), 56: (4, _SET), 57: (4, _PC), 60: (0, _ULEB_SET),
        61: (0, _ULEB_SUB),
    },
}  # fmt: skip


def relocate(
    data: bytearray, table: bytes, symbols: bytes, bases: Sequence[int], machine: str
) -> tuple[int, str] | None:
    """Apply `table` (Elf64_Rela) to `data`.

    Args:
        symbols: the symbol table's bytes (Elf64_Sym).
        bases: the address of each section.

    Returns:
        Offset into `table` and the problem there; None on success.
    """
    kinds = _KINDS.get(machine)
    if kinds is None:
        return 0, f"relocations of {machine} are not known"
    values = _values(symbols, bases)
    for n, (offset, info, addend) in enumerate(struct.iter_unpack("<QQq", table)):
        kind = kinds.get(info & 0xFFFFFFFF)
        symbol = info >> 32
        if kind is None:
            return n * 24, f"relocation type {info & 0xFFFFFFFF} is not known for {machine}"
        width, what = kind
        if symbol >= len(values) or offset + max(width, 1) > len(data):
            return n * 24, "the relocation is for a symbol or a place that does not exist"
        value = values[symbol] + addend
        if what == _SET:
            data[offset : offset + width] = (value & (1 << 8 * width) - 1).to_bytes(width, "little")
        elif what >= _ULEB_SET:
            if what != _NONE and not _apply_uleb(data, offset, value, what):
                return n * 24, "the number to relocate does not end"
        else:
            _apply(data, offset, width, value, what)
    return None


def _values(symbols: bytes, bases: Sequence[int]) -> list[int]:
    values = []
    for _, _, _, index, value, _ in struct.iter_unpack("<IBBHQQ", symbols):
        values.append(value + (bases[index] if index < len(bases) else 0))
    return values


def _apply(data: bytearray, offset: int, width: int, value: int, what: int) -> None:
    old = int.from_bytes(data[offset : offset + width], "little")
    if what == _ADD:
        new = old + value
    elif what == _SUB:
        new = old - value
    elif what == _PC:
        new = value - offset
    elif what == _LOW6_SET:
        new = (old & 0xC0) | (value & 0x3F)
    else:
        new = (old & 0xC0) | (old - value & 0x3F)
    data[offset : offset + width] = (new & (1 << 8 * width) - 1).to_bytes(width, "little")


def _apply_uleb(data: bytearray, offset: int, value: int, what: int) -> bool:
    """Relocate a ULEB128 number in place and keep its length by padding, so that nothing after it moves."""
    end = offset
    old = 0
    while end < len(data) and end - offset < 10:
        old |= (data[end] & 0x7F) << 7 * (end - offset)
        end += 1
        if not data[end - 1] & 0x80:
            break
    else:
        return False
    new = value if what == _ULEB_SET else old - value
    for at in range(offset, end):
        data[at] = (new >> 7 * (at - offset) & 0x7F) | (0x80 if at + 1 < end else 0)
    return True
