"""Say how each field of a record is read: what both decoders, of columns and of single records, go by."""

from typing import Literal

from ktrace.model.fetch_types import PrintAs
from ktrace.model.format import Field, Format

INTEGERS = (1, 2, 4, 8)
"""Bytes of the numbers that are read as such; a field of another size is read as bytes."""

BYTES = tuple(bytes([byte]).decode("utf-8", "surrogateescape") for byte in range(256))
"""The text of each value that is shown as a character."""

Kind = Literal[
    "tail", "stored texts", "stored numbers", "stored bytes", "stored data", "stored text",
    "character", "text", "number",
]  # fmt: skip
"""The ways to read a field.

| kind | value |
|---|---|
| tail | all up to the end of the record |
| stored texts | a list of texts, to which the field refers |
| stored numbers, stored bytes | a list of numbers, to which the field refers |
| stored data | a text that may contain NULs |
| stored text | a text up to its first NUL, to which the field refers |
| character | a number, shown as a character |
| text | a text of fixed length, up to its first NUL |
| number | a number, or a list of them; a struct is a list of bytes |
"""


def kind_of(form: Format, field: Field, spelled: PrintAs | None, *, is_tail: bool = False) -> Kind:
    """Return how a field is read.

    Args:
        spelled: how a probe's argument is printed; None for other events.
        is_tail: whether it is the field that `tail_of` returns.
    """
    if is_tail:
        return "tail"
    is_data = form.is_data(field)
    if field.shape in ("data_loc", "rel_loc"):
        if not field.is_text:
            return "stored numbers"
        if field.is_list:
            return "stored texts"
        if is_data:
            return "stored data" if form.has_call_text else "stored bytes"  # a program's memory: mostly text
        return "stored text"
    if spelled == "char":
        return "character"
    is_plain = field.shape == "array" and field.is_text and spelled is None and not is_data
    return "text" if is_plain else "number"


def tail_of(form: Format) -> Field | None:
    """Return the field whose length only the record tells, if any.

    Some of ftrace's own events have one, as their last field.
    """
    # Of fields at the same offset only the last one may have a size.
    last = max(form.fields, key=lambda f: (f.offset, f.size), default=None)
    if last is None or last.shape != "array":
        return None
    if any(f.shape in ("data_loc", "rel_loc") for f in form.fields):
        return None  # what follows is the data that those refer to
    return (
        last
        if last.size == 0 or (form.system == "ftrace" and last.name in ("caller", "buf", "args"))
        else None
    )


def least_size(form: Format) -> int:
    """Return the minimum size of a record in bytes."""
    tail = tail_of(form)
    size = max((f.offset + f.size for f in form.fields if f is not tail), default=8)
    return size if tail is None else max(size, tail.offset)


def spellings(form: Format) -> dict[str, PrintAs]:
    """Return how each argument of a probe is printed; nothing for other events."""
    return {arg.name: arg.print_as for arg in form.signature().args} if form.is_probe else {}
