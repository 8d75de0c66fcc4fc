"""Parse the arguments of one event's records from left to right, all rows at once."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

import numpy as np

from ktrace.model.column import Column, Strings
from ktrace.tracefs.text_grammar import ARROW, decode
from ktrace.tracefs.text_shape import FAULT, SYMBOL, Shape
from ktrace.tracefs.text_words import U64, Bools, Ints, Words

_PLACES_MAX = 8  # this many are searched for one by one, then the others are cut out
_SIGN = np.uint64(2**63)

_BLANK, _QUOTE, _TICK, _CLOSE, _MINUS = map(ord, " \"')-")
_SYMBOL = re.compile(decode(SYMBOL))


@dataclass(frozen=True, slots=True)
class Number:
    """A column of integers as spelled.

    Attributes:
        value: uint64, shape (rows,): without the sign.
        negative: bool, shape (rows,); None if no row has a sign.
        is_hex: whether the spelling makes them unsigned.
    """

    value: U64
    negative: Bools | None
    is_hex: bool

    def take(self, rows: Ints) -> "Number":
        """Return some of the rows."""
        return Number(self.value[rows], None if self.negative is None else self.negative[rows], self.is_hex)


Part: TypeAlias = Number | Strings


class Cursor:
    """One offset for each row that moves over the place and the arguments.

    Rows with unexpected text are dropped; all columns have one entry for each remaining row.

    Args:
        words: the buffer.
        at: offset of the parenthesis that opens the place.
        ends: offset of the newline.

    Attributes:
        rows: which of the given rows remain.
        places: the text in the parentheses.
        columns: one for each token of the shape.
    """

    def __init__(self, words: Words, at: Ints, ends: Ints) -> None:
        self.rows: Ints = np.arange(len(at))
        self.places = Strings(np.zeros(0, np.int32), ())
        self.columns: list[Part] = []
        self._words, self._at, self._ends = words, at, ends

    def read(self, shape: Shape) -> bool:
        """Parse all rows; return whether any has this shape."""
        if any(arg.length is not None and arg.print_as not in ("dec", "hex") for arg in shape.signature.args):
            return False  # arrays of text are rare: not worth their own code
        self._read_places(shape)
        for token in shape.tokens:
            if not len(self.rows):
                return False
            prefix = token.literal + (b"0x" if token.kind == "hex" else b"")
            self._keep(self._words.matches(self._at, prefix))
            self._at = self._at + len(prefix)
            match token.kind:
                case "dec":
                    self._read_decimal()
                case "hex":
                    value, after, ok = self._words.hexadecimal(self._at)
                    self._add(Number(value, None, True), after, ok)
                case "str":
                    self._read_string()
                case "sym":
                    self._read_symbol()
                case "char":
                    self._read_char()
        if shape.tail:
            self._keep(self._words.matches(self._at, shape.tail))
            self._at = self._at + len(shape.tail)
        self._keep(self._at == self._ends)
        return len(self.rows) > 0

    def _keep(self, ok: Bools) -> None:
        if ok.all():
            return
        rows = np.flatnonzero(ok)
        self.rows, self._at, self._ends = self.rows[rows], self._at[rows], self._ends[rows]
        self.places = self.places.take(rows)
        self.columns = [column.take(rows) for column in self.columns]

    def _add(self, column: Part, after: Ints, ok: Bools) -> None:
        self.columns.append(column)
        self._at = after
        self._keep(ok)

    def _read_places(self, shape: Shape) -> None:
        """Parse the places. Few are distinct, so searching for each in all rows is cheaper than slicing."""
        words, at = self._words, self._at
        codes = np.full(len(at), -1, np.int32)
        after = at.copy()
        values: list[str] = []
        left = self.rows
        pattern = re.compile(decode(shape.place.pattern), re.ASCII)  # patterns for bytes are ASCII too
        for _ in range(_PLACES_MAX):
            if not len(left):
                break
            place = shape.place.match(words.data, int(at[left[0]]), int(self._ends[left[0]]))
            if place is None:
                left = left[1:]
                continue
            same = words.matches(at[left], place[0])
            codes[left[same]] = len(values)
            after[left[same]] += len(place[0])
            values.append(decode(place[1]))
            left = left[~same]
        if len(left):
            close = words.next(_CLOSE, at[left])
            inside = close < self._ends[left]
            left, close = left[inside], close[inside]
            others = words.strings(at[left], close + 1)
            known = [text or "" for text in others.values]
            codes[left] = others.codes + len(values)
            after[left] = close + 1
            values += [text[1:-1] if pattern.fullmatch(text) else "" for text in known]
        good = [bool(v) and (_ARROW in v) == shape.signature.is_return for v in values]
        ok = np.array([*good, False])[codes]  # the last one is for -1
        self.places = Strings(codes, tuple(values))
        self._at = after
        self._keep(ok)

    def _read_decimal(self) -> None:
        negative = self._words.byte_is(self._at, _MINUS)
        if not negative.any():
            value, after, ok = self._words.decimal(self._at)
            self._add(Number(value, None, False), after, ok)
            return
        value, after, ok = self._words.decimal(self._at + negative)
        self._add(Number(value, negative, False), after, ok & (~negative | (value <= _SIGN)))

    def _read_string(self) -> None:
        words = self._words
        quoted = words.byte_is(self._at, _QUOTE)
        if not quoted.all():
            self._keep(quoted | words.matches(self._at, FAULT))
            quoted = words.byte_is(self._at, _QUOTE)
        start = self._at + 1
        close = words.next(_QUOTE, start)
        ok = ~quoted | (close < self._ends)
        if not ok.all():
            self._keep(ok)
            quoted, start, close = quoted[ok], start[ok], close[ok]
        if quoted.all():
            self.columns.append(words.strings(start, close))
            self._at = close + 1
            return
        texts = words.strings(start, np.where(quoted, close, start))
        codes = np.where(quoted, texts.codes, np.int32(len(texts.values)))
        self.columns.append(Strings(codes, (*texts.values, None)))
        self._at = np.where(quoted, close + 1, self._at + len(FAULT))

    def _read_symbol(self) -> None:
        words = self._words
        end = np.minimum(words.next(_BLANK, self._at), self._ends)
        module = words.matches(end, b" [")
        if module.any():
            end = np.where(module, words.next(ord("]"), end) + 1, end)
        ok = end <= self._ends
        texts = words.strings(self._at, np.where(ok, end, self._at))
        good = np.array([_SYMBOL.fullmatch(text or "") is not None for text in texts.values], np.bool_)
        self._add(texts, end, ok & good[texts.codes])

    def _read_char(self) -> None:
        ok = self._words.byte_is(self._at, _TICK) & self._words.byte_is(self._at + 2, _TICK)
        values, codes = np.unique(self._words.octets[self._at + 1], return_inverse=True)
        texts = tuple(decode(bytes([value])) for value in values.tolist())
        self._add(Strings(codes.astype(np.int32), texts), self._at + 3, ok)


_ARROW = decode(ARROW)


def column_of(parts: Iterator[Part], length: int | None) -> Column:
    """Return the column of one argument: the next part, or the next `length` of an array."""
    if length is None:
        part = next(parts)
        if isinstance(part, Strings):
            return part
        return _integers(part.value, part.negative, part.is_hex)
    numbers = [part for part in islice(parts, length) if isinstance(part, Number)]
    value = np.stack([number.value for number in numbers], axis=1)
    signs = [number.negative for number in numbers]
    if all(sign is None for sign in signs):
        return _integers(value, None, numbers[0].is_hex)
    none = np.zeros(len(value), np.bool_)
    negative = np.stack([none if sign is None else sign for sign in signs], axis=1)
    return _integers(value, negative, numbers[0].is_hex)


def _integers(value: U64, negative: Bools | None, is_hex: bool) -> Column:
    if is_hex:
        return value
    wide = value >= _SIGN
    if negative is None or not negative.any():
        return value if wide.any() else value.astype(np.int64)
    signed = value.astype(np.int64)
    signed = np.where(negative, -signed, signed)
    if not (wide & ~negative).any():
        return signed
    exact = signed.astype(object)
    exact[~negative] = value[~negative]
    return exact
