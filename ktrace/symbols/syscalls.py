"""System calls by name: the function to probe, and where its arguments are.

Since 4.17 (x86-64), 4.19 (arm64) and 6.6 (riscv) the entry function of a system call takes one argument, the
registers of the process (`struct pt_regs *`). The arguments of the call are read from there. Older kernels
have a plain `sys_NAME` with the arguments in registers. 32-bit calls enter through their own functions and
are not seen here.
"""

import re
from collections.abc import Callable

from ktrace.errors import UsageError
from ktrace.model.c_integer import c_integer
from ktrace.model.ctype import Function, declare
from ktrace.model.fetch import FetchArg, parse_fetch_arg
from ktrace.model.fetch_types import integer_type, is_text
from ktrace.model.format import parse_format
from ktrace.model.miss import Miss
from ktrace.model.names import is_identifier
from ktrace.model.near import close_to
from ktrace.model.registers import CONVENTIONS
from ktrace.records import dataclass

EVERY_PARAMETER = "$args"

_WRAPPERS = {"x86_64": "__x64_sys_", "aarch64": "__arm64_sys_", "riscv64": "__riscv_sys_"}
_PREFIXES = re.compile(r"(?:__x64_sys_|__arm64_sys_|__riscv_sys_|__do_sys_|__se_sys_|sys_)(?=\w)")

# Bytes from the start of struct pt_regs to each argument: arch/*/include/asm/ptrace.h, syscall.h.
_PT_REGS = {
    "x86_64": (0x70, 0x68, 0x60, 0x38, 0x48, 0x40),  # di si dx r10 r8 r9
    "aarch64": (0x00, 0x08, 0x10, 0x18, 0x20, 0x28),  # x0 to x5
    "riscv64": (0x118, 0x58, 0x60, 0x68, 0x70, 0x78),  # orig_a0, a1 to a5
}

# Calls whose function has another name: arch/x86/entry/syscalls/syscall_64.tbl, scripts/syscall.tbl. By the
# call's own name, the kernel may have the function of an older call, which 64-bit programs cannot make.
_FUNCTIONS = {
    "fstat": "newfstat", "lstat": "newlstat", "sendfile": "sendfile64", "stat": "newstat",
    "umount2": "umount", "uname": "newuname",
}  # fmt: skip
_GENERIC_FUNCTIONS = {**_FUNCTIONS, "fadvise64": "fadvise64_64"}


@dataclass(frozen=True, slots=True)
class SyscallParam:
    """A parameter of a system call: its name and its C type."""

    name: str
    ctype: str

    @property
    def fetch_type(self) -> str:
        """Return the fetch type to read it with.

        Only `const char *` is certainly text; other pointers are shown as addresses.
        """
        words = self.ctype.replace("*", " * ").replace("__user", " ").split()
        if "*" in words:
            text = words.count("*") == 1 and "char" in words and "const" in words and "unsigned" not in words
            return "ustring" if text else "x64"
        integer = c_integer(words)
        return "x64" if integer is None else integer_type(integer.size, signed=integer.signed)


def syscall_name(text: str) -> str:
    """Return the name without the prefix of its function: `__x64_sys_openat` is openat."""
    return _PREFIXES.sub("", text, count=1)


def kernel_name(syscall: str, machine: str) -> str:
    """Return the kernel's own name of a call, which its function and its event have: `stat` is newstat."""
    if machine == "x86_64":
        return _FUNCTIONS.get(syscall, syscall)
    return _GENERIC_FUNCTIONS.get(syscall, syscall) if machine in _WRAPPERS else syscall


def call_of(name: str, machine: str) -> str:
    """Return the call that the kernel's name of it stands for: the reverse of `kernel_name`."""
    for call in _GENERIC_FUNCTIONS:
        if kernel_name(call, machine) == name:
            return call
    return name


def function_names(syscall: str, machine: str) -> tuple[str, ...]:
    """Return the possible entry functions of the call, the one of newer kernels first."""
    prefixes = (_WRAPPERS[machine], "sys_") if machine in _WRAPPERS else ("sys_",)
    return tuple(prefix + kernel_name(syscall, machine) for prefix in prefixes)


def takes_pt_regs(function: str) -> bool:
    """Return whether the function takes the process's registers."""
    return function.startswith(tuple(_WRAPPERS.values()))


