"""The layout of an event's record in memory, read from its `format` file.

See Documentation/trace/events.rst, "Event formats". Offsets are taken from the file, never computed:
the fields of probe events are not aligned.
"""

import re
import string
from dataclasses import replace
from typing import Literal

from ktrace.errors import UsageError
from ktrace.model.c_integer import c_integer
from ktrace.model.fetch_types import INTEGERS, TYPES, PrintAs
from ktrace.model.path_parts import parts_of
from ktrace.model.printed_bytes import printed_bytes
from ktrace.records import dataclass

Shape = Literal["scalar", "array", "data_loc", "rel_loc"]

MESSAGE = "text"
"""The column with the message of a trace_printk, made from the address of its format and its arguments."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field.

    Attributes:
        name: without array brackets.
        ctype: the C type as the file spells it, without brackets: `u64`, `__data_loc char`.
        offset: bytes from the start of the record.
        size: bytes within the record; 4 for a `data_loc` field, wherever its data are.
        signed: whether integers are signed.
        shape: one value, an array whose elements have `size // count` bytes each, or a reference to data.
        count: elements of an array; 1 otherwise, 0 if unknown.
        long: bytes of the traced kernel's `long` and of its pointers.
        is_list: whether it refers to an array of texts, which has brackets in the kernel's text even if it
            has one element.
    """

    name: str
    ctype: str
    offset: int
    size: int
    signed: bool
    shape: Shape = "scalar"
    count: int = 1
    long: int = 8
    is_list: bool = False

    @property
    def is_text(self) -> bool:
        """Return whether its elements are plain characters, which end at a NUL."""
        return self.ctype.removeprefix("const ").strip() == "char"

    @property
    def width(self) -> int:
        """Return the size of one element in bytes."""
        if self.shape == "scalar":
            return self.size
        if self.shape == "array" and self.count:
            return self.size // self.count
        return element_size(self.ctype, self.long)


@dataclass(frozen=True, slots=True)
class Format:
    """The record of one event."""

    system: str
    name: str
    id: int
    fields: tuple[Field, ...]
    print_fmt: str = ""

    @property
    def own_fields(self) -> tuple[Field, ...]:
        """Return the event's own fields, without `common_*` and the probe's `__probe_*` addresses."""
        return tuple(f for f in self.fields if not f.name.startswith(("common_", "__probe_")))

    @property
    def args(self) -> tuple[Field, ...]:
        """Return the fields that become columns: the event's own, without the parts of whole paths."""
        own = self.own_fields
        joined = {part for parts in self.paths.values() for part in parts}
        return tuple(f for f in own if f.name not in joined) if joined else own

    @property
    def paths(self) -> dict[str, tuple[str, ...]]:
        """Return the fields with the parts of each whole path, by the field with its last name."""
        if not self.is_probe:
            return {}
        return parts_of(f.name for f in self.own_fields if f.is_text and f.shape in _LOCS)

    @property
    def is_return(self) -> bool:
        """Return whether the event is a return probe: its record holds two addresses."""
        return any(f.name == "__probe_ret_ip" for f in self.fields)

    @property
    def is_probe(self) -> bool:
        """Return whether the event prints in the form of probe events: `(place) name=value ...`."""
        return any(f.name.startswith("__probe_") for f in self.fields)

    @property
    def has_call_text(self) -> bool:
        """Return whether the event is a system call that records the data one of its arguments points to."""
        names = [f.name for f in self.fields] if self.system == "syscalls" else []
        return any(name.startswith("__") and name.endswith("_val") for name in names)

    @property
    def has_message(self) -> bool:
        """Return whether a record is a call of trace_printk that holds only the address of its text."""
        return self.system == "ftrace" and self.name in ("bprint", "bputs")

    @property
    def column_names(self) -> tuple[str, ...]:
        """Return the names of the columns that records become: fields, and a trace_printk's message."""
        return (*(f.name for f in self.args), *([MESSAGE] if self.has_message else []))

    def is_data(self, field: Field) -> bool:
        """Return whether an array of characters holds arbitrary data, which a NUL does not end."""
        if not field.is_text or field.shape == "scalar" or self.is_probe:
            return False
        if self.system == "ftrace":
            return self.name == "raw_data"
        return field.name in printed_bytes(self.print_fmt)

    @property
    def measured(self) -> tuple[Field, ...]:
        """Return the texts of varying length whose length the `print fmt` uses."""
        names = {called or shifted for called, shifted in _LENGTH.findall(self.print_fmt)}
        return tuple(f for f in self.fields if f.name in names and f.is_text and f.shape in _LOCS)

    def signature(self) -> "Signature":
        """Return how the kernel's text formats this event's arguments."""
        return Signature(
            self.name,
            tuple(Arg(f.name, _print_as(f, self.print_fmt), _array_length(f)) for f in self.own_fields),
            is_return=self.is_return,
        )


