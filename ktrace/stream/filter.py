"""The kernel's event filters over columns: one mask a batch.

The grammar is that of Documentation/trace/events.rst, "Event filtering":

    filter := and { '||' and } ;  and := not { '&&' not } ;  not := ['!'] ( '(' filter ')' | pred )
    pred   := FIELD OP VALUE ;    OP := == != < <= > >= & ~
    VALUE  := number | "text" | 'text' | CPUS{list}

Fields are an event's own, then CPU and COMM (of each case), `common_pid`, and what else is common. An
event that lacks a field has no hits, as in the kernel, where it does not take the filter at all.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ktrace.errors import UsageError
from ktrace.model.batch import Batch, Chunk, Column, Mark, Stack, Strings

Op = Literal["==", "!=", "<", "<=", ">", ">=", "&", "~"]
Value: TypeAlias = int | str | frozenset[int]
Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Pred:
    field: str
    at: int
    op: Op
    op_at: int
    value: Value


@dataclass(frozen=True, slots=True)
class _Join:
    """`op` is && or ||, or ! with one part."""

    op: str
    parts: "tuple[_Node, ...]"


_Node: TypeAlias = _Pred | _Join

_ALWAYS = {"CPU", "cpu", "common_cpu", "COMM", "comm", "common_pid"}


class Filter:
    """A filter, ready to be applied.

    Args:
        expression: in the kernel's grammar.

    Raises:
        UsageError: it is not understood; with the caret at the place.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self._tree = _Parser(expression).parse()
        self._last_kept: dict[int, bool] = {}

    def check(self, fields: Mapping[str, Iterable[str]]) -> None:
        """See that some event takes the filter.

        Args:
            fields: by event, the names of its fields.

        Raises:
            UsageError: none does; with the caret at a field that none of them has.
        """
        known = {event: set(names) | _ALWAYS for event, names in fields.items()}
        needed = _preds(self._tree)
        if not known or any(all(p.field in names for p in needed) for names in known.values()):
            return
        unknown = [p for p in needed if not any(p.field in names for names in known.values())]
        if not unknown:
            raise UsageError("no event has all fields of this filter", excerpt=self.expression)
        names = sorted({name for names in known.values() for name in names})
        raise _error(
            self.expression,
            unknown[0].at,
            f"no event has a field {unknown[0].field}",
            f"fields: {' '.join(names)}" if len(names) <= 40 else None,
        )

    def mask(self, batch: Batch) -> Mask:
        """Which records match: bool, shape (rows,).

        Raises:
            UsageError: a field does not take the operation.
        """
        if any(_column(batch, pred.field) is None for pred in _preds(self._tree)):
            return np.zeros(len(batch), np.bool_)
        return self._evaluate(self._tree, batch)

    def __call__(self, chunk: Chunk) -> Chunk:
        """What matches, with the stacks that belong to it; other marks stay."""
        masks = [self.mask(batch) for batch in chunk.batches]
        kept = [batch.take(mask) for batch, mask in zip(chunk.batches, masks, strict=True) if mask.any()]
        return Chunk(tuple(kept), self._marks(chunk, masks))

    def _marks(self, chunk: Chunk, masks: list[Mask]) -> tuple[Mark, ...]:
        """A stack belongs to the record of the same task before it."""
        if not any(isinstance(mark, Stack) for mark in chunk.marks):
            return chunk.marks
        seq = np.concatenate([np.zeros(0, np.int64), *(batch.seq for batch in chunk.batches)])
        pids = np.concatenate([np.zeros(0, np.int32), *(batch.pid for batch in chunk.batches)])
        good = np.concatenate([np.zeros(0, np.bool_), *masks])
        order = np.argsort(seq)
        rows = zip(seq[order].tolist(), pids[order].tolist(), good[order].tolist(), strict=True)
        row = next(rows, None)
        marks: list[Mark] = []
        for mark in chunk.marks:
            while row is not None and row[0] < mark.seq:
                self._last_kept[row[1]] = row[2]
                row = next(rows, None)
            if not isinstance(mark, Stack) or self._last_kept.get(mark.pid, False):
                marks.append(mark)
        while row is not None:
            self._last_kept[row[1]] = row[2]
            row = next(rows, None)
        return tuple(marks)

    def _evaluate(self, node: _Node, batch: Batch) -> Mask:
        if isinstance(node, _Pred):
            column = _column(batch, node.field)
            assert column is not None
            return self._compare(node, column)
        parts = [self._evaluate(part, batch) for part in node.parts]
        if node.op == "!":
            return ~parts[0]
        joined: Mask = np.logical_and.reduce(parts) if node.op == "&&" else np.logical_or.reduce(parts)
        return joined

    def _compare(self, pred: _Pred, column: Column) -> Mask:
        if isinstance(column, Strings):
            if not isinstance(pred.value, str):
                raise _error(self.expression, pred.at, f"{pred.field} is text", 'its value is quoted: "..."')
            return _compare_texts(pred, column)
        if column.ndim != 1 or (column.dtype == object and any(isinstance(v, list) for v in column)):
            raise _error(self.expression, pred.at, f"{pred.field} is an array: it cannot be compared")
        if isinstance(pred.value, str):
            raise _error(self.expression, pred.at, f"{pred.field} is a number", "its value has no quotes")
        if isinstance(pred.value, frozenset):
            return _compare_cpus(pred, column, pred.value)
        return _compare_numbers(pred.op, column, pred.value)


