"""The registers that a probe sees, per architecture.

Names are those of fetch arguments (`%di`), from the kernel's `regs_query_register_name`. `dump_args`
reads all of them: those that the kernel's kprobe sample (samples/kprobes/kprobe_example.c) prints, the stack
pointer and the argument registers of the calling convention come first.
"""

from ktrace.model.fetch import FetchArg
from ktrace.records import dataclass


@dataclass(frozen=True, slots=True)
class Convention:
    """The calling convention and register names of an architecture.

    Attributes:
        args: registers of `$arg1`, `$arg2`, ...
        retval: register of `$retval`.
        ip, flags, sp: instruction pointer, status flags, stack pointer.
        others: all other registers that the kernel knows by name.
    """

    args: tuple[str, ...]
    retval: str
    ip: str
    flags: str
    sp: str
    others: tuple[str, ...] = ()


# fmt: off
CONVENTIONS = {
    "x86_64": Convention(
        ("di", "si", "dx", "cx", "r8", "r9"), "ax", "ip", "flags", "sp",
        ("ax", "bx", "bp", "r10", "r11", "r12", "r13", "r14", "r15", "orig_ax", "cs", "ss"),
    ),
    "aarch64": Convention(
        tuple(f"x{n}" for n in range(8)), "x0", "pc", "pstate", "sp", tuple(f"x{n}" for n in range(8, 31)),
    ),
    "riscv64": Convention(
        tuple(f"a{n}" for n in range(8)), "a0", "epc", "status", "sp",
        (
            "ra", "gp", "tp", *(f"t{n}" for n in range(7)), *(f"s{n}" for n in range(12)),
            "badaddr", "cause", "orig_a0",
        ),
    ),
}


# fmt: on


def dump_args(machine: str, *, at_return: bool = False) -> tuple[FetchArg, ...]:
    """Return the fetch arguments for `--regs` on `machine` (`uname -m`); empty if it is unknown.

    At a return the return value comes first, since the registers of arguments then hold stale values.
    """
    convention = CONVENTIONS.get(machine)
    if convention is None:
        return ()
    rest = (convention.retval, *convention.args) if at_return else convention.args
    names = dict.fromkeys((convention.ip, convention.flags, convention.sp, *rest, *convention.others))
    return tuple(FetchArg(f"%{name}", name, "x64") for name in names)
