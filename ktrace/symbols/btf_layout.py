"""Lay out a struct: its members with their offsets, and on request those of a nested struct."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from ktrace.model.ctype import Member, Record, bare, declare, size_of
from ktrace.model.miss import Miss

Members: TypeAlias = Callable[[Record], tuple[Member, ...]]

_DEPTH_MAX = 16  # nested anonymous structs; a damaged blob could nest them forever


@dataclass(frozen=True, slots=True)
class Row:
    """One member.

    Attributes:
        bit_offset: bits from the start of the outermost struct.
        bit_size: bits of a bitfield; 0 for every other member.
        size: bytes; None if the type has no size.
        depth: number of anonymous structs and unions around it.
        text: its declaration in C; for an anonymous member only the keyword, since its members follow as
            rows.
    """

    bit_offset: int
    bit_size: int
    size: int | None
    depth: int
    text: str


def layout(record: Record, members_of: Members, path: tuple[str, ...] = ()) -> tuple[Row, ...] | Miss:
    """Return the members of a struct or union, or of the member in it that `path` names, in order.

    Args:
        record: a record from the source whose `members_of` (`Btf.members`) is given.
        members_of: returns a record's members.
        path: `("f_path", "dentry")`; pointers are not followed. A member that is not a struct is returned
            alone.
    """
    start = 0
    for number, name in enumerate(path):
        found = _find(record, name, members_of)
        if found is None:
            what = f"{record.kind} {record.name or '{...}'}"
            inside = _walk(record, members_of, 0, 0, set())
            near = tuple(dict.fromkeys(member.name for member, _, _ in inside if member.name))
            return Miss(what, f"no member '{name}'", near)
        member, offset = found
        start += offset
        inner = bare(member.type)
        if not isinstance(inner, Record):
            if number + 1 < len(path):
                return Miss(name, f"it is not a struct but {declare(member.type)}")
            return (_row(member, start, 0),)
        record = inner
    return tuple(_row(member, at, depth) for member, at, depth in _walk(record, members_of, start, 0, set()))


def _walk(
    record: Record, members_of: Members, start: int, depth: int, seen: set[int]
) -> Iterator[tuple[Member, int, int]]:
    """Yield each member with its offset in bits and its depth, an anonymous member before its own members.

    In a damaged blob, a struct may contain the same struct many times: walk into it once.
    """
    seen.add(record.key)
    for member in members_of(record):
        at = start + member.bit_offset
        yield member, at, depth
        inner = bare(member.type)
        if not member.name and isinstance(inner, Record) and inner.key not in seen and depth < _DEPTH_MAX:
            yield from _walk(inner, members_of, at, depth + 1, seen)


def _row(member: Member, at: int, depth: int) -> Row:
    inner = bare(member.type)
    if not member.name and isinstance(inner, Record):
        return Row(at, 0, inner.size, depth, inner.kind)
    text = declare(member.type, member.name) + (f":{member.bit_size}" if member.bit_size else "")
    return Row(at, member.bit_size, size_of(member.type), depth, text)


def _find(record: Record, name: str, members_of: Members) -> tuple[Member, int] | None:
    """Return the member of that name and its offset in bits; search anonymous members too."""
    for member, at, _ in _walk(record, members_of, 0, 0, set()):
        if member.name == name:
            return member, at
    return None
