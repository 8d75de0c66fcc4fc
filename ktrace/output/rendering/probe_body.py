"""The body of a probe's records: ` (place) name=value ...`, spelled as in the kernel's text."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from ktrace.diagnostic import visible
from ktrace.model.batch import Batch
from ktrace.model.column import Column, Strings
from ktrace.model.fetch_types import PrintAs
from ktrace.model.lookups import Lookups
from ktrace.model.meaning import Meaning, Names
from ktrace.output.rendering.digits import decimal, hexadecimal
from ktrace.output.rendering.distinct_values import distinct, looks_repetitive
from ktrace.output.rendering.pieces import Coded, Piece, Pieces, coded


def probe_pieces(batch: Batch, names: Mapping[str, Names], lookups: Lookups) -> list[Piece]:
    """Return the body of each record, with a leading blank.

    Args:
        batch: records of a probe, or of an event whose layout is not known.
        names: by argument, what to print instead of numbers.
        lookups: the symbols of addresses.
    """
    pieces = Pieces()
    if batch.place is not None:
        pieces.extend((b" (", strings(batch.place), b")"))
    elif batch.func is not None and batch.ret_ip is not None:
        pieces.extend((b" (", strings(batch.ret_ip), b" <- ", strings(batch.func), b")"))
    kinds = {arg.name: arg.print_as for arg in batch.signature.args} if batch.signature else {}
    for name, column in batch.columns.items():
        pieces.add(f" {visible(name)}=".encode())
        pieces.extend(_values(column, kinds.get(name), names.get(name, {}), lookups))
    return pieces.finish()


def strings(column: Strings) -> Coded:
    """Return texts made safe for a terminal."""
    return _each(column, lambda text: "(fault)" if text is None else visible(text))


def _each(column: Strings, spell: Callable[[str | None], str]) -> Coded:
    """Spell each text that occurs once; the dictionary may hold many that do not occur."""
    used, codes = distinct(column.codes)
    return Coded([spell(column.values[i]).encode() for i in used.tolist()], codes)


def _values(column: Column, kind: PrintAs | None, names: Names, lookups: Lookups) -> Iterable[Piece]:
    def spell(value: object) -> str:
        return _spelled(value, kind, names, lookups)

    if isinstance(column, Strings):
        return (_each(column, spell),)
    if column.ndim == 1 and column.dtype.kind in "iu":
        is_hex = kind == "hex" and column.dtype.kind == "u"
        if not names and (is_hex or kind in ("dec", None)) and not looks_repetitive(column):
            return (b"0x", hexadecimal(column)) if is_hex else (decimal(column),)
        values, codes = distinct(column)
        return (coded([spell(value).encode() for value in values.tolist()], codes),)
    index: dict[str, int] = {}
    found = [index.setdefault(spell(value), len(index)) for value in column.tolist()]
    return (coded([text.encode() for text in index], np.array(found, np.int64)),)


def _spelled(value: object, kind: PrintAs | None, names: Names, lookups: Lookups) -> str:
    if value is None:
        return "(fault)"
    if isinstance(names, Meaning) and names.takes_all:
        text = names.get(value)
        return visible(text) if text is not None else _spelled(value, kind, {}, lookups)
    if isinstance(value, list | tuple):
        return "{" + ",".join(_spelled(item, kind, names, lookups) for item in value) + "}"
    if isinstance(value, int):
        name = names.get(value)
        return visible(name) if name is not None else _OF_INT[kind or "dec"](value, lookups)
    return _OF_TEXT[kind or "str"](visible(str(value)))


def _symbol(value: int, lookups: Lookups) -> str:
    address = value & 0xFFFFFFFFFFFFFFFF
    return visible(lookups.symbol(address, True) or f"0x{address:x}")


def _char(value: int) -> str:
    return "'" + visible(bytes([value & 0xFF]).decode("utf-8", "surrogateescape")) + "'"


_OF_INT: dict[str, Callable[[int, Lookups], str]] = {
    "dec": lambda value, _: str(value),
    "str": lambda value, _: str(value),
    "hex": lambda value, _: f"0x{value:x}",
    "char": lambda value, _: _char(value),
    "sym": _symbol,
}
_OF_TEXT: dict[str, Callable[[str], str]] = {
    "dec": str,
    "hex": str,
    "sym": str,
    "str": lambda text: f'"{text}"',
    "char": lambda text: f"'{text}'",
}
