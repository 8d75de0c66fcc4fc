"""Tell words that need no look-up from those that do."""

import re
from collections.abc import Sequence

from ktrace.errors import UsageError
from ktrace.expr.native import is_kernels_own
from ktrace.model.fetch_types import INTEGERS
from ktrace.model.place import RETURN_SUFFIX
from ktrace.resolve.parse import is_source_place
from ktrace.resolve.spec import ProbeOptions

TRACEPOINT = "tracepoint:"


_NAME = re.compile(r"\s*[A-Za-z_]\w*\s*=(?!=)\s*")


# With a type of its own the kernel needs nobody to find one for it.
_TYPED = re.compile(rf"\$(?:retval|arg\d+):(?:{'|'.join(one.name for one in INTEGERS)})\Z")


_SYSCALL = re.compile(r"__(?:x64|arm64|riscv)_sys_")


_KERNELS_OWN_START = re.compile(r"[%@\\]|\$(?!args\Z|retval\b|arg\d)")


def is_lookup(place: str, defaults: ProbeOptions) -> bool:
    """Return whether the place itself needs a look-up, whatever the arguments are."""
    return (
        defaults.kind != "kprobe"
        or defaults.every
        or defaults.nth is not None
        or place.startswith(TRACEPOINT)
        or defaults.inlined
        or is_source_place(place)
        or any(ch in place for ch in "*?[")
    )


def is_plain(arg: str, place: str, defaults: ProbeOptions) -> bool:
    """Return whether the kernel can read the argument unchanged.

    `$retval` and `$argN` are read as they stand, too, but a type can be found for them.
    """
    body = _NAME.sub("", arg, count=1).strip().removeprefix("=")
    if not body or body == "$arg*":
        return True
    if body.startswith("$retval") and not (defaults.at_return or place.endswith(RETURN_SUFFIX)):
        return "->" not in body  # the kernel says best what is wrong with it
    if "->" in body:
        return False
    if _TYPED.match(body):
        # Of a system call `$argN` is its own parameter, not that of the function it enters through.
        return not (body.startswith("$arg") and _SYSCALL.match(place))
    if _KERNELS_OWN_START.match(body):
        return True
    return body != "$args" and is_kernels_own(body)


def check_arguments(args: Sequence[str]) -> None:
    """Raise UsageError if a word is empty or would end the definition's line."""
    for arg in args:
        if not arg.strip():
            raise UsageError("an argument is empty")
        at = next((i for i, ch in enumerate(arg) if ch == "#" or not ch.isprintable()), None)
        if at is not None:
            raise UsageError("an argument cannot hold this character", excerpt=arg, caret=at)