def _column(batch: Batch, name: str) -> Column | None:
    """A field of the batch: its own comes first, as in the kernel."""
    if name in batch.addresses:
        return batch.addresses[name]  # a number, though it is shown as a symbol
    if name in batch.columns:
        return batch.columns[name]
    if name in ("CPU", "cpu", "common_cpu"):
        return batch.cpu
    if name in ("COMM", "comm"):
        return batch.comm
    return batch.pid if name == "common_pid" else None


def _preds(node: _Node) -> list[_Pred]:
    return [node] if isinstance(node, _Pred) else [p for part in node.parts for p in _preds(part)]


def _compare_texts(pred: _Pred, column: Strings) -> Mask:
    assert isinstance(pred.value, str)
    # What the kernel could not read it compares as it shows it.
    texts = ["(fault)" if text is None else text for text in column.values]
    if pred.op == "~":
        negated = pred.value.startswith("!")
        pattern = _glob(pred.value.removeprefix("!"))
        good = [(pattern.fullmatch(text) is not None) != negated for text in texts]
    else:
        good = [(text == pred.value) == (pred.op == "==") for text in texts]
    mask: Mask = np.array(good, np.bool_)[column.codes]
    return mask


def _compare_numbers(op: Op, column: NDArray[Any], value: int) -> Mask:
    result: Mask
    if op == "&":
        if column.dtype == object:
            return np.array([bool(number & value) for number in column.tolist()], np.bool_)
        bits = column.astype(np.int64) if column.dtype.kind == "i" else column.astype(np.uint64)
        result = (bits.view(np.uint64) & np.uint64(value & (1 << 64) - 1)) != 0
        return result
    if column.dtype != object:
        info = np.iinfo(column.dtype)
        if not info.min <= value <= info.max:
            # Older NumPys compare such numbers as floating point.
            above = value > info.max
            always = op == "!=" or (op in ("<", "<=") if above else op in (">", ">="))
            return np.full(len(column), always, np.bool_)
    match op:
        case "==":
            result = column == value
        case "!=":
            result = column != value
        case "<":
            result = column < value
        case "<=":
            result = column <= value
        case ">":
            result = column > value
        case _:
            result = column >= value
    return result.astype(np.bool_)


def _compare_cpus(pred: _Pred, column: NDArray[Any], cpus: frozenset[int]) -> Mask:
    """A number as a set of one CPU: == is the same set, & has one in common."""
    inside: Mask = np.isin(column, sorted(cpus))
    if pred.op == "&":
        return inside
    same = inside if len(cpus) == 1 else np.zeros(len(column), np.bool_)
    return same if pred.op == "==" else ~same


def _glob(pattern: str) -> re.Pattern[str]:
    """The kernel's globs: `*`, `?`, `[a-z]`, `[!a-z]`, and a backslash before what is meant as it is."""
    out, at = "", 0
    while at < len(pattern):
        ch = pattern[at]
        at += 1
        end = pattern.find("]", at + (pattern[at : at + 1] == "!") + 1) if ch == "[" else -1
        if ch == "*":
            out += ".*"
        elif ch == "?":
            out += "."
        elif end > 0:
            out += _one_of(pattern[at:end])
            at = end + 1
        elif ch == "\\" and at < len(pattern):
            out += re.escape(pattern[at])
            at += 1
        else:
            out += re.escape(ch)
    return re.compile(out, re.DOTALL)


def _one_of(inner: str) -> str:
    """What is between brackets, as a regular expression."""
    negated, inner = inner.startswith("!"), inner.removeprefix("!")
    pieces = re.findall(r"(.)-(.)|(.)", inner, re.DOTALL)
    ranges = [
        f"{re.escape(a)}-{re.escape(b)}" if a else re.escape(one) for a, b, one in pieces if a <= b or one
    ]
    if not ranges:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{''.join(ranges)}]"


