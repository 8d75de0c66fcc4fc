"""Make the body of an event's lines: pieces of text for all its records, as its format says.

    body = Body(parse_format(text, "sched"), lookups)
    pieces = body.pieces(batch)

A `print fmt` that cannot be parsed gives a marker and the fields as `name=value`, not an exception.
"""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ktrace.diagnostic import visible
from ktrace.model.batch import Batch
from ktrace.model.column import Column, Strings
from ktrace.model.format import Field, Format
from ktrace.model.lookups import NO_LOOKUPS, Lookups
from ktrace.output.printfmt.calls import call
from ktrace.output.printfmt.cint import Machine
from ktrace.output.printfmt.evaluate import Records, evaluate
from ktrace.output.printfmt.lexer import NotUnderstood
from ktrace.output.printfmt.special import Wording, wording
from ktrace.output.printfmt.spell import UNKNOWN, spell
from ktrace.output.printfmt.template import Spec
from ktrace.output.printfmt.tree import Node
from ktrace.output.printfmt.values import Ints, Unknown, Value, encoded
from ktrace.output.rendering.digits import decimal, hexadecimal
from ktrace.output.rendering.distinct_values import Codes, joined, looks_repetitive
from ktrace.output.rendering.pieces import Coded, Piece, Pieces, coded

MARKER = "(print fmt not understood)"
"""Precedes the fields of an event whose `print fmt` the parser does not understand."""

_TIME = Field("common_ts", "u64", 0, 8, signed=False)
"""The record's time, which some of the kernel's texts use; no format has it as a field."""

_SPELLED_MAX = 1 << 16  # values whose text a conversion remembers


class Body:
    """The body of an event's lines, compiled once for the event.

    Attributes:
        problem: why the `print fmt` was not understood; None if it was.
        titled: whether the event's name precedes the body.
    """

    def __init__(self, event: Format, lookups: Lookups = NO_LOOKUPS) -> None:
        self._fields = {field.name: field for field in (_TIME, *event.fields)}
        self._lookups = lookups
        self._machine = Machine(lookups.long, lookups.big_endian)
        self._tables: dict[int, list[tuple[int, str]]] = {}
        self._spelled: list[dict[object, bytes]] = []
        self._wording: Wording | None = None
        self._args: list[tuple[Node, ...]] = []
        self.problem: str | None = None
        try:
            self._wording = wording(event, lookups)
            self._args = list(_arguments(self._wording))
            self._spelled = [{} for _ in self._wording.parts]
        except NotUnderstood as error:
            self.problem = str(error)
            self._wording = None
        self.titled = self._wording is None or self._wording.titled

    def pieces(self, batch: Batch) -> list[Piece]:
        """Return the body of each record, as pieces of text."""
        rows = len(batch)
        if self._wording is None:
            return _fields(batch.columns, rows)
        columns = {**_common(batch), **batch.columns, **_numbers(batch)}
        lines = columns.get(self._wording.lines or "")
        if isinstance(lines, Strings):
            whole = tuple(UNKNOWN if text is None else text.removesuffix("\n") for text in lines.values)
            columns = {**columns, self._wording.lines or "": Strings(lines.codes, whole)}
        records = Records(
            rows, columns, self._fields, self._lookups, call, self._tables,
            machine=self._machine, lengths=batch.lengths,
        )  # fmt: skip
        pieces = Pieces()
        args = iter(self._args)
        for index, part in enumerate(self._wording.parts):
            if isinstance(part, str):
                pieces.add(_literal(part))
            else:
                pieces.add(self._piece(part, next(args), records, self._spelled[index]))
        return pieces.finish()

    def texts(self, batch: Batch) -> list[str]:
        """Return the body of each record, as text."""
        columns = [_texts(piece, len(batch)) for piece in self.pieces(batch)]
        return (
            [b"".join(row).decode() for row in zip(*columns, strict=True)] if columns else [""] * len(batch)
        )

    def _piece(
        self, spec: Spec, nodes: tuple[Node, ...], records: Records, spelled: dict[object, bytes]
    ) -> Piece:
        try:
            values = [evaluate(node, records) for node in nodes]
            return piece(spec, values, records.rows, self._lookups, spelled)
        except (Unknown, RecursionError):  # the parser takes a long a + b + ... without recursion
            return UNKNOWN.encode()


def _common(batch: Batch) -> dict[str, Column]:
    """Return the fields that every record begins with."""
    found: dict[str, Column] = {"common_pid": batch.pid, "common_ts": batch.ts}
    if batch.common_flags is not None:
        found["common_flags"] = batch.common_flags & 0xFF
        found["common_preempt_count"] = batch.common_flags >> 8 & 0xFF
    return found


def _numbers(batch: Batch) -> Mapping[str, Column]:
    """Return the addresses whose columns have names of functions instead."""
    return {name: column for name, column in batch.addresses.items() if name in batch.columns}


