"""DWARF register numbers and their names in the kernel's fetch arguments.

System V ABI, AMD64 supplement, "DWARF Register Number Mapping"; DWARF for the Arm 64-bit Architecture;
RISC-V DWARF Specification.
"""

_X86 = ("ax", "dx", "cx", "bx", "si", "di", "bp", "sp", *(f"r{n}" for n in range(8, 16)), "ip")
_ARM64 = (*(f"x{n}" for n in range(31)), "sp")
_RISCV = (
    *("", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"),  # x0 is always zero, so it is not saved
    *(f"a{n}" for n in range(8)),
    *(f"s{n}" for n in range(2, 12)),
    *("t3", "t4", "t5", "t6"),
)
_NAMES = {"x86_64": _X86, "aarch64": _ARM64, "riscv64": _RISCV}


def register_name(machine: str, number: int) -> str | None:
    """Return the kernel's name of a register; None if a probe cannot read it, such as a vector register."""
    names = _NAMES.get(machine, ())
    return (names[number] or None) if number < len(names) else None
