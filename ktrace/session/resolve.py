"""From a definition's words to its probes, with all that has to be looked up for it.

A function and arguments in the kernel's own grammar are looked up nowhere: they are written, and explained
if the kernel refuses. What goes on from here to types and symbols is

    file->f_pos, count, $args       arguments in C, or by the name that they have there
    'tcp_*'                         wildcards
    tracepoint:sched_switch         tracepoints
    --kind, --all, --nth            a choice of how, or of which of several functions
    fs/read_write.c:474, vfs_read:12, ':kernel/bpf/*', --inlined
                                    places in the source, by debug info
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ktrace.errors import UsageError
from ktrace.expr.own import is_kernels_own
from ktrace.model.place import RETURN_SUFFIX, SymbolPlace
from ktrace.model.probe import Probe
from ktrace.session.kernel import Kernel
from ktrace.session.kernel_lines import is_kernel_line, probe_from_kernel_line
from ktrace.session.words import Defaults, Wanted, is_source_place, move_place, probe_from_words

TRACEPOINT = "tracepoint:"

_NAME = re.compile(r"\s*[A-Za-z_]\w*\s*=(?!=)\s*")
# With a type of its own the kernel needs nobody to find one for it.
_TYPED = re.compile(r"\$(?:retval|arg\d+):[usx](?:8|16|32|64)\Z")
_SYSCALL = re.compile(r"__(?:x64|arm64|riscv)_sys_")
_KERNELS_OWN_START = re.compile(r"[%@\\]|\$(?!args\Z|retval\b|arg\d)")


def want(words: Sequence[str], defaults: Defaults, kernel: Kernel) -> list[Wanted]:
    """The probes that one definition stands for: one, unless it has a wildcard or means all of a name.

    Raises:
        UsageError: the words are wrong; the caret is where.
        NotFound: no function, type or member of that name.
        Unavailable: this kernel cannot do it.
    """
    if is_kernel_line(words):
        return [Wanted(probe_from_kernel_line(words, defaults))]
    place, *args = words
    if (
        not kernel.vmlinux
        and not is_lookup(place, defaults)
        and all(is_plain(arg, place, defaults) for arg in args)
    ):
        again = _Anew(tuple(words), defaults, kernel) if any("$arg" in arg for arg in args) else None
        return [Wanted(probe_from_words(words, defaults), again=again)]
    from ktrace.session.places import find_probes  # noqa: PLC0415 -- most probes need no look-up

    return find_probes(place, tuple(args), defaults, kernel)


@dataclass(frozen=True, slots=True)
class _Anew:
    """Makes a probe anew for its function's present name, if that is one of a system call."""

    words: tuple[str, ...]
    defaults: Defaults
    kernel: Kernel

    def __call__(self, probe: Probe, symbol: str) -> Probe:
        place = probe.place
        if not _SYSCALL.match(symbol) or not isinstance(place, SymbolPlace):
            return move_place(probe, symbol)
        from ktrace.session.places import find_probes  # noqa: PLC0415 -- as above

        moved = replace(place, symbol=symbol).to_text() + (RETURN_SUFFIX if probe.is_return else "")
        defaults = replace(self.defaults, name=probe.name)
        return find_probes(moved, self.words[1:], defaults, self.kernel)[0].probe


def is_lookup(place: str, defaults: Defaults) -> bool:
    """Whether the place is one that is found by looking, whatever the arguments are."""
    return (
        defaults.kind != "kprobe"
        or defaults.every
        or defaults.nth is not None
        or place.startswith(TRACEPOINT)
        or defaults.inlined
        or is_source_place(place)
        or any(ch in place for ch in "*?[")
    )


def is_plain(arg: str, place: str, defaults: Defaults) -> bool:
    """Whether the kernel reads the argument as it stands.

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
    """Raises UsageError where a word is empty or would end the definition's line."""
    for arg in args:
        if not arg.strip():
            raise UsageError("an argument is empty")
        at = next((i for i, ch in enumerate(arg) if ch == "#" or not ch.isprintable()), None)
        if at is not None:
            raise UsageError("an argument cannot hold this character", excerpt=arg, caret=at)
