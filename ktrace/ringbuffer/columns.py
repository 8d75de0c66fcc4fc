"""Read the fields of one event's records as columns, all rows in one step.

How to read each field is worked out once from the event's format. Whole records are first gathered into a
structured array: gathering field by field takes two to three times as long.
"""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ktrace.model.column import Column, Strings
from ktrace.model.fetch_types import PrintAs, column_dtype
from ktrace.model.format import Field, Format, element_size
from ktrace.ringbuffer.field_kinds import BYTES, INTEGERS, kind_of, least_size, tail_of
from ktrace.ringbuffer.paths import path_reader
from ktrace.ringbuffer.rows import Reader, Rows
from ktrace.ringbuffer.texts import Texts, text_at

_FUNCTIONS = {
    "print": ("ip",),
    "bprint": ("ip",),
    "bputs": ("ip",),
    "function": ("ip", "parent_ip"),
    "func_repeats": ("ip", "parent_ip"),
    "funcgraph_entry": ("func",),
    "funcgraph_retaddr_entry": ("func", "retaddr"),
    "funcgraph_exit": ("func",),
}
"""By event of ftrace, the fields that are functions."""
_NO_FIELD = (np.dtype("V1"), 0)
_BOTH = "common_flags and common_preempt_count"


class EventReader:
    """Reads the records of one event.

    Attributes:
        size: the minimum size of a record in bytes.
        signature: how the kernel's text spells a probe's arguments; None for other events.
        places: the names of the probe's own addresses.
        symbols: the names of arguments shown as symbols.
    """

    def __init__(self, form: Format, order: str) -> None:
        self.form = form
        self._order = order
        self.signature = form.signature() if form.is_probe else None
        self._tail = tail_of(form)
        inline = [f for f in form.fields if f is not self._tail]
        self.size = least_size(form)
        parts = {f.name: (_dtype(f, order, form.is_data(f)), f.offset) for f in inline}
        # Flags and depth are adjacent: read them as one number.
        self._has_pid = "common_pid" in parts
        self._has_flags = "common_preempt_count" in parts and "common_flags" in parts
        if self._has_flags and parts["common_preempt_count"][1] == parts["common_flags"][1] + 1:
            parts[_BOTH] = (np.dtype("<u2"), parts["common_flags"][1])
        self._dtype = np.dtype(
            {
                "names": list(parts),
                "formats": [dtype for dtype, _ in parts.values()],
                "offsets": [offset for _, offset in parts.values()],
                "itemsize": (self.size + 3) // 4 * 4,
            }
        )
        self.pid, self.flags, self.preempt = (
            name if name in parts else None for name in ("common_pid", "common_flags", "common_preempt_count")
        )
        spelled = {a.name: a.print_as for a in self.signature.args} if self.signature else {}
        self._readers = {f.name: self._reader(f, spelled.get(f.name)) for f in form.args}
        by_name = {f.name: f for f in form.own_fields}
        for name, parts_of_path in form.paths.items():
            readers = [self._reader(by_name[part], "str") for part in parts_of_path]
            self._readers[name] = path_reader(self._readers[name], parts_of_path, readers)
        self._locs = [f for f in form.own_fields if f.shape in ("data_loc", "rel_loc")]
        self._measured = form.measured
        called = _FUNCTIONS.get(form.name, ()) if form.system == "ftrace" else ()
        self.symbols = (
            *(name for name, as_ in spelled.items() if as_ == "sym"),
            *(name for name in called if parts.get(name, _NO_FIELD)[0].kind == "u"),
        )
        own = ("__probe_ip", "__probe_func", "__probe_ret_ip", "__probe_type")
        self.places = tuple(name for name in own if name in parts and parts[name][0].itemsize in INTEGERS)

    def rows(self, buffer: NDArray[np.uint8], at: NDArray[np.int64], size: NDArray[np.int32]) -> Rows:
        """Gather records; all must have at least `self.size` bytes.

        `at` is in words of 4 bytes.
        """
        width = self._dtype.itemsize
        overlapping = np.ndarray(((len(buffer) - width) // 4 + 1,), f"V{width}", buffer, 0, (4,))
        return Rows(buffer, at << 2, size, overlapping[at].view(self._dtype))

    def sound(self, rows: Rows) -> NDArray[np.bool_] | None:
        """Return which records refer only to their own bytes, or None if all do."""
        good: NDArray[np.bool_] | None = None
        for field in self._locs:
            for start, length in _parts(field, rows):
                end = start + length
                if bool((end <= rows.size).all()):
                    continue
                fits = (end <= rows.size) | (length == 0)
                good = fits if good is None else good & fits
        return good if good is not None and not good.all() else None

    def pids(self, rows: Rows) -> NDArray[np.int32]:
        """Return the pid of each record's task."""
        if not self._has_pid:
            return np.zeros(len(rows), np.int32)
        pids: NDArray[np.int32] = rows.table["common_pid"].astype(np.int32)
        return pids

    def common_flags(self, rows: Rows) -> NDArray[np.int32]:
        """Return the flags of each record, with the preemption depth in the next 8 bits."""
        if not self._has_flags:
            return np.zeros(len(rows), np.int32)
        if _BOTH in (self._dtype.names or ()):
            both: NDArray[np.int32] = rows.table[_BOTH].astype(np.int32)
            return both
        flags, depth = (rows.table[n].astype(np.int32) for n in ("common_flags", "common_preempt_count"))
        return flags & 0xFF | (depth & 0xFF) << 8

    def columns(self, rows: Rows, only: Collection[str] | None = None) -> dict[str, Column]:
        """Return the event's own fields, or some of them.

        The common fields and the probe's addresses are not included.
        """
        return {name: read(rows) for name, read in self._readers.items() if only is None or name in only}

    def addresses(self, rows: Rows) -> dict[str, NDArray[np.uint64]]:
        """Return the probe's addresses, and the arguments to be shown as symbols."""
        names = (*self.places, *self.symbols)
        return {name: rows.table[name].astype(np.uint64) for name in names if rows.table[name].ndim == 1}

    def lengths(self, rows: Rows) -> dict[str, NDArray[np.int64]]:
        """Return the bytes that texts of varying length take, of those whose length is printed."""
        return {field.name: _parts(field, rows)[0][1] for field in self._measured}

    def trailing(self, row: int, rows: Rows, width: int = 8) -> tuple[int, ...]:
        """Return the numbers after a record's fixed part."""
        if self._tail is None:
            return ()
        start = int(rows.start[row]) + self._tail.offset
        count = (int(rows.size[row]) - self._tail.offset) // width
        raw = rows.buffer[start : start + max(count, 0) * width].tobytes()
        return tuple(np.frombuffer(raw, f"{self._order}u{width}").tolist())

    def _reader(self, field: Field, spelled: PrintAs | None) -> Reader:
        match kind_of(self.form, field, spelled, is_tail=field is self._tail):
            case "tail":
                is_text = field.is_text and not self.form.is_data(field)
                return _tail_reader(field, self._order, is_text=is_text)
            case "stored texts":
                return lambda rows: _string_arrays(field, rows)
            case "stored numbers":
                return lambda rows: _number_arrays(field, rows, self._order)
            case "stored bytes":
                return lambda rows: _number_arrays(replace(field, signed=False), rows, self._order)
            case "stored data":
                return lambda rows: _data(field, rows)
            case "stored text":
                return _stored_text_reader(field, absent=self.form.is_probe)
            case "character":
                return _character_reader(field)
            case "text":
                return _text_reader(field)
            case "number":
                return _number_reader(field, spelled)


def _stored_text_reader(field: Field, *, absent: bool) -> Reader:
    """Return a reader of texts that the field refers to. `absent`: one without bytes could not be read."""
    texts = Texts()

    def read(rows: Rows) -> Column:
        ((start, length),) = _parts(field, rows)
        return texts.read(rows.buffer, rows.start + start, length, absent=absent)

    return read


def _text_reader(field: Field) -> Reader:
    """Return a reader of texts of fixed length."""
    texts = Texts()

    def read(rows: Rows) -> Column:
        length = np.full(len(rows), field.size, np.int64)
        return texts.read(rows.buffer, rows.start + field.offset, length)

    return read


def _number_reader(field: Field, spelled: PrintAs | None) -> Reader:
    """Return a reader of numbers, or of lists of them."""
    wide = np.dtype(column_dtype(spelled, field.width, field.signed))

    def read(rows: Rows) -> Column:
        column: NDArray[Any] = rows.table[field.name].astype(wide)
        return column

    return read


def _dtype(field: Field, order: str, is_data: bool) -> np.dtype[np.generic]:
    """Return the layout of a field in its record. `is_data`: its characters are bytes."""
    if field.shape in ("data_loc", "rel_loc"):
        words = max(field.size // 4, 1)
        return np.dtype((f"{order}u4", (words,)) if words > 1 else f"{order}u4")
    sign = "i" if field.signed else "u"
    width = field.width
    if width not in INTEGERS or is_data:
        return np.dtype(("u1", (field.size,)))  # a struct, as bytes
    one = f"{order}{sign}{width}"
    return np.dtype((one, (field.size // width,)) if field.shape == "array" else one)


def _parts(field: Field, rows: Rows) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the start (in the record) and length of the data of a reference, for each of its elements."""
    words = rows.table[field.name].astype(np.int64)
    columns = [words] if words.ndim == 1 else [words[:, i] for i in range(words.shape[1])]
    base = [field.offset + 4 * (i + 1) if field.shape == "rel_loc" else 0 for i in range(len(columns))]
    return [((word & 0xFFFF) + b, word >> 16) for word, b in zip(columns, base, strict=True)]


def _objects(values: list[list[object]]) -> NDArray[np.object_]:
    column = np.empty(len(values), object)
    for i, value in enumerate(values):
        column[i] = value
    return column


def _string_arrays(field: Field, rows: Rows) -> Column:
    parts = [((rows.start + s).tolist(), n.tolist()) for s, n in _parts(field, rows)]
    return _objects(
        [
            [text_at(rows.buffer, starts[i], sizes[i]) if sizes[i] else None for starts, sizes in parts]
            for i in range(len(rows))
        ]
    )


def _data(field: Field, rows: Rows) -> Column:
    """Return data as texts, including NULs; bytes that are not UTF-8 become surrogates."""
    ((start, length),) = _parts(field, rows)
    begins = (rows.start + start).tolist()
    raw = (rows.buffer[a : a + n].tobytes() for a, n in zip(begins, length.tolist(), strict=True))
    return Strings.of(data.decode("utf-8", "surrogateescape") for data in raw)


def _number_arrays(field: Field, rows: Rows, order: str) -> Column:
    """Read arrays whose length each record gives."""
    width = field.width if field.width in INTEGERS else 1
    dtype = f"{order}{'i' if field.signed else 'u'}{width}"
    ((start, length),) = _parts(field, rows)[:1]
    first = (rows.start + start).tolist()
    return _objects(
        [
            np.frombuffer(rows.buffer[at : at + size // width * width].tobytes(), dtype).tolist()
            for at, size in zip(first, length.tolist(), strict=True)
        ]
    )


def _tail_reader(field: Field, order: str, *, is_text: bool) -> Reader:
    """Return a reader of a field that extends to the end of its record."""
    if is_text:
        texts = Texts()
        return lambda rows: texts.read(
            rows.buffer, rows.start + field.offset, rows.size.astype(np.int64) - field.offset
        )
    width = element_size(field.ctype, field.long)
    dtype = f"{order}{'i' if field.signed and not field.is_text else 'u'}{width}"

    def read(rows: Rows) -> Column:
        begins = (rows.start + field.offset).tolist()
        sizes = np.clip(rows.size - field.offset, 0, None).tolist()
        return _objects(
            [
                np.frombuffer(rows.buffer[a : a + n // width * width].tobytes(), dtype).tolist()
                for a, n in zip(begins, sizes, strict=True)
            ]
        )

    return read


def _character_reader(field: Field) -> Reader:
    """Return a reader of values that are shown as characters."""

    def read(rows: Rows) -> Column:
        codes = rows.table[field.name].astype(np.int32) & 0xFF
        if codes.ndim == 1:
            return Strings(codes, BYTES)
        return _objects([[BYTES[code] for code in row] for row in codes.tolist()])

    return read
