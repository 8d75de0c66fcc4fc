"""Find the character arrays of an event that hold bytes, not text, by how its `print fmt` uses them.

`char sta_addr[6]` printed by `%pM` is a hardware address, `char comm[16]` printed by `%s` is text. Only the
`print fmt` tells: the declarations are the same. An array that nothing prints counts as text.
"""

import re
from collections import Counter
from functools import lru_cache

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\w+|->|\S', re.DOTALL)
_CONVERSION = re.compile(
    r"%[-+ #0]*(?P<width>\d+|\*)?(?:\.(?P<precision>\d+|\*)?)?(?:hh|h|ll|l|L|z|Z|t|j)?"
    r"(?P<conversion>p[A-Za-z0-9]*|[A-Za-z%])"
)
_MEMORY = frozenset("IiMmUhEbNat4G")
"""The letters after `%p` that print the bytes at an address, instead of the address."""
_GET = re.compile(r"__get_(?:rel_)?(?:str|dynamic_array)\Z")
_PRINT_MEMORY = re.compile(r"__print_(?:hex|hex_str|array|dynamic_array|hex_dump)\Z")
_SIZE = re.compile(r"sizeof\Z|strlen\Z|__get_(?:rel_)?dynamic_array_len\Z")


@lru_cache(maxsize=4096)
def printed_bytes(print_fmt: str) -> frozenset[str]:
    """Return the names of the fields whose contents a `print fmt` prints as bytes."""
    template, *args = _split(_TOKEN.findall(print_fmt))
    found: set[str] = set()
    given = iter(args)
    for match in _CONVERSION.finditer("".join(text[1:-1] for text in template if text.startswith('"'))):
        conversion = match["conversion"]
        if conversion == "%":
            continue
        for _ in range((match["width"] == "*") + (match["precision"] == "*")):
            next(given, None)
        found |= _of_argument(next(given, []), conversion[:1] == "p" and conversion[1:2] in _MEMORY)
    return frozenset(found - {""})


def _split(tokens: list[str]) -> list[list[str]]:
    """Split at the commas outside of all parentheses."""
    parts: list[list[str]] = [[]]
    depth = 0
    for token in tokens:
        depth += (token in "([{") - (token in ")]}")
        if token == "," and not depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def _of_argument(tokens: list[str], memory: bool) -> set[str]:
    """Return the fields that one argument uses as bytes. `memory`: its conversion prints bytes."""
    found: set[str] = set()
    calls: list[str] = []
    around = Counter[str]()  # how many of the calls take a size, or print bytes
    for at, token in enumerate(tokens):
        if token == "(":
            calls.append(_kind(tokens[at - 1] if at else ""))
            around[calls[-1]] += 1
        elif token == ")" and calls:
            around[calls.pop()] -= 1
        elif token in ("__print_dynamic_array", "__print_rel_dynamic_array"):
            found.update(tokens[at + 2 : at + 3])
        name, after = _mention(tokens, at)
        if not name or around["size"]:
            continue
        is_element = tokens[after : after + 1] == ["["] and "&" not in tokens[max(at - 2, 0) : at]
        if is_element:
            if tokens[after + 1 : after + 3] != ["0", "]"]:
                found.add(name)  # an element after the first may follow a NUL
        elif memory or around["print"]:
            found.add(name)
    return found


def _kind(function: str) -> str:
    return "size" if _SIZE.match(function) else "print" if _PRINT_MEMORY.match(function) else ""


def _mention(tokens: list[str], at: int) -> tuple[str, int]:
    """Return the field that `REC->name` or `__get_str(name)` at a token means, and the token after it."""
    if tokens[at] == "REC":
        start = at + 1 + (tokens[at + 1 : at + 2] == [")"])
        if tokens[start : start + 1] == ["->"]:
            return "".join(tokens[start + 1 : start + 2]), start + 2
    elif _GET.match(tokens[at]) and tokens[at + 1 : at + 2] == ["("]:
        return "".join(tokens[at + 2 : at + 3]), at + 4
    return "", at