def _arguments(found: Wording) -> Any:
    """Yield the arguments of each conversion, those for its `*` first."""
    args = list(found.print_fmt.args)
    for part in found.parts:
        if isinstance(part, str):
            continue
        if part.conversion == "?" and part.stars:
            raise NotUnderstood(f"the conversion {part.text}")
        wanted = part.stars + (part.conversion != "?")
        if len(args) < wanted:
            raise NotUnderstood(f"no argument for {part.text}")
        yield tuple(args[:wanted])
        del args[:wanted]


def piece(
    spec: Spec, values: list[Value], rows: int, lookups: Lookups, spelled: dict[object, bytes]
) -> Piece:
    """Apply one conversion to all records.

    Args:
        spec: the conversion.
        values: the values of its arguments, those for each `*` first.
        rows: the number of records.
        lookups: the symbols of addresses.
        spelled: a cache of the texts that this conversion has made, by value.
    """
    if not values:
        return _escaped(spec.text)  # the kernel prints an unknown conversion unchanged
    if len(values) == 1 and isinstance(values[0], Ints) and _is_fast(spec):
        found = values[0].data
        if not isinstance(found, int) and not looks_repetitive(found):
            return _digits(spec, values[0], lookups.long)
    columns = [encoded(value, rows) for value in values]
    if len(columns) == 1:
        if len(spelled) > _SPELLED_MAX:
            spelled.clear()
        texts = []
        for value in columns[0][0]:
            text = spelled.get(value)
            if text is None:
                text = spelled[value] = _escaped(spell(spec, value, (), lookups))
            texts.append(text)
        return coded(texts, columns[0][1])
    combinations, codes = _combined(columns, rows)
    texts = []
    for indices in combinations:
        *stars, value = (choices[i] for (choices, _), i in zip(columns, indices, strict=True))
        texts.append(_escaped(spell(spec, value, tuple(map(_signed, stars)), lookups)))
    return Coded(texts, codes)


def _combined(columns: list[tuple[list[Any], Codes]], rows: int) -> tuple[list[tuple[int, ...]], Codes]:
    if not columns:
        return [()], np.zeros(rows, np.int64)
    return joined([codes for _, codes in columns], [len(values) for values, _ in columns])


def _signed(star: object) -> int:
    """Return the value for a `*` as an int."""
    if not isinstance(star, int):
        raise Unknown
    return (star & 0xFFFFFFFF) - (1 << 32 if star & 0x80000000 else 0)


def _literal(text: str) -> bytes:
    """Return literal text of the `print fmt`.

    Newlines and tabs, which some of the kernel's have, are kept.
    """
    return "".join(
        visible(part) if part not in "\n\t" else part for part in re.split(r"([\n\t])", text)
    ).encode()


def _escaped(text: str) -> bytes:
    return visible(text).encode()


def _is_fast(spec: Spec) -> bool:
    """Return whether `ktrace.output.rendering.digits` can format all rows together."""
    if spec.conversion == "p":
        return spec.extension in ("", "x", "K") and spec.text in ("%p", "%px", "%pK")
    if spec.conversion not in ("d", "u", "x", "X"):
        return False
    wide = spec.width if isinstance(spec.width, int) else 0
    plain = not (spec.left or spec.plus or spec.space or spec.prefix or spec.stars)
    return plain and spec.precision is None and wide <= 16


def _digits(spec: Spec, value: Ints, long: int) -> Piece:
    if spec.type is None:  # an address
        return hexadecimal(value.column(0).astype(np.uint64), 2 * long, zero=True)
    width = spec.width if isinstance(spec.width, int) else 0
    column = value.to(spec.type).column(0)
    if spec.conversion in ("x", "X"):
        return hexadecimal(column, width, spec.zero, spec.conversion == "X")
    return decimal(column, width, spec.zero)


def _fields(columns: Mapping[str, Column], rows: int) -> list[Piece]:
    """Return a marker, and each field as `name=value`."""
    pieces = Pieces()
    pieces.add(MARKER.encode())
    for name, column in columns.items():
        pieces.add(f" {visible(name)}=".encode())
        if isinstance(column, Strings):
            pieces.add(coded((_escaped(str(text)) for text in column.values), column.codes))
        elif column.ndim == 1 and column.dtype.kind in "iu":
            pieces.add(decimal(column))
        else:
            texts = [_escaped(str(value)) for value in column.tolist()]
            pieces.add(Coded(texts, np.arange(rows)))
    return pieces.finish()


def _texts(found: Piece, rows: int) -> list[bytes]:
    if isinstance(found, bytes):
        return [found] * rows
    if isinstance(found, Coded):
        return [found.texts[code] for code in found.codes.tolist()]
    width = found.cells.shape[1]
    lengths = [width] * rows if found.lengths is None else found.lengths.tolist()
    cells = [bytes(cell) for cell in found.cells]
    return [cell[width - length :] for cell, length in zip(cells, lengths, strict=True)]
