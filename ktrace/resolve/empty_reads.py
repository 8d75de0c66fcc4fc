"""Refuse arguments that the kernel accepts although their values mean nothing.

Three such arguments are refused: a per-CPU variable by its name, which is the address of a copy that no CPU
uses; `$argN` of a function that has fewer parameters; `$retval` of a function that returns nothing.
"""

import re
from typing import TYPE_CHECKING

from ktrace.errors import UsageError
from ktrace.kernel.kernel import Kernel
from ktrace.model.arg_words import argument_numbers, reads_return_value
from ktrace.model.fetch import FetchArg
from ktrace.model.miss import Miss
from ktrace.model.place import SymbolPlace
from ktrace.model.probe import Probe
from ktrace.model.suffixes import changed_parameters, plain_name

if TYPE_CHECKING:
    from ktrace.model.ctype import FuncProto
    from ktrace.model.probe import Check

_SYMBOL = re.compile(r"@(?P<name>[A-Za-z_][\w.$]*|0[xX][0-9a-fA-F]+)(?P<offset>[+-]\w+)?")
_CPU_HELPER = re.compile(r"this_cpu_(?:read|ptr)\(\Z")
_TEXT = '\\"'  # an immediate string: nothing in it is read


def checker(kernel: Kernel) -> "Check":
    """Return a function that checks a probe. It reads symbols and types when an argument needs them."""

    def check(probe: Probe) -> None:
        if probe.kind == "e":
            return  # `$` is a field of its event there
        for arg in probe.args:
            if not arg.expr.startswith(_TEXT):
                _check_variables(arg, kernel)
                _check_parameters(probe, arg, kernel)

    return check


def _check_variables(arg: FetchArg, kernel: Kernel) -> None:
    """Refuse per-CPU variables."""
    for match in _SYMBOL.finditer(arg.expr):
        if _CPU_HELPER.search(arg.expr[: match.start()]):
            continue
        address = kernel.symbols.per_cpu_address(match["name"])
        if address is None:
            continue
        text = arg.to_text()
        if kernel.features.this_cpu_read:
            said = arg.expr.replace(match[0], f"this_cpu_read({match[0]})", 1)
            hint = f"the copy of the CPU that runs: '{_named(arg, said)}'"
        else:
            offset = address + int(match["offset"] or "0", 0)
            said = arg.expr.replace(match[0], f"+0x{offset:x}(@__per_cpu_offset)", 1)
            hint = (
                f"the copy of CPU 0: '{_named(arg, said)}'; for CPU N write @__per_cpu_offset+8*N. "
                "The addresses hold for this boot"
            )
        raise UsageError(
            f"each CPU has its own copy of {match['name']}: {match[0]} reads one that no CPU uses",
            excerpt=text,
            caret=text.find(match[0], len(text) - len(arg.expr) - len(arg.type or "") - 1),
            hint=hint,
        )


def _named(arg: FetchArg, expr: str) -> str:
    return FetchArg(expr, arg.name, arg.type).to_text()


def _check_parameters(probe: Probe, arg: FetchArg, kernel: Kernel) -> None:
    """Refuse parameters that the function does not have, and the return value of one that returns nothing."""
    place = probe.place
    numbers = argument_numbers(arg.expr)
    # Where the kernel knows types it says itself that a function returns nothing.
    value = probe.is_return and reads_return_value(arg.expr) and not kernel.features.btf_args
    if not (numbers or value) or not isinstance(place, SymbolPlace):
        return
    if changed_parameters(place.symbol) is not None:
        return
    types = kernel.types(place.module)
    found = types if isinstance(types, Miss) else types.functions(plain_name(place.symbol))
    if isinstance(found, Miss):
        return
    from ktrace.model.ctype import Void, bare, signature  # noqa: PLC0415 -- most arguments need no types
    from ktrace.symbols.syscalls import syscall_name, takes_pt_regs  # noqa: PLC0415

    text = arg.to_text()
    if value and all(isinstance(bare(one.proto.returns), Void) for one in found):
        raise UsageError(
            f"{place.symbol} returns nothing: $retval is whatever is in the register",
            excerpt=text,
            caret=text.find("$retval"),
            hint=signature(found[0]),
        )
    for number in numbers:
        if any(one.proto.variadic or number <= _words(one.proto) for one in found):
            continue
        count = max(len(one.proto.params) for one in found)
        hint = signature(found[0])
        if takes_pt_regs(place.symbol):
            hint = f"for those of the system call: ktrace add {syscall_name(place.symbol)} '$arg{number}'"
        raise UsageError(
            f"{place.symbol} has {count} parameter{'' if count == 1 else 's'}: "
            f"$arg{number} is whatever is in the register or on the stack",
            excerpt=text,
            caret=text.find(f"$arg{number}"),
            hint=hint,
        )


def _words(proto: "FuncProto") -> int:
    """Return the largest N of `$argN`: a struct that is passed by value takes several words."""
    from ktrace.model.ctype import size_of  # noqa: PLC0415 -- as above

    return sum(-(-(size_of(param.type) or 8) // 8) for param in proto.params)