@dataclass(frozen=True, slots=True)
class Arg:
    """An argument in text: its name, how it is printed, and its number of elements (None: not an array)."""

    name: str
    print_as: PrintAs
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """The text form of one probe event: `EVENT: (place) name=value ...`."""

    event: str
    args: tuple[Arg, ...]
    is_return: bool = False


_FIELD = re.compile(
    r"^\tfield:([^;\n]*);\toffset:(\d{1,9});\tsize:(\d{1,9});(?:\tsigned:([01]);)?", re.MULTILINE | re.ASCII
)
_ANY_FIELD = re.compile(r"^\tfield:", re.MULTILINE)
_WORD = string.ascii_letters + string.digits + "_"
_LENGTH = re.compile(r"\b__get_(?:rel_)?dynamic_array_len\((\w+)\)|->__(?:data|rel)_loc_(\w+) ?>> ?16")
_LOC = re.compile(r"__(data|rel)_loc\s+(.*)\Z")

_LOCS = ("data_loc", "rel_loc")

_RECORD_MAX = 1 << 16
"""Bytes: a record refers to its data by 16-bit offsets."""
_ID_MAX = (1 << 16) - 1
_FIELDS_MAX = 1024
_PLAIN_SIZES = (1, 2, 4, 8)

_FETCHED = {one.name: one.size for one in INTEGERS}
_PRINTED = {one.spec: one.print_as for one in TYPES}
_BITMAPS = ("cpumask", "nodemask")  # arrays of `unsigned long`


def parse_format(text: str, system: str = "", long: int = 8) -> Format:
    """Read a `format` file.

    Args:
        text: the file.
        system: the event's group.
        long: bytes of the traced kernel's `long`.

    Raises:
        UsageError: it is not a format file.
    """
    name = re.search(r"^name: (\S+)$", text, re.MULTILINE)
    ident = re.search(r"^ID: (\d{1,9})$", text, re.MULTILINE | re.ASCII)
    if not name or not ident:
        raise UsageError("not an event's format file: no name and ID", excerpt=text[:60])
    head, _, print_fmt = text.partition("print fmt: ")
    fields = tuple(_parse_field(long, *match.groups()) for match in _FIELD.finditer(head))
    wrong = _problem(int(ident[1]), fields, len(_ANY_FIELD.findall(head)))
    if wrong:
        raise UsageError(f"the format of {name[1]} makes no sense: {wrong}")
    if system == "synthetic":
        fields = tuple(map(_in_slot, fields))
    return Format(system, name[1], int(ident[1]), fields, print_fmt.rstrip("\n"))


def _problem(ident: int, fields: tuple[Field, ...], spelled: int) -> str | None:
    """Return why records of this format cannot be read, or None. `spelled`: how many fields the text has."""
    if ident > _ID_MAX:
        return f"an ID of {ident}"
    if len(fields) != spelled:
        return "a field without an offset and a size"
    if len(fields) > _FIELDS_MAX:
        return f"{len(fields)} fields"
    names: set[str] = set()
    for field in fields:
        if field.name in names:
            return f"two fields {field.name!r}"
        names.add(field.name)
        if field.offset + field.size > _RECORD_MAX:
            return f"{field.name!r} ends after {field.offset + field.size} bytes"
        if field.shape in _LOCS and (field.size < 4 or field.size % 4):
            return f"{field.name!r} refers to its data in {field.size} bytes"
        if field.name.startswith("common_") and (field.shape != "scalar" or field.size not in _PLAIN_SIZES):
            return f"{field.name!r} has {field.size} bytes"
    return None


