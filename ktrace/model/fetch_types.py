"""The types of fetch arguments: `:u32`, `:string`, `:b4@2/32`, `:u8[16]`.

One table says what each type reads and how the kernel prints it. What ktrace accepts, the sizes, the
columns of a Batch, completions and the tables in the documentation come from it. See
Documentation/trace/kprobetrace.rst, "Types".

>>> parse_type("u32[4]")
TypeWord(name='u32', count='4')
>>> parse_type("u32[4]").base.size
4
"""

import re
from typing import Literal

from ktrace.records import dataclass

PrintAs = Literal["dec", "hex", "str", "char", "sym"]
"""The form of a value in the kernel's text: decimal, `0x…`, `"…"`, `'c'`, a symbol's name."""

Family = Literal["integer", "character", "address", "text", "file name"]

ELEMENTS_MAX = 64  # of an array


@dataclass(frozen=True, slots=True)
class FetchType:
    """One type.

    Attributes:
        name: as in `ARG:NAME`.
        family: decides where the type is accepted; see `is_scalar` and `in_arrays`.
        size: bytes that are read; for text the size of the pointer to it in an array of texts.
        signed: whether the value is signed.
        ctype: the type of the field in the event's `format` file.
        spec: the conversion in its `print fmt`.
        print_as: how the kernel's text shows the value.
        reads: what it reads, for the documentation.
        feature: the name in `model.features` of what the kernel must have; "" if every kernel has the type.
        since: the first kernel that has the type, for the documentation; "" for every kernel.
        structs: for a file name, the structs that hold one.
    """

    name: str
    family: Family
    size: int
    signed: bool
    ctype: str
    spec: str
    print_as: PrintAs
    reads: str
    feature: str = ""
    since: str = ""
    structs: tuple[str, ...] = ()

    @property
    def is_scalar(self) -> bool:
        """Return whether it reads one value of `size` bytes, from a register or from memory."""
        return self.family in ("integer", "character", "address")

    @property
    def in_arrays(self) -> bool:
        """Return whether there are arrays of it."""
        return self.family != "file name"

    @property
    def column(self) -> str:
        """Return the dtype of its column in a Batch: `int64`, `uint64`, or `Strings`."""
        texts = self.print_as in ("str", "char")
        return "Strings" if texts else column_dtype(self.print_as, self.size, self.signed)


def column_dtype(print_as: PrintAs | None, size: int, signed: bool) -> Literal["int64", "uint64"]:
    """Return the dtype of a column of integers of `size` bytes; addresses and hexadecimals are unsigned."""
    return "uint64" if print_as in ("hex", "sym") or (size == 8 and not signed) else "int64"


def _integers() -> tuple[FetchType, ...]:
    letters: tuple[tuple[str, str, PrintAs, str], ...] = (
        ("u", "u", "dec", "an unsigned number"),
        ("s", "d", "dec", "a signed number"),
        ("x", "x", "hex", "a number, printed in hexadecimal"),
    )
    return tuple(
        FetchType(
            name=f"{letter}{bits}",
            family="integer",
            size=bits // 8,
            signed=letter == "s",
            ctype=f"{'s' if letter == 's' else 'u'}{bits}",
            spec=("0x%" if letter == "x" else "%") + ("L" if bits == 64 else "") + conversion,
            print_as=print_as,
            reads=reads,
        )
        for letter, conversion, print_as, reads in letters
        for bits in (8, 16, 32, 64)
    )


def _stored_text(
    name: str,
    family: Family,
    reads: str,
    *,
    feature: str = "",
    since: str = "",
    structs: tuple[str, ...] = (),
) -> FetchType:
    """Return a type whose record holds a text: the field is a reference to it."""
    field = ("__data_loc char", '\\"%s\\"')
    return FetchType(name, family, 8, False, *field, "str", reads, feature, since, structs)


