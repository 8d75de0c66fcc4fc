"""Apply the kernel's event filters to columns, one mask for each batch.

A name is looked up in the event's own fields first, then CPU and COMM (in either case), `common_pid` and the
other common fields. An event without one of the fields has no hits; the kernel refuses such a filter.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ktrace.errors import UsageError
from ktrace.model.batch import Batch
from ktrace.model.column import Column, Strings
from ktrace.model.meaning import Names
from ktrace.model.patterns.glob import join_glob
from ktrace.output.rendering.text_columns import text_column
from ktrace.stream.filter_grammar import Node, Op, Pred, parse_filter, problem

Mask: TypeAlias = NDArray[np.bool_]


_ALWAYS = {"CPU", "cpu", "common_cpu", "COMM", "comm", "common_pid"}


class Filter:
    """A parsed filter.

    Args:
        expression: in the kernel's grammar. A quoted value is compared with how a number reads.
        values: by field, how its values read.

    Raises:
        UsageError: the expression has a syntax error; the caret shows where.
    """

    def __init__(self, expression: str, values: Mapping[str, Names] | None = None) -> None:
        self.expression = expression
        self._values = values or {}
        self._tree = parse_filter(expression)

    def check(self, fields: Mapping[str, Iterable[str]]) -> None:
        """Check that at least one event takes the filter.

        Args:
            fields: the field names of each event, by event.

        Raises:
            UsageError: no event takes it; the caret shows a field that none of them has.
        """
        known = {event: set(names) | _ALWAYS for event, names in fields.items()}
        needed = _preds(self._tree)
        if not known or any(all(p.field in names for p in needed) for names in known.values()):
            return
        unknown = [p for p in needed if not any(p.field in names for names in known.values())]
        if not unknown:
            raise UsageError("no event has all fields of this filter", excerpt=self.expression)
        names = sorted({name for names in known.values() for name in names})
        raise problem(
            self.expression,
            unknown[0].at,
            f"no event has a field {unknown[0].field}",
            f"fields: {' '.join(names)}" if len(names) <= 40 else None,
        )

    def mask(self, batch: Batch) -> Mask:
        """Return which records match: bool, shape (rows,).

        Raises:
            UsageError: a field does not support the operation.
        """
        if any(_column(batch, pred.field) is None for pred in _preds(self._tree)):
            return np.zeros(len(batch), np.bool_)
        return self._evaluate(self._tree, batch)

    def _evaluate(self, node: Node, batch: Batch) -> Mask:
        if isinstance(node, Pred):
            column = _column(batch, node.field)
            shown = batch.columns.get(node.field)
            if isinstance(node.value, str) and isinstance(shown, Strings):
                column = shown  # a function's name, where its address would be compared with a number
            assert column is not None
            names = self._values.get(node.field)
            if isinstance(node.value, str) and names and not isinstance(column, Strings):
                column = text_column(column, names)
            return self._compare(node, column)
        parts = [self._evaluate(part, batch) for part in node.parts]
        if node.op == "!":
            return ~parts[0]
        joined: Mask = np.logical_and.reduce(parts) if node.op == "&&" else np.logical_or.reduce(parts)
        return joined

    def _compare(self, pred: Pred, column: Column) -> Mask:
        if isinstance(column, Strings):
            if not isinstance(pred.value, str):
                raise problem(self.expression, pred.at, f"{pred.field} is text", 'its value is quoted: "..."')
            return _compare_texts(pred, column)
        if column.ndim != 1 or (column.dtype == object and any(isinstance(v, list) for v in column)):
            raise problem(self.expression, pred.at, f"{pred.field} is an array: it cannot be compared")
        if isinstance(pred.value, str):
            raise problem(self.expression, pred.at, f"{pred.field} is a number", "its value has no quotes")
        if isinstance(pred.value, frozenset):
            return _compare_cpus(pred, column, pred.value)
        return _compare_numbers(pred.op, column, pred.value)


def _column(batch: Batch, name: str) -> Column | None:
    """Return a field of the batch: the event's own fields come first, as in the kernel."""
    if name in batch.addresses:
        return batch.addresses[name]  # a number, though it is shown as a symbol
    if name in batch.columns:
        return batch.columns[name]
    if name in ("CPU", "cpu", "common_cpu"):
        return batch.cpu
    if name in ("COMM", "comm"):
        return batch.comm
    return batch.pid if name == "common_pid" else None


def _preds(node: Node) -> list[Pred]:
    return [node] if isinstance(node, Pred) else [p for part in node.parts for p in _preds(part)]


def _compare_texts(pred: Pred, column: Strings) -> Mask:
    assert isinstance(pred.value, str)
    # Text that the kernel could not read is compared as it is shown.
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
            # Older NumPy versions compare such numbers as floating point.
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


def _compare_cpus(pred: Pred, column: NDArray[Any], cpus: frozenset[int]) -> Mask:
    """Compare a number as a set of one CPU: == means the same set, & means a common CPU."""
    inside: Mask = np.isin(column, sorted(cpus))
    if pred.op == "&":
        return inside
    same = inside if len(cpus) == 1 else np.zeros(len(column), np.bool_)
    return same if pred.op == "==" else ~same


def _glob(pattern: str) -> re.Pattern[str]:
    """Convert one of the kernel's globs: `*`, `?`, `[a-z]`, `[!a-z]`, and a backslash to escape."""
    pieces: list[str | None] = []
    at = 0
    while at < len(pattern):
        ch = pattern[at]
        at += 1
        end = pattern.find("]", at + (pattern[at : at + 1] == "!") + 1) if ch == "[" else -1
        if ch == "*":
            pieces.append(None)
        elif ch == "?":
            pieces.append(".")
        elif end > 0:
            pieces.append(_one_of(pattern[at:end]))
            at = end + 1
        elif ch == "\\" and at < len(pattern):
            pieces.append(re.escape(pattern[at]))
            at += 1
        else:
            pieces.append(re.escape(ch))
    return re.compile(join_glob(pieces, "."), re.DOTALL)


def _one_of(inner: str) -> str:
    """Convert the text between brackets to a regular expression."""
    negated, inner = inner.startswith("!"), inner.removeprefix("!")
    pieces = re.findall(r"(.)-(.)|(.)", inner, re.DOTALL)
    ranges = [
        f"{re.escape(a)}-{re.escape(b)}" if a else re.escape(one) for a, b, one in pieces if a <= b or one
    ]
    if not ranges:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{''.join(ranges)}]"
