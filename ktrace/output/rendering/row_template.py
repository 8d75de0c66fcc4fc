"""The layout of a record's line: texts that are the same in each row, and the values between them.

A sink describes the line of a batch from left to right. A few lines are then made by one `%` template for all
rows, many lines by `ktrace.output.rendering.lines`. Both make the same bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.output.rendering.digits import decimal
from ktrace.output.rendering.lines import HEAD_MIN
from ktrace.output.rendering.pieces import Coded, Piece

_FEW = 512  # combinations of texts that are joined even if there are few rows
_WIDEST = 1 << 20  # possible combinations; with more, those that occur are not counted


@dataclass(frozen=True, slots=True)
class Choices:
    """One of several texts in each row.

    Attributes:
        texts: the texts to choose from.
        codes: integer, shape (rows,): index into `texts`.
    """

    texts: Sequence[str]
    codes: NDArray[Any]


Part: TypeAlias = str | Choices | NDArray[Any] | list[str]
"""The same text in each row, one of several texts, a number for each row, or a text for each row."""


class Row:
    """A line that grows from left to right.

    Neighbouring choices with few combinations are joined into one dictionary: placing three joined texts in
    each row costs no more than placing one.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._parts: list[Part] = []
        self._choices: Choices | None = None
        self._literal = ""  # follows `_choices`

    def literal(self, text: str) -> None:
        """Append the same text to each row."""
        self._literal += text

    def numbers(self, column: NDArray[Any]) -> None:
        """Append integers in decimal, shape (rows,)."""
        if not len(column):
            return
        low, high = int(column.min()), int(column.max())
        if high - low < min(_FEW, self._rows):
            codes = (column - column.dtype.type(low)).astype(np.int32)
            self.choices(_Decimals(low, high - low + 1), codes)
        else:
            self._add(column)

    def choices(self, texts: Sequence[str], codes: NDArray[Any]) -> None:
        """Append one of several texts to each row."""
        if not self._rows:
            return
        texts, codes = _occurring(texts, codes)
        before = self._choices
        if before and len(before.texts) * len(texts) <= _WIDEST:
            width = len(texts)
            both = before.codes.astype(np.int64) * width + codes
            used = _used(both, len(before.texts) * width)
            if len(used) <= max(_FEW, self._rows // 8):
                pairs = [divmod(pair, width) for pair in used.tolist()]
                joined = [before.texts[a] + self._literal + texts[b] for a, b in pairs]
                self._choices = Choices(joined, _renumber(both, used, len(before.texts) * width))
                self._literal = ""
                return
        if before is None and self._literal:
            texts = [self._literal + text for text in texts]
            self._literal = ""
        self._flush()
        self._choices = Choices(texts, codes)

    def texts(self, column: list[str]) -> None:
        """Append a different text to each row."""
        self._add(column)

    def lines(self) -> Iterable[str]:
        """Return the line of each row."""
        template, columns = self._template()
        if not columns:
            return [template % ()] * self._rows
        return map(template.__mod__, zip(*columns, strict=True))

    def text(self) -> str:
        """Return all lines as one text."""
        template, columns = self._template()
        # Format all rows with one call: a call for each row would cost as much as the row's fields.
        return template * self._rows % tuple(chain.from_iterable(zip(*columns, strict=True)))

    def parts(self) -> list[Part]:
        """Return the parts of a line, from left to right."""
        self._flush()
        return self._parts

    @property
    def begins_with_text(self) -> bool:
        """Return whether the lines begin with as much text as `pieces` requires."""
        match self.parts()[:1]:
            case [str() as text]:
                return len(text) >= HEAD_MIN
            case [Choices(texts=texts)]:
                return min(map(len, texts)) >= HEAD_MIN
        return False

    def pieces(self) -> list[Piece]:
        """Return the parts of a line for `ktrace.output.rendering.lines`; see `begins_with_text`."""
        return [_piece(part) for part in self.parts()]

    def _add(self, part: Part) -> None:
        self._flush()
        self._parts.append(part)

    def _flush(self) -> None:
        if self._choices:
            if self._literal and len(self._choices.texts) <= self._rows:
                texts = [text + self._literal for text in self._choices.texts]
                self._choices = Choices(texts, self._choices.codes)
                self._literal = ""
            self._parts.append(self._choices)
            self._choices = None
        if self._literal:
            self._parts.append(self._literal)
            self._literal = ""

    def _template(self) -> tuple[str, list[Iterable[Any]]]:
        """Return a `%` template of a line, and a column of values for each of its conversions."""
        template = ""
        columns: list[Iterable[Any]] = []
        for part in self.parts():
            match part:
                case str():
                    template += part.replace("%", "%%")
                case Choices(texts=texts, codes=codes):
                    template += "%s"
                    columns.append([texts[code] for code in codes.tolist()])
                case list():
                    template += "%s"
                    columns.append(part)
                case _:
                    template += "%d"
                    columns.append(part.tolist())
        return template, columns


class _Decimals(Sequence[str]):
    """A range of numbers that are spelled only when asked for, since few of them may occur."""

    def __init__(self, low: int, count: int) -> None:
        self._range = range(low, low + count)

    def __len__(self) -> int:
        return len(self._range)

    def __getitem__(self, index: Any) -> Any:
        return str(self._range[index])


def _occurring(texts: Sequence[str], codes: NDArray[Any]) -> tuple[list[str], NDArray[Any]]:
    """Return the texts that occur, and the index into them for each row."""
    used = _used(codes, len(texts))
    if len(used) == len(texts):
        return list(texts), codes
    return [texts[i] for i in used.tolist()], _renumber(codes, used, len(texts))


def _used(codes: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Return the numbers below `count` that occur, in order."""
    if count <= len(codes):
        return np.bincount(codes, minlength=count).nonzero()[0]
    seen = np.zeros(count, np.bool_)
    seen[codes] = True
    return seen.nonzero()[0]


def _renumber(codes: NDArray[Any], used: NDArray[np.int64], count: int) -> NDArray[np.int32]:
    numbers = np.zeros(count, np.int32)
    numbers[used] = np.arange(len(used), dtype=np.int32)
    renumbered: NDArray[np.int32] = numbers.take(codes)
    return renumbered


def _piece(part: Part) -> Piece:
    match part:
        case str():
            return part.encode()
        case Choices(texts=texts, codes=codes):
            return Coded([text.encode() for text in texts], codes.astype(np.int64, copy=False))
        case list():
            return Coded([text.encode() for text in part], np.arange(len(part)))
    return decimal(part)