TYPES: tuple[FetchType, ...] = (
    *_integers(),
    FetchType("char", "character", 1, True, "char", "'%c'", "char", "a character", since="6.5"),
    _stored_text("string", "text", "a string in kernel memory"),
    _stored_text("ustring", "text", "a string in user memory"),
    FetchType("symbol", "address", 8, False, "u64", "%pS", "sym", "an address, printed as symbol and offset"),
    _stored_text(
        "symstr", "address", "an address, stored as the text of its symbol", feature="symstr", since="6.2"
    ),
    _stored_text("path", "file name", "the path of a file", structs=("dentry", "file")),
    _stored_text(
        *("%pd", "file name", "the name of a directory entry"),
        feature="dentry_names",
        since="6.10",
        structs=("dentry",),
    ),
    _stored_text(
        *("%pD", "file name", "the name of an open file"),
        feature="dentry_names",
        since="6.10",
        structs=("file",),
    ),
)
"""Every type that has a name, in the order in which messages and the documentation list them."""

BY_NAME = {one.name: one for one in TYPES}
INTEGERS = tuple(one for one in TYPES if one.family == "integer")

_NAMES = "|".join(re.escape(one.name) for one in TYPES)
_BITS = r"b\d+@\d+/(?:8|16|32|64)"
PATTERN = rf"(?:{_NAMES}|{_BITS})(?!\w)"
"""A regular expression for a type, without the brackets of an array."""

_ARRAY = re.compile(r"(\w+)\[(\w*)\]\Z")
_BITFIELD = re.compile(_BITS + r"\Z")


@dataclass(frozen=True, slots=True)
class TypeWord:
    """A type as it is written: `u32`, `u32[4]`, `b4@2/32`.

    Attributes:
        name: the text before the brackets of an array.
        count: the text in the brackets; None if there are none.
    """

    name: str
    count: str | None = None

    @property
    def base(self) -> FetchType | None:
        """Return the type, or that of an array's elements; None for bits and for an unknown name."""
        return BY_NAME.get(self.name)

    @property
    def is_bits(self) -> bool:
        """Return whether it reads some bits of a number."""
        return self.count is None and _BITFIELD.match(self.name) is not None

    @property
    def is_number(self) -> bool:
        """Return whether it reads integers: one, some bits of one, or an array."""
        return self.is_bits or (self.base is not None and self.base.family == "integer")


def parse_type(text: str) -> TypeWord:
    """Take a type apart. Any text is accepted: the result says whether the type is known."""
    array = _ARRAY.match(text)
    return TypeWord(array[1], array[2]) if array else TypeWord(text)


def integer_type(size: int, *, signed: bool) -> str:
    """Return the name of the type for integers of `size` bytes.

    >>> integer_type(4, signed=True)
    's32'
    """
    return next(one.name for one in INTEGERS if one.size == size and one.signed == signed)


def is_text(type_: str | None) -> bool:
    """Return whether the type reads one string, in kernel or in user memory."""
    base = BY_NAME.get(type_ or "")
    return base is not None and base.family == "text"


def table() -> list[tuple[str, ...]]:
    """Return the rows of the table in the documentation: types, bytes, what they read, since which kernel."""
    rows: dict[tuple[str, str], list[FetchType]] = {}
    for one in TYPES:
        rows.setdefault((one.reads, one.since), []).append(one)
    return [
        (
            " ".join(f"`{one.name}`" for one in same),
            " ".join(str(one.size) for one in same) if same[0].is_scalar else "",
            reads,
            since,
        )
        for (reads, since), same in rows.items()
    ]


def summary() -> str:
    """Return the names for `--help`: `u8..u64 s8..s64 x8..x64 char string ...`."""
    runs: dict[str, list[str]] = {}
    for one in TYPES:
        runs.setdefault(one.name[0] if one.family == "integer" else one.name, []).append(one.name)
    return " ".join(names[0] if len(names) == 1 else f"{names[0]}..{names[-1]}" for names in runs.values())
