"""The name that a function goes by in this kernel."""

import os

from ktrace.symbols.kallsyms import Kallsyms
from ktrace.symbols.renames import find_present
from ktrace.symbols.syscalls import function_names

# The whole function before a part of it; what is split off last.
_PREFERRED = ("isra", "constprop", "llvm", "part", "cold")


def present_name(name: str, symbols: Kallsyms, machine: str | None = None) -> str | None:
    """What `name`, which is no function here, is called: renamed, a system call, or changed by the compiler.

    None where nothing of these is there.
    """
    renamed = find_present(name, symbols.has_function)
    if renamed:
        return renamed
    for wrapper in function_names(name, machine or os.uname().machine):
        if symbols.has_function(wrapper):
            return wrapper
    variants = [symbol.name for symbol in symbols.variants(name)]
    return min(variants, key=lambda v: (_rank(v, name), v), default=None)


def _rank(variant: str, name: str) -> int:
    """By the suffix furthest down the list: `f.isra.0.cold` is a part, too."""
    suffixes = variant.removeprefix(name).split(".")
    return max((_PREFERRED.index(s) for s in suffixes if s in _PREFERRED), default=len(_PREFERRED))
