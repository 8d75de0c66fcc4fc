"""Look up the types that casts name."""

from typing import Literal

from ktrace.errors import NotFound
from ktrace.expr.problems import did_you_mean
from ktrace.expr.scope import Scope
from ktrace.expr.source import Named
from ktrace.expr.tree import TypeName
from ktrace.model.c_integer import FIXED_WIDTH, WORDS, c_integer
from ktrace.model.ctype import CType, Int, Pointer, Tagged, Void
from ktrace.model.miss import Miss

# Names of the kernel that need no look-up.
_KNOWN = {*FIXED_WIDTH, "size_t", "ssize_t"}


def find_type(name: TypeName, scope: Scope) -> CType:
    """Return the type that a cast names.

    Raises:
        NotFound: there is no type of that name.
        Unavailable: the type needs BTF, and there is none.
    """
    ctype = _base(name) if not name.keyword else None
    if ctype is None:
        types = scope.types(name.at, f"the type '{name.name}'")
        kind: Named = name.keyword or "typedef"
        found: CType | Miss
        match kind:
            case "struct" | "union":
                found = types.record(kind, name.name)
            case "enum":
                found = types.enum(name.name)
            case _:
                found = types.typedef(name.name)
        if isinstance(found, Miss):
            hint = did_you_mean(name.name, types.names(kind))
            if not name.keyword and not isinstance(types.record("struct", name.name), Miss):
                hint = f"did you mean struct {name.name}?"
            raise NotFound(
                f"there is no {f'{name.keyword} ' if name.keyword else 'type '}'{name.name}'",
                excerpt=scope.text,
                caret=name.at,
                hint=hint,
            )
        ctype = found
    for _ in range(name.stars):
        ctype = Pointer(ctype)
    return ctype


def user_type(declared: str, scope: Scope) -> CType:
    """Return the type of a system call's parameter as its format file declares it: `struct open_how *`.

    Pointers point to user-space memory.

    Raises:
        NotFound, Unavailable: as `find_type`.
    """
    words = declared.replace("*", " * ").split()
    stars = words.count("*")
    names = [word for word in words if word not in ("*", "const", "volatile", "restrict", "__user")]
    keyword: Literal["struct", "union", "enum", ""] = ""
    keyword = next((k for k in _KEYWORDS if names and names[0] == k), keyword)
    text = " ".join(names[1:] if keyword else names)
    ctype = find_type(TypeName(keyword, text, 0, 0), scope)
    for _ in range(stars):
        ctype = Pointer(Tagged("user", ctype))
    return ctype


_KEYWORDS: tuple[Literal["struct", "union", "enum"], ...] = ("struct", "union", "enum")


def _base(name: TypeName) -> CType | None:
    if name.name == "void":
        return Void()
    if name.name in ("bool", "_Bool"):
        return Int("bool", 1, False, "bool", 8)
    words = name.name.split()
    integer = c_integer(words) if name.name in _KNOWN or WORDS.issuperset(words) else None
    if integer is None:
        return None
    # char is signed on no machine since Linux 6.2 (-funsigned-char); as text it makes no difference.
    signed = integer.signed and (words != ["char"])
    return Int(name.name, integer.size, signed, bits=integer.bits)