def _error(expression: str, at: int, message: str, hint: str | None = None) -> UsageError:
    return UsageError(message, excerpt=expression, caret=at, hint=hint)


_BLANK = re.compile(r"\s*")
_FIELD = re.compile(r"[A-Za-z_]\w*")
_OP = re.compile(r"==|!=|<=|>=|<|>|&(?!&)|~")
_QUOTED = re.compile(r"\"([^\"]*)\"|'([^']*)'")
_CPUS = re.compile(r"CPUS\{([^}]*)\}")
_CPU_RANGE = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?\Z")
_WORD = re.compile(r"[-+]?\w+")
_MOST_CPUS = 1 << 13
_DEEPEST = 100  # parentheses and ! within one another


class _Parser:
    """Recursive descent over the text of one filter."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._blank()

    def parse(self) -> _Node:
        node = self._or()
        if self._at < len(self._text):
            what = "a ) without its (" if self._text[self._at] == ")" else "&& or || should be here"
            raise self._error(what)
        return node

    def _or(self) -> _Node:
        parts = [self._and()]
        while self._take("||"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else _Join("||", tuple(parts))

    def _and(self) -> _Node:
        parts = [self._not()]
        while self._take("&&"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else _Join("&&", tuple(parts))

    def _not(self) -> _Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._error("nested too deeply")
        node = self._part()
        self._depth -= 1
        return node

    def _part(self) -> _Node:
        opened = self._at
        if self._take("!"):
            return _Join("!", (self._not(),))
        if self._take("("):
            node = self._or()
            if not self._take(")"):
                raise _error(self._text, opened, "this ( is not closed")
            return node
        return self._pred()

    def _pred(self) -> _Pred:
        at = self._at
        field = self._match(_FIELD)
        if not field:
            raise self._error("a field's name should be here")
        if self._text[self._at : self._at + 1] == ".":
            raise self._error(
                f"{field[0]}. is for the kernel's own filters: a recording has no pointers to follow"
            )
        op_at = self._at
        op = self._match(_OP)
        if not op:
            raise self._error("an operator should be here: == != < <= > >= & ~")
        value_at = self._at
        value = self._value()
        text_only, number_only = op[0] == "~", op[0] not in ("==", "!=", "~")
        if text_only and not isinstance(value, str):
            raise _error(self._text, value_at, "~ compares with a quoted pattern")
        if number_only and isinstance(value, str):
            raise _error(self._text, op_at, f"{op[0]} does not compare text", "== != ~ do")
        if isinstance(value, frozenset) and op[0] not in ("==", "!=", "&"):
            raise _error(self._text, op_at, f"{op[0]} does not compare sets of CPUs", "== != & do")
        return _Pred(field[0], at, cast(Op, op[0]), op_at, value)

    def _value(self) -> Value:
        at = self._at
        if self._text[at : at + 1] in ('"', "'"):
            quoted = self._match(_QUOTED)
            if not quoted:
                raise self._error("this quote is not closed")
            return str(quoted[1] if quoted[1] is not None else quoted[2])
        cpus = self._match(_CPUS)
        if cpus:
            return self._cpus(cpus[1], at)
        word = self._match(_WORD)
        if not word:
            raise self._error("a value should be here")
        number = _number(word[0])
        if number is None:
            raise _error(self._text, at, f"{word[0]} is not a number", "text is quoted")
        return number

    def _cpus(self, text: str, at: int) -> frozenset[int]:
        cpus: set[int] = set()
        for piece in text.split(","):
            one = _CPU_RANGE.match(piece)
            first, last = (int(one[1]), int(one[2] or one[1])) if one else (1, 0)
            if not first <= last < _MOST_CPUS:
                raise _error(self._text, at, "not a list of CPUs", "CPUS{0-3,5}")
            cpus.update(range(first, last + 1))
        return frozenset(cpus)

    def _take(self, token: str) -> bool:
        if not self._text.startswith(token, self._at):
            return False
        self._at += len(token)
        self._blank()
        return True

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        if match:
            self._at = match.end()
            self._blank()
        return match

    def _blank(self) -> None:
        blank = _BLANK.match(self._text, self._at)
        assert blank is not None
        self._at = blank.end()

    def _error(self, message: str) -> UsageError:
        return _error(self._text, self._at, message)


def _number(word: str) -> int | None:
    """As the kernel reads one: hexadecimal after 0x, octal after 0, else decimal."""
    digits = word.lstrip("+-")
    base = 16 if digits[:2].lower() == "0x" else 8 if digits[:1] == "0" and len(digits) > 1 else 10
    try:
        return int(word, base) if "_" not in word else None
    except ValueError:
        return None