def _parse_field(long: int, declaration: str, offset: str, size: str, signed: str | None) -> Field:
    loc = _LOC.match(declaration)
    shape: Shape = "scalar"
    if loc:
        # `__data_loc char[] comm`, and `__data_loc char[][2] comm` of an array of strings
        shape = "data_loc" if loc[1] == "data" else "rel_loc"
        base, _, name = loc[2].rpartition(" ")
        # Each reference takes 4 bytes, whatever the declaration has in brackets.
        count = max(int(size) // 4, 1)
        ctype, _, dims = base.partition("[")
        is_list = count > 1 or "[" in dims
        return Field(name, ctype, int(offset), int(size), signed == "1", shape, count, long, is_list)
    ctype, name, dims = _split_declaration(declaration)
    if not name:
        return Field(declaration, "", int(offset), int(size), signed == "1", long=long)
    if dims:
        count = int(size) // element_size(ctype, long)
        said = re.fullmatch(r"\[(\d{1,9})\]", dims, re.ASCII)
        if said and int(said[1]) and int(size) % int(said[1]) == 0:
            count = min(int(said[1]), int(size))
        return Field(name, ctype, int(offset), int(size), signed == "1", "array", count, long)
    # Linux before 5.5 declares an array up to the end of its record without brackets: `char buf; size:0`.
    shape, count = ("scalar", 1) if int(size) else ("array", 0)
    return Field(name, ctype, int(offset), int(size), signed == "1", shape, count, long)


def _split_declaration(text: str) -> tuple[str, str, str]:
    """Split `unsigned long args[6]` into type, name and dimensions. The name may be empty."""
    text = text.rstrip()
    end = len(text)
    while text.endswith("]", 0, end) and (start := text.rfind("[", 0, end)) >= 0:
        end = start
    before = text[:end].rstrip()
    name = before[len(before.rstrip(_WORD)) :].lstrip(string.digits)
    return before.removesuffix(name).rstrip(), name, text[end:]


def _in_slot(field: Field) -> Field:
    """Correct a field's size: synthetic events reserve 8 bytes for each field; a text reference uses 4."""
    return replace(field, size=4, count=1, is_list=False) if field.shape == "data_loc" else field


def element_size(ctype: str, long: int = 8) -> int:
    """Return the size in bytes of an element of an array whose length only the record tells.

    A struct or union counts as bytes: no format describes it. For other unknown types the size is a guess.

    Args:
        ctype: the C type as format files spell it.
        long: bytes of the traced kernel's `long`.
    """
    if "*" in ctype or any(word in ctype for word in _BITMAPS):
        return long
    if ctype in _FETCHED:
        return _FETCHED[ctype]
    integer = c_integer(ctype.split(), long)
    if integer is not None:
        return integer.size
    if ctype.startswith(("struct ", "union ")):
        return 1
    return 8 if "64" in ctype else 4


def _print_as(field: Field, print_fmt: str) -> PrintAs:
    spec = re.search(rf"(?:^|[ \"]){re.escape(field.name)}=\{{?([^\s,}}]*)", print_fmt)
    text = spec[1] if spec else ""
    if field.shape in ("data_loc", "rel_loc"):
        return "str"
    printed = next((print_as for known, print_as in _PRINTED.items() if text.startswith(known)), None)
    if printed is not None:
        return printed
    # Static events print in more ways than probes do.
    if text.startswith('\\"%s'):
        return "str"
    if text.startswith("%ps"):
        return "sym"
    return "hex" if text.lower().startswith(("0x%", "%lx", "%llx", "%p")) else "dec"


def _array_length(field: Field) -> int | None:
    """Return the number of elements of an argument that prints as `{a,b}`; None for a single value."""
    if field.shape == "array":
        return field.count
    return field.count if field.is_list else None
