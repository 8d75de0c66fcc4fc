"""Suffixes that compilers append to function names, and what each one means; prefixes of padding.

GCC and Clang make copies and parts of a function and name them after it, `NAME.isra.0`. A name may
have several suffixes, one for each pass that changed it: `link_path_walk.part.0.constprop.0`.
"""

import re

from ktrace.records import dataclass


@dataclass(frozen=True, slots=True)
class Suffix:
    """One kind of suffix.

    Attributes:
        is_entry: the symbol is where calls of the function begin.
        is_called: the symbol is called; otherwise it is jumped to.
        parameters: why its parameters may differ from the function's declaration; None if they do not.
    """

    is_entry: bool = True
    is_called: bool = True
    parameters: str | None = None


SUFFIXES = {
    "llvm": Suffix(),
    "lto_priv": Suffix(),
    "isra": Suffix(parameters="its arguments may have been dropped, or replaced by what they point to"),
    "constprop": Suffix(parameters="arguments that are constant have been dropped"),
    "part": Suffix(is_entry=False, parameters="it is a part of the function, with other arguments"),
    "cold": Suffix(
        is_entry=False,
        is_called=False,
        parameters="it is a part of the function that is jumped to, not called",
    ),
}
"""Descriptions by suffix, ordered by how much the compiler changed, the least first."""

PADDING = ("__pfx_", "__cfi_")
"""Prefixes of the symbols of padding before a function. It is not code that anybody calls."""

_KINDS = "|".join(SUFFIXES)
PATTERN = rf"(?:\.(?:{_KINDS})(?:\.\d+)*)+"
"""A regular expression for all suffixes of one name."""
NOT_PADDING = f"(?!{'|'.join(PADDING)})"
"""A regular expression that fails at the beginning of a name of padding."""

_END = re.compile(PATTERN + r"\Z")
_ONE = re.compile(rf"\.({_KINDS})(?:\.\d+)*")


def plain_name(symbol: str) -> str:
    """Return the name that the function has in its source.

    >>> plain_name("link_path_walk.part.0.constprop.0")
    'link_path_walk'
    """
    return _END.sub("", symbol)


def suffixes_of(symbol: str) -> list[Suffix]:
    """Return the suffixes of a symbol, in their order."""
    found = _END.search(symbol)
    return [SUFFIXES[kind] for kind in _ONE.findall(found[0])] if found else []


def change(symbol: str) -> int:
    """Rank how much a symbol differs from the function: 0 for its plain name, more for greater changes."""
    found = _END.search(symbol)
    kinds = list(SUFFIXES)
    return max((kinds.index(kind) + 1 for kind in _ONE.findall(found[0])), default=0) if found else 0


def is_entry(symbol: str) -> bool:
    """Return whether calls of the function begin at this symbol."""
    return all(suffix.is_entry for suffix in suffixes_of(symbol))


def is_called(symbol: str) -> bool:
    """Return whether the symbol is called: `.cold` parts are jumped to."""
    return all(suffix.is_called for suffix in suffixes_of(symbol))


def changed_parameters(symbol: str) -> str | None:
    """Return why the symbol's parameters may differ from the declaration; None if they do not."""
    worst = max(suffixes_of(symbol), key=list(SUFFIXES.values()).index, default=None)
    return worst.parameters if worst else None
