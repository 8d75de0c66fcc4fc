"""What is the kernel's own grammar already and needs nobody to resolve it.

A module of its own: whoever writes `%di` and `+0(%si):string` should not wait for a parser of C.
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
    """Whether an argument, without `NAME=`, is one that the kernel reads as it stands.

    `$argN` and `$retval` alone are not: with types they can be given the right fetch type.
    """
    return bool(_KERNELS_OWN.match(body) or _KERNELS_OWN_FETCH.match(body))
