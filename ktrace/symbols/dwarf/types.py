"""Convert types that DWARF describes (section 5) to `ktrace.model.ctype` values."""

from ktrace.model import ctype
from ktrace.model.ctype import CType
from ktrace.symbols.dwarf import constants as c
from ktrace.symbols.dwarf.unit import Die

_DEPTH_MAX = 40  # nested types; a struct ends the nesting, since it is only a name here
_PARAMS_MAX = 255

_BOOL, _FLOAT, _SIGNED, _SIGNED_CHAR, _UNSIGNED_CHAR, _UTF = 2, 4, 5, 6, 8, 0x10
_WORDS: dict[int, ctype.Word] = {c.TAG_CONST: "const", c.TAG_VOLATILE: "volatile", c.TAG_RESTRICT: "restrict"}


def type_of(die: Die, depth: int = 0) -> CType:
    """Return the type that DW_AT_type of an entry names; `void` without it."""
    holder = die.inherited(c.AT_TYPE)
    target = holder.reference(c.AT_TYPE) if holder else None
    if target is None:
        return ctype.Void()
    if depth > _DEPTH_MAX:
        raise die.unit.damaged(die.offset, "types are nested too deeply")
    return convert(target, depth + 1)


def convert(die: Die, depth: int = 0) -> CType:
    """Convert an entry to the type that it describes. Records get negative keys: BTF's are positive."""
    name = die.text(c.AT_NAME) or ""
    match die.tag:
        case c.TAG_BASE_TYPE:
            return _base(die, name)
        case c.TAG_POINTER:
            return ctype.Pointer(type_of(die, depth))
        case c.TAG_TYPEDEF:
            return ctype.Typedef(name, type_of(die, depth))
        case c.TAG_CONST | c.TAG_VOLATILE | c.TAG_RESTRICT:
            return ctype.Qualified(_WORDS[die.tag], type_of(die, depth))
        case c.TAG_STRUCT | c.TAG_UNION:
            kind: ctype.RecordKind = "struct" if die.tag == c.TAG_STRUCT else "union"
            if die.flag(c.AT_DECLARATION):
                return ctype.Forward(kind, name)
            return ctype.Record(kind, name, die.number(c.AT_BYTE_SIZE) or 0, -die.key)
        case c.TAG_ENUM:
            return _enum(die, name)
        case c.TAG_ARRAY:
            return _array(die, depth)
        case c.TAG_SUBROUTINE_TYPE:
            return _prototype(die, depth)
        case c.TAG_ATOMIC:
            return type_of(die, depth)
    return ctype.Void()


def _base(die: Die, name: str) -> CType:
    size = die.number(c.AT_BYTE_SIZE) or 0
    encoding = die.number(c.AT_ENCODING)
    if encoding == _FLOAT:
        return ctype.Float(name, size)
    signed = encoding in (_SIGNED, _SIGNED_CHAR)
    kind: ctype.Encoding = "bool" if encoding == _BOOL else "int"
    if encoding in (_SIGNED_CHAR, _UNSIGNED_CHAR, _UTF):
        kind = "char"
    return ctype.Int(name, size, signed, kind)


def _enum(die: Die, name: str) -> CType:
    values = tuple(
        (child.text(c.AT_NAME) or "", child.number(c.AT_CONST_VALUE) or 0)
        for child in die.children(frozenset({c.TAG_ENUMERATOR}))
    )
    size = die.number(c.AT_BYTE_SIZE) or 4
    return ctype.Enum(name, size, any(value < 0 for _, value in values), values)


def _array(die: Die, depth: int) -> CType:
    element = type_of(die, depth)
    counts = []
    for child in die.children(frozenset({c.TAG_SUBRANGE})):
        count = child.number(c.AT_COUNT)
        last = child.number(c.AT_UPPER_BOUND)
        counts.append(count if count is not None else last + 1 if last is not None and last >= 0 else 0)
    for count in reversed(counts[:_DEPTH_MAX] or [0]):
        element = ctype.Array(element, count)
    return element


def _prototype(die: Die, depth: int) -> CType:
    params: list[ctype.Param] = []
    variadic = False
    for child in die.children(frozenset({c.TAG_PARAM, c.TAG_UNSPECIFIED_PARAMS})):
        if child.tag == c.TAG_UNSPECIFIED_PARAMS:
            variadic = True
        elif len(params) < _PARAMS_MAX:
            params.append(ctype.Param(child.text(c.AT_NAME) or "", type_of(child, depth)))
    return ctype.FuncProto(type_of(die, depth), tuple(params), variadic)
