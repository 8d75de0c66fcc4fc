"""Find the character arrays of an event that hold bytes, not text, by how its `print fmt` uses them.

`char sta_addr[6]` printed by `%pM` is a hardware address, `char comm[16]` printed by `%s` is text. Only the
`print fmt` tells: the declarations are the same. An array that nothing prints counts as text.
"""

import re
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
    for at, token in enumerate(tokens):
        if token == "(":
            calls.append(tokens[at - 1] if at else "")
        elif token == ")" and calls:
            calls.pop()
        name, after = "", at
        if token == "REC":
            rest = [word for word in tokens[at + 1 : at + 4] if word != ")"]
            if rest[:1] == ["->"] and len(rest) > 1:
                name, after = rest[1], tokens.index(rest[1], at) + 1
        elif _GET.match(token) and tokens[at + 1 : at + 2] == ["("]:
            name, after = "".join(tokens[at + 2 : at + 3]), at + 4
        elif token in ("__print_dynamic_array", "__print_rel_dynamic_array"):
            found.update(tokens[at + 2 : at + 3])
        if not name or any(map(_SIZE.match, calls)):
            continue
        is_element = tokens[after : after + 1] == ["["] and "&" not in tokens[max(at - 2, 0) : at]
        if is_element:
            if tokens[after + 1 : after + 3] != ["0", "]"]:
                found.add(name)  # an element after the first may follow a NUL
        elif memory or any(map(_PRINT_MEMORY.match, calls)):
            found.add(name)
    return found
