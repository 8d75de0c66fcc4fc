"""Offsets and sizes of the kernel's types, for scripts that compute with addresses."""

import re
from collections.abc import Sequence
from typing import Literal

from ktrace.errors import NotFound, Unavailable
from ktrace.expr.scope import Scope
from ktrace.expr.source import Site
from ktrace.expr.tree import TypeName
from ktrace.expr.type_names import find_type
from ktrace.kernel.kernel import Kernel
from ktrace.model.ctype import Array, CType, Member, Record, bare, size_of
from ktrace.model.miss import Miss

_KEYWORDS: tuple[Literal["struct", "union", "enum"], ...] = ("struct", "union", "enum")


def find_named(kernel: Kernel, text: str, module: str | None) -> CType:
    """Return the type of a name; a bare name may be that of a struct, union or enum, too.

    Raises:
        NotFound: there is no such type, or the kernel's types are not known.
    """
    owner = module if module and not module.startswith(("kernel", "<")) else None
    scope = Scope(text, Site(None, machine=kernel.machine), kernel.types(owner))
    words = [word for word in re.sub(r"[*&]", " ", text).split() if word not in ("const", "volatile")]
    stars = text.count("*")
    first = words[0] if words else ""
    keywords = [one for one in _KEYWORDS if one == first]
    name = " ".join(words[1:] if keywords else words)
    last: NotFound | Unavailable | None = None
    for keyword in keywords or ("struct", "", "union", "enum"):
        try:
            return find_type(TypeName(keyword, name, stars, 0), scope)
        except (NotFound, Unavailable) as error:
            last = last or error
    assert last is not None
    raise NotFound(f"the kernel has no type '{text}'" if isinstance(last, NotFound) else last.message)


def layout_of(kernel: Kernel, text: str, module: str | None, path: Sequence[str | int]) -> tuple[int, int]:
    """Return the offset and the size in bytes of a member of a type, or of the type itself.

    Raises:
        NotFound: there is no such type or member.
    """
    found: CType = find_named(kernel, text, module)
    offset = 0
    for step in path:
        plain = bare(found)
        if isinstance(step, int):
            if not isinstance(plain, Array):
                raise NotFound(f"what is before [{step}] is not an array")
            found = plain.element
            offset += step * (size_of(found) or 0)
            continue
        member = _member(kernel, plain, step, module) if isinstance(plain, Record) else None
        if member is None:
            raise NotFound(f"'{text}' has no member '{'.'.join(map(str, path))}'")
        offset += member.bit_offset // 8
        found = member.type
    size = size_of(found)
    if size is None:
        raise NotFound(f"the size of '{text}' is not known")
    return offset, size


def _member(kernel: Kernel, record: Record, name: str, module: str | None) -> Member | None:
    """Return a member of a record, also one of its anonymous members, with its offset in the record."""
    types = kernel.types(None if module in (None, "kernel") else module)
    if isinstance(types, Miss):
        return None
    for one in types.members(record):
        if one.name == name:
            return one
        inner = bare(one.type)
        if not one.name and isinstance(inner, Record):
            found = _member(kernel, inner, name, module)
            if found is not None:
                return Member(name, found.type, one.bit_offset + found.bit_offset, found.bit_size)
    return None