def params_from_format(text: str) -> tuple[SyscallParam, ...]:
    """Return the parameters, from tracefs `events/syscalls/sys_enter_NAME/format`.

    Raises:
        UsageError: it is not a format file.
    """
    # After the parameters, newer kernels list the text that some of them point to. It is not a parameter.
    return tuple(
        SyscallParam(field.name, field.ctype)
        for at, field in enumerate(parse_format(text).args)
        if field.shape == "scalar" and (at or field.name not in ("nr", "__syscall_nr"))
    )


def params_from_types(
    syscall: str, functions: Callable[[str], tuple[Function, ...] | Miss]
) -> tuple[SyscallParam, ...] | Miss:
    """Return the parameters, from the types of the functions that the wrapper calls, if not inlined.

    Args:
        syscall: its bare name.
        functions: finds functions by name (`Btf.functions`).
    """
    # In __se_sys_X every parameter is a long: its names are right, its types are not.
    for prefix in ("__do_sys_", "sys_", "__se_sys_"):
        found = functions(prefix + syscall)
        if isinstance(found, Miss) or (prefix == "sys_" and _is_wrapper(found[0])):
            continue
        return tuple(SyscallParam(p.name, declare(p.type)) for p in found[0].proto.params if p.name)
    return Miss("BTF", f"no function of system call '{syscall}' has its parameters")


def argument_source(function: str, number: int, machine: str, *, registers: bool = True) -> str:
    """Return the fetch expression for a parameter of a system call at the entry of `function`.

    Args:
        function: one of `function_names`.
        number: counted from 1.
        machine: `uname -m`.
        registers: whether `%di` can be read; fprobes only have `$arg1`.

    Raises:
        UsageError: the machine's system calls are not known, or have no such parameter.
    """
    offset = argument_offset(number, machine)
    convention = CONVENTIONS[machine]
    if takes_pt_regs(function):
        first = f"%{convention.args[0]}" if registers else "$arg1"
        return f"+{offset:#x}({first})" if offset else f"+0({first})"
    return f"%{convention.args[number - 1]}" if registers else f"$arg{number}"


def argument_offset(number: int, machine: str) -> int:
    """Return the offset in bytes of parameter `number` (from 1) in the process's registers.

    Raises:
        UsageError: the machine's system calls are not known, or have no such parameter.
    """
    offsets = _PT_REGS.get(machine)
    if offsets is None or machine not in CONVENTIONS:
        raise UsageError(f"system calls of {machine} are not known")
    if not 1 <= number <= len(offsets):
        raise UsageError(f"a system call has at most {len(offsets)} parameters, not {number}")
    return offsets[number - 1]


def fetch_args(
    text: str, function: str, params: tuple[SyscallParam, ...], machine: str, *, registers: bool = True
) -> tuple[FetchArg, ...]:
    """Parse `[NAME=]PARAMETER[:TYPE]` into fetch arguments; `$args` means all parameters.

    Text in the kernel's own grammar that names no parameter (`$comm`, `+8($stack)`) stays as it is.

    Raises:
        UsageError: no such parameter, or no such argument.
    """
    if text.strip() == EVERY_PARAMETER:
        return tuple(
            _fetch(param.name, param.fetch_type, function, number, machine, registers=registers)
            for number, param in enumerate(params, start=1)
        )
    arg = parse_fetch_arg(text)
    if not is_identifier(arg.expr):
        return (arg,)
    for number, param in enumerate(params, start=1):
        if param.name == arg.expr:
            type_ = arg.type or param.fetch_type
            return (_fetch(arg.name or param.name, type_, function, number, machine, registers=registers),)
    close = close_to(arg.expr, [param.name for param in params], 1)
    shown = "parameters: " + (", ".join(f"{p.ctype} {p.name}" for p in params) or "none")
    raise UsageError(
        f"system call {syscall_name(function)} has no parameter '{arg.expr}'",
        excerpt=text,
        caret=text.index(arg.expr, text.index("=") + 1 if arg.name else 0),
        hint=f"did you mean {close[0]}?\n{shown}" if close else shown,
    )


def _fetch(name: str, type_: str, function: str, number: int, machine: str, *, registers: bool) -> FetchArg:
    source = argument_source(function, number, machine, registers=registers)
    if is_text(type_):
        # Pointers of system calls always lead to the process's memory.
        return FetchArg(f"+0({source})", name, "ustring")
    if type_.endswith("]"):
        return FetchArg(f"+u0({source})", name, type_)
    return FetchArg(source, name, type_)


def _is_wrapper(function: Function) -> bool:
    params = function.proto.params
    return len(params) == 1 and "pt_regs" in declare(params[0].type)
