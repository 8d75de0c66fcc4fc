"""Tell words that need no look-up from those that do."""

import re
from collections.abc import Sequence

from ktrace.errors import UsageError
from ktrace.model.arg_words import begins_as_kernels_own, has_integer_type, is_kernels_own, split_name
from ktrace.model.place import AddressPlace, SymbolPlace
from ktrace.resolve.place_words import PlaceWord
from ktrace.resolve.spec import ProbeOptions

_SYSCALL = re.compile(r"__(?:x64|arm64|riscv)_sys_")


def is_lookup(word: PlaceWord, defaults: ProbeOptions) -> bool:
    """Return whether the place itself needs a look-up, whatever the arguments are."""
    return (
        defaults.kind != "kprobe"
        or defaults.every
        or defaults.nth is not None
        or defaults.inlined
        or not isinstance(word.place, SymbolPlace | AddressPlace)
    )


def is_plain(arg: str, function: str | None, *, at_return: bool) -> bool:
    """Return whether the kernel can read the argument unchanged.

    `$retval` and `$argN` are read as they are, but a type can be found for them.

    Args:
        function: the function's symbol; None where there is none.
        at_return: whether the probe is at the function's return.
    """
    body = arg[split_name(arg)[1] :].strip().removeprefix("=")
    if not body or body == "$arg*":
        return True
    if body.startswith("$retval") and not at_return:
        return "->" not in body  # the kernel says best what is wrong with it
    if "->" in body:
        return False
    if has_integer_type(body):
        # At a system call `$argN` is its own parameter, not that of the function it enters through.
        return not (body.startswith("$arg") and function is not None and is_syscall_entry(function))
    if begins_as_kernels_own(body):
        return True
    return body != "$args" and is_kernels_own(body)


def is_syscall_entry(function: str) -> bool:
    """Return whether the function is the entry of a system call, which takes the registers of the process."""
    return _SYSCALL.match(function) is not None


def check_arguments(args: Sequence[str]) -> None:
    """Raise UsageError if a word is empty or would end the definition's line."""
    for arg in args:
        if not arg.strip():
            raise UsageError("an argument is empty")
        at = next((i for i, ch in enumerate(arg) if ch == "#" or not ch.isprintable()), None)
        if at is not None:
            raise UsageError("an argument cannot hold this character", excerpt=arg, caret=at)
