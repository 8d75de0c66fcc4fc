"""Describe a value for the table of meanings, and read the structs that are one value to a person."""

import re

from ktrace.expr.source import Site
from ktrace.expr.value import Value
from ktrace.model.ctype import (
    Array,
    CType,
    Enum,
    Int,
    Pointer,
    Qualified,
    Record,
    Tagged,
    Typedef,
    bare,
    is_char,
)
from ktrace.model.meanings import Described, word_for
from ktrace.model.suffixes import plain_name

_MAC_SIZE = 6
_HARDWARE = re.compile(r"\w*_hw|\w*lladdr|hw_?addr|\w*mac(_addr)?|\w*bssid|h_dest|h_source|ha")
"""The names of pointers to bytes that are a hardware address."""
WHOLE = {"ip6": "x64[2]", "sockaddr": "x64[4]", "hwaddr": "x64[4]", "mac": "u8[6]"}
"""By word of the table of meanings, the fetch type that reads all bytes of one value."""


def whole_type(word: str, site: Site) -> str | None:
    """Return the fetch type that reads a whole value of this meaning; None if it is a number."""
    return f"x64[{site.cpu_words}]" if word == "cpus" else WHOLE.get(word)


def word_of(value: Value, site: Site) -> str | None:
    """Return the word of the table of meanings for a value, or for what it points to if that is one value."""
    kind = value.kind
    if kind is None or value.bits or isinstance(kind, Enum):
        return None
    own = word_for(_described(value, value.type, site))
    if own is not None:
        return own
    if isinstance(kind, Array) and kind.count == _MAC_SIZE and _is_byte(kind.element):
        return "mac"
    if isinstance(kind, Pointer):
        if _is_byte(kind.target) and _HARDWARE.fullmatch(value.label):
            return "mac"
        about = _described(value, value.type, site)
        pointed = word_for(Described(_type_names(kind.target), function=about.function))
        return pointed if pointed is not None and whole_type(pointed, site) else None
    return None


def _described(value: Value, ctype: CType | None, site: Site) -> Described:
    kind = bare(ctype) if ctype is not None else None
    is_direct = not (value.loads or value.memory or value.addend)
    is_return = is_direct and value.words == ("$retval",)
    return Described(
        types=_type_names(ctype) if ctype is not None else (),
        member=value.member,
        function=plain_name(site.function) if site.function and is_direct and not value.member else "",
        name=value.label,
        size=value.size,
        is_pointer=isinstance(kind, Pointer),
        is_signed=isinstance(kind, Int) and kind.signed and kind.encoding == "int",
        is_return=is_return,
    )


def _type_names(ctype: CType) -> tuple[str, ...]:
    """Return the name of a type, and of each type that it stands for."""
    names = []
    while isinstance(ctype, Typedef | Qualified | Tagged):
        if isinstance(ctype, Typedef):
            names.append(ctype.name)
        ctype = ctype.target
    if isinstance(ctype, Record):
        names.append(f"{ctype.kind} {ctype.name}")
    return tuple(names)


def _is_byte(ctype: CType) -> bool:
    kind = bare(ctype)
    return isinstance(kind, Int) and kind.size == 1 and not is_char(ctype) and kind.encoding != "bool"
