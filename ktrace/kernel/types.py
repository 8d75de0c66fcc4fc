"""Look up one type of the running kernel: its members and their offsets, or its values."""

import re
from dataclasses import dataclass

from ktrace.errors import NotFound, Unavailable, UsageError
from ktrace.model.ctype import CType, Enum, Record, Typedef, bare, declare, size_of
from ktrace.model.miss import Miss
from ktrace.symbols.btf import Btf, Named
from ktrace.symbols.btf_files import BtfPaths, kernel_types, module_types
from ktrace.symbols.btf_layout import Row, layout

_NAME = re.compile(r"(?:(struct|union|enum)\s+)?([A-Za-z_]\w*)\Z")


@dataclass(frozen=True, slots=True)
class TypeView:
    """A type, as `ktrace type` shows it.

    Attributes:
        text: the type in C.
        size: its size in bytes; None if it has none.
        rows: the members of a struct or union, with offsets from its start.
        values: the values of an enum.
        alias: the type that a typedef stands for.
    """

    text: str
    size: int | None
    rows: tuple[Row, ...] = ()
    values: tuple[tuple[str, int], ...] = ()
    alias: str | None = None


def find_type(name: str, members: tuple[str, ...], paths: BtfPaths, *, module: str | None = None) -> TypeView:
    """Return the type of that name.

    Args:
        name: `struct file`, `enum pid_type`, `loff_t`; a keyword may be left out.
        members: only these members; `a.b` is member `b` of the struct `a`.
        paths: where BTF is.
        module: the module whose types are searched first.

    Raises:
        UsageError: it is not the name of a type, or the type has no members.
        NotFound: no type or member of that name.
        Unavailable: the kernel, or the module, has no BTF.
    """
    match = _NAME.match(name.strip())
    if not match:
        raise UsageError(f"'{name}' is not the name of a type", hint="'struct file', 'enum pid_type', loff_t")
    types = _types(paths, module)
    ctype = _look_up(types, match[1], match[2])
    kind = bare(ctype)
    alias = declare(ctype.target) if isinstance(ctype, Typedef) else None
    if isinstance(kind, Record):
        return TypeView(declare(ctype), kind.size, _rows(kind, members, types), alias=alias)
    if members:
        raise UsageError(f"{declare(ctype)} has no members: it is {alias or 'no struct'}")
    values = kind.values if isinstance(kind, Enum) else ()
    return TypeView(declare(ctype), size_of(ctype), values=values, alias=alias)


def _types(paths: BtfPaths, module: str | None) -> Btf:
    types = kernel_types(paths)
    if module is not None and not isinstance(types, Miss):
        types = module_types(types, module, paths)
    if isinstance(types, Miss):
        raise Unavailable(
            f"no types: {types.source}: {types.reason}", hint="`ktrace doctor` shows what there is"
        )
    return types


def _look_up(types: Btf, keyword: str | None, name: str) -> CType:
    found: CType | Miss = Miss("", "")
    if keyword in (None, "struct"):
        found = types.record("struct", name)
    if isinstance(found, Miss) and keyword in (None, "union"):
        found = types.record("union", name)
    if isinstance(found, Miss) and keyword in (None, "enum"):
        found = types.enum(name)
    if isinstance(found, Miss) and keyword is None:
        found = types.typedef(name)
    if isinstance(found, Miss):
        raise _unknown(types, keyword, name)
    return found


def _unknown(types: Btf, keyword: str | None, name: str) -> NotFound:
    from ktrace.expr.problems import near  # noqa: PLC0415 -- only to explain a failure

    kinds: tuple[Named, ...] = ("struct", "union", "enum", "typedef")
    meant, _, rest = name.partition("_")  # struct_file
    written = next((kind for kind in kinds if kind == meant and rest and keyword is None), None)
    searched = [written] if written else [kind for kind in kinds if keyword in (None, kind)]
    found = {
        candidate: candidate if kind == "typedef" else f"{kind} {candidate}"
        for kind in reversed(searched)
        for candidate in types.names(kind)
    }
    close = [found[one] for one in near(rest if written else name, found)]
    hint = "did you mean " + " or ".join(close) + "?" if close else "modules have their own types: --module"
    return NotFound(f"this kernel has no type '{f'{keyword} ' if keyword else ''}{name}'", hint=hint)


def _rows(record: Record, members: tuple[str, ...], types: Btf) -> tuple[Row, ...]:
    if not members:
        found = layout(record, types.members)
        assert not isinstance(found, Miss)
        return found
    rows: list[Row] = []
    for text in members:
        path = tuple(text.split("."))
        one = layout(record, types.members, path)
        if isinstance(one, Miss):
            raise _no_member(record, text, one)
        rows += one
    return tuple(rows)


def _no_member(record: Record, text: str, miss: Miss) -> NotFound:
    from ktrace.expr.problems import near  # noqa: PLC0415 -- only to explain a failure

    wrong = re.search(r"'(\w+)'", miss.reason)
    close = near(wrong[1], miss.near) if wrong else []
    shown = ", ".join(miss.near[:12])
    hints = [f"did you mean {' or '.join(close)}?"] if close else []
    hints += [f"members: {shown}"] if shown else []
    return NotFound(
        f"{miss.source}: {miss.reason}",
        excerpt=f"{declare(record)} {text}",
        caret=len(declare(record)) + 1 + (text.find(wrong[1]) if wrong else 0),
        hint="\n".join(hints) or "pointers are not followed: show what they point to by its own name",
    )
