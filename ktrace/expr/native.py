"""Recognize arguments that are already in the kernel's grammar.

It is a separate module so that `%di` and `+0(%si):string` do not need to import the C parser.
"""

import re

# Dereferences around a register, a variable, an address or an immediate: nothing that needs a type.
_KERNELS_OWN = re.compile(
    r"""(?:[+-]u?\w+\()*
        (?: %\w+ | \$(?!retval\b|arg\d)\w+ | @[\w.+-]+ | \\"[^"]*" | \\[+-]?\w+ )
        \)*(?::.*)?\Z""",
    re.VERBOSE | re.DOTALL,
)
_KERNELS_OWN_FETCH = re.compile(r"(?:[+-]u?\w+\()+\$(?:retval|arg\d+)\)+(?::.*)?\Z")


def is_kernels_own(body: str) -> bool:
    """Return whether the kernel can read an argument (without `NAME=`) unchanged.

    `$argN` and `$retval` alone are not: with types they can be given the right fetch type.
    """
    return bool(_KERNELS_OWN.match(body) or _KERNELS_OWN_FETCH.match(body))
