"""The grammar of ARG, as far as it can be read without types: `[NAME=]EXPRESSION[:TYPE]`.

An expression is in C (`file->f_pos`, read by `expr.parser`) or in the kernel's own grammar (`%di`,
`+0(%si):string`, Documentation/trace/kprobetrace.rst). Here is what tells one from the other, and an
argument from a place, without importing the parser: most arguments need no types.
"""

import re

from ktrace.model.fetch_types import BY_NAME, INTEGERS, PATTERN

_NAME = re.compile(r"\s*([A-Za-z_]\w*)\s*=(?!=)\s*")

# A word that begins like this is not a place: a name, what no symbol begins with, a member, a type.
_ARGUMENT = re.compile(
    rf"[A-Za-z_]\w*=|[%$@+\\=(&*-]|[A-Za-z_]\w*(?:->|\.|\[)|[A-Za-z_]\w*:{PATTERN}", re.DOTALL
)

# Dereferences around a register, a variable, an address or an immediate: nothing that needs a type.
_KERNELS_OWN = re.compile(
    r"""(?:(?:[+-]u?\w+|this_cpu_(?:read|ptr))\()*
        (?: %\w+ | \$(?!retval\b|arg\d)\w+ | @[\w.+-]+ | \\"[^"]*" | \\[+-]?\w+ )
        \)*(?::.*)?\Z""",
    re.VERBOSE | re.DOTALL,
)
_KERNELS_OWN_FETCH = re.compile(r"(?:[+-]u?\w+\()+\$(?:retval|arg\d+)\)+(?::.*)?\Z")
_KERNELS_OWN_START = re.compile(r"[%@\\]|\$(?!args\Z|retval\b|arg\d)")
_WITH_INTEGER_TYPE = re.compile(rf"\$(?:retval|arg\d+):(?:{'|'.join(one.name for one in INTEGERS)})\Z")

_TYPES = "|".join(name[1:] for name in BY_NAME if name.startswith("%"))  # not registers
_REGISTER = re.compile(rf"%(?!(?:{_TYPES})\b)\w")
_NUMBERED = re.compile(r"\$arg(\d+)")
_STACK_WORD = re.compile(r"\$stack\d")
_RETURN_VALUE = re.compile(r"\$retval\b")


def split_name(text: str) -> tuple[str | None, int]:
    """Return the name of an argument, None if it has none, and the index where its expression begins.

    >>> split_name("n=%dx:u64"), split_name("%dx")
    (('n', 2), (None, 0))
    """
    match = _NAME.match(text)
    return (match[1], match.end()) if match else (None, 0)


def can_only_be_argument(word: str) -> bool:
    """Return whether a word cannot be a place or an event's name."""
    return _ARGUMENT.match(word) is not None


def is_kernels_own(body: str) -> bool:
    """Return whether the kernel can read an argument (without `NAME=`) unchanged.

    `$argN` and `$retval` alone are not: with types they can be given the right fetch type.
    """
    return bool(_KERNELS_OWN.match(body) or _KERNELS_OWN_FETCH.match(body))


def begins_as_kernels_own(body: str) -> bool:
    """Return whether an argument begins as only the kernel's own grammar does. The rest may be wrong."""
    return _KERNELS_OWN_START.match(body) is not None


def has_integer_type(body: str) -> bool:
    """Return whether it is `$argN` or `$retval` with a type of integers: nobody has to find one for it."""
    return _WITH_INTEGER_TYPE.match(body) is not None


def reads_register(text: str) -> bool:
    """Return whether an argument reads a register by its name: `%di`, but not the types `%pd` and `%pD`."""
    return _REGISTER.search(text) is not None


def reads_by_position(text: str) -> bool:
    """Return whether an argument reads a parameter by its number, register or place on the stack."""
    return reads_register(text) or bool(_NUMBERED.search(text) or _STACK_WORD.search(text))


def reads_return_value(text: str) -> bool:
    """Return whether an argument reads `$retval`."""
    return _RETURN_VALUE.search(text) is not None


def argument_numbers(text: str) -> list[int]:
    """Return the N of each `$argN`."""
    return [int(match[1]) for match in _NUMBERED.finditer(text)]


def argument_number(expr: str) -> int | None:
    """Return N if the expression is `$argN` and nothing else; None otherwise, and for `$arg0`."""
    match = _NUMBERED.fullmatch(expr)
    return int(match[1]) or None if match else None
