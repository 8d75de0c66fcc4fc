"""Choose how to print variables of a probe, by their types, one level of members at a time."""

from collections.abc import Iterator, Sequence

from ktrace.expr.source import TypeSource
from ktrace.model.ctype import (
    Array,
    CType,
    Enum,
    Function,
    Int,
    Pointer,
    Record,
    bare,
    is_char,
    points_to_text,
)
from ktrace.script.kernel_interface import Form, Shape


def shape_of(types: TypeSource, function: Function, name: str, path: Sequence[str]) -> Shape | None:
    """Return the shape of a parameter, of `return` or of the member at `path`; None if there is none."""
    if name == "return":
        found: CType | None = function.proto.returns
    else:
        found = next((one.type for one in function.proto.params if one.name == name), None)
    for step in path:
        record = _record(found)
        if record is None:
            return None
        found = next((kind for member, kind in _members(types, record) if member == step), None)
    if found is None:
        return None
    if (record := _record(found)) is not None and not points_to_text(found):
        members = (Shape(_form(kind), member) for member, kind in _members(types, record))
        return Shape(_form(found), members=tuple(members))
    return Shape(_form(found))


def _record(ctype: CType | None) -> Record | None:
    """Return the struct or union that a type is or points to, or None."""
    plain = None if ctype is None else bare(ctype)
    if isinstance(plain, Pointer):
        plain = bare(plain.target)
    return plain if isinstance(plain, Record) else None


def _members(types: TypeSource, record: Record) -> Iterator[tuple[str, CType]]:
    """Yield the members of a record, including those of its anonymous members."""
    for member in types.members(record):
        inner = bare(member.type)
        if member.name:
            yield member.name, member.type
        elif isinstance(inner, Record):
            yield from _members(types, inner)


def _form(ctype: CType) -> Form:
    plain = bare(ctype)
    match plain:
        case Int():
            return "signed" if plain.signed or plain.encoding == "bool" else "unsigned"
        case Enum():
            return "signed"
        case Pointer():
            return "text" if points_to_text(ctype) else "pointer"
        case Array():
            return "text" if is_char(plain.element) and plain.count else "array"
        case Record():
            return "record"
    return "other"
