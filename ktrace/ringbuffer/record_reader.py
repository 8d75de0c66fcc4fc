"""Read the fields of single records, without NumPy.

A field has the value that it has in `columns`, which reads many records in one step: `field_kinds` says for
both how a field is read.
"""

import struct
from collections.abc import Callable
from functools import partial
from typing import Any

from ktrace.model.fetch_types import PrintAs, column_dtype
from ktrace.model.format import Field, Format
from ktrace.ringbuffer.field_kinds import BYTES, INTEGERS, kind_of, least_size, spellings, tail_of

_CODES = {1: "b", 2: "h", 4: "i", 8: "q"}
_ALL_BITS = (1 << 64) - 1

Value = Callable[[bytes, int], Any]
"""Returns the value of a field, from a page and the offset of the record in it."""


class RecordReader:
    """Reads the records of one event.

    Attributes:
        form: the format of the event.
    """

    def __init__(self, form: Format, order: str) -> None:
        self.form = form
        self._order = order
        self._size = least_size(form)
        self._spelled = spellings(form)
        self._locs = [f for f in form.args if f.shape in ("data_loc", "rel_loc")]
        self._fields = {f.name: f for f in form.args}
        pid = next((f for f in form.fields if f.name == "common_pid"), None)
        self.pid: Value = self._number(pid, None) if pid is not None else _no_pid

    def can_read(self, name: str) -> bool:
        """Return whether a field can be read here.

        The fields that extend to the end of a record, those that are shown as symbols, and whole paths, which
        several fields make up, cannot.
        """
        field = self._fields.get(name)
        as_symbol = self.form.system == "ftrace" or self._spelled.get(name) == "sym"
        if field is None or as_symbol or name in self.form.paths:
            return False
        return field is not tail_of(self.form)

    def is_sound(self, page: bytes, at: int, size: int) -> bool:
        """Return whether a record has all fields, and refers only to its own bytes."""
        if size < self._size:
            return False
        return all(
            begin + length <= at + size or not length
            for field in self._locs
            for begin, length in self._parts(field, page, at)
        )

    def value(self, name: str) -> Value:
        """Return what reads a field."""
        field = self._fields[name]
        spelled = self._spelled.get(name)
        match kind_of(self.form, field, spelled, is_tail=field is tail_of(self.form)):
            case "tail":
                raise ValueError(f"{name} ends with its record")
            case "stored texts":
                return partial(self._texts, field)
            case "stored numbers":
                return partial(self._numbers, field, field.signed)
            case "stored bytes":
                return partial(self._numbers, field, False)
            case "stored data":
                return partial(self._data, field)
            case "stored text":
                return partial(self._text, field, self.form.is_probe)
            case "character":
                return self._character(field)
            case "text":
                return partial(_fixed_text, field.offset, field.size)
            case "number":
                return self._number(field, spelled)

    def _parts(self, field: Field, page: bytes, at: int) -> list[tuple[int, int]]:
        """Return the offset in the page and the length of the data of a reference, for each element."""
        words = struct.unpack_from(f"{self._order}{max(field.size // 4, 1)}I", page, at + field.offset)
        is_relative = field.shape == "rel_loc"
        return [
            (at + (word & 0xFFFF) + (field.offset + 4 * (i + 1) if is_relative else 0), word >> 16)
            for i, word in enumerate(words)
        ]

    def _text(self, field: Field, may_be_absent: bool, page: bytes, at: int) -> str | None:
        ((begin, length),) = self._parts(field, page, at)
        return None if may_be_absent and not length else _fixed_text(begin, length, page, 0)

    def _texts(self, field: Field, page: bytes, at: int) -> list[str | None]:
        parts = self._parts(field, page, at)
        return [_fixed_text(begin, length, page, 0) if length else None for begin, length in parts]

    def _data(self, field: Field, page: bytes, at: int) -> str:
        ((begin, length),) = self._parts(field, page, at)
        return page[begin : begin + length].decode("utf-8", "surrogateescape")

    def _numbers(self, field: Field, signed: bool, page: bytes, at: int) -> list[int]:
        """Return an array whose length the record gives."""
        width = field.width if field.width in INTEGERS else 1
        begin, length = self._parts(field, page, at)[0]
        return list(struct.unpack_from(self._codes(width, length // width, signed=signed), page, begin))

    def _character(self, field: Field) -> Value:
        number = self._number(field, None)

        def read(page: bytes, at: int) -> Any:
            value = number(page, at)
            return [BYTES[one & 0xFF] for one in value] if isinstance(value, list) else BYTES[value & 0xFF]

        return read

    def _number(self, field: Field, spelled: PrintAs | None) -> Value:
        """Return what reads a number, or an array of them. A struct is an array of bytes."""
        width, signed = field.width, field.signed
        is_list = field.shape == "array"
        keep = _ALL_BITS if column_dtype(spelled, width, signed) == "uint64" else -1
        if width not in INTEGERS or self.form.is_data(field):
            width, signed, is_list = 1, False, True
        codes = struct.Struct(self._codes(width, field.size // width if is_list else 1, signed=signed))
        unpack, offset = codes.unpack_from, field.offset
        if is_list:
            return lambda page, at: [one & keep for one in unpack(page, at + offset)]
        return lambda page, at: unpack(page, at + offset)[0] & keep

    def _codes(self, width: int, count: int, *, signed: bool) -> str:
        code = _CODES[width]
        return f"{self._order}{count}{code if signed else code.upper()}"


def _fixed_text(offset: int, length: int, page: bytes, at: int) -> str:
    """Return a text up to its first NUL, or its whole length."""
    begin = at + offset
    return page[begin : begin + length].partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _no_pid(_page: bytes, _at: int) -> int:
    return 0
