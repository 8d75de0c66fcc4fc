"""The registers that a probe sees, per architecture.

Names are those of fetch arguments (`%di`), from the kernel's `regs_query_register_name`. `dump_args`
reads the registers that the kernel's kprobe sample (samples/kprobes/kprobe_example.c) prints, the stack
pointer and the argument registers of the calling convention.
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
    """

    args: tuple[str, ...]
    retval: str
    ip: str
    flags: str
    sp: str


CONVENTIONS = {
    "x86_64": Convention(("di", "si", "dx", "cx", "r8", "r9"), "ax", "ip", "flags", "sp"),
    "aarch64": Convention(tuple(f"x{n}" for n in range(8)), "x0", "pc", "pstate", "sp"),
    "riscv64": Convention(tuple(f"a{n}" for n in range(8)), "a0", "epc", "status", "sp"),
}


def dump_args(machine: str, *, at_return: bool = False) -> tuple[FetchArg, ...]:
    """Return the fetch arguments for `--regs` on `machine` (`uname -m`); empty if it is unknown.

    At a return the argument registers hold stale values, so the return value's register is read instead.
    """
    convention = CONVENTIONS.get(machine)
    if convention is None:
        return ()
    rest = (convention.retval,) if at_return else convention.args
    names = (convention.ip, convention.flags, convention.sp, *rest)
    return tuple(FetchArg(f"%{name}", name, "x64") for name in names)
