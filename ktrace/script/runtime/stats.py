"""Aggregates: `<<<` adds values, and `@count`, `@sum`, `@hist_log` and others read them."""

from collections.abc import Iterable, Iterator, Sequence

from ktrace.records import dataclass
from ktrace.script.language.arithmetic import div, wrap
from ktrace.script.language.faults import Fault

_BAR = 50  # columns
_BUCKETS = 128
_ZERO = 64  # the bucket of 0; those of negative values are before it


@dataclass(frozen=True, slots=True)
class Shape:
    """The data that a global aggregate keeps in addition to count, sum, minimum and maximum.

    Attributes:
        log: whether it keeps a histogram of powers of two.
        linear: low, high and width of each linear histogram.
        variance: the shift of each variance.
    """

    log: bool = False
    linear: tuple[tuple[int, ...], ...] = ()
    variance: tuple[int, ...] = ()

    @classmethod
    def of(cls, asked: Iterable[tuple[str, tuple[int, ...]]]) -> "Shape":
        """Return the shape for the operators that a script uses on an aggregate."""
        asked = sorted(asked)
        linear = tuple(params for op, params in asked if op == "hist_linear")
        shifts = tuple(params[0] if params else 0 for op, params in asked if op == "variance")
        return cls(any(op == "hist_log" for op, _ in asked), linear, shifts)

    @property
    def plain(self) -> bool:
        """Return whether there is nothing more to keep."""
        return not (self.log or self.linear or self.variance)


class Stat:
    """One aggregate, with values added by `add`."""

    __slots__ = ("count", "high", "lines", "log", "low", "plain", "shape", "spread", "total")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.plain = shape.plain
        self.clear()

    def clear(self) -> None:
        """Forget all values."""
        self.count = self.total = self.low = self.high = 0
        self.log = [0] * _BUCKETS if self.shape.log else []
        self.lines = [[0] * ((high - low) // width + 3) for low, high, width in self.shape.linear]
        self.spread = [[0, 0] for _ in self.shape.variance]  # mean and squares, shifted

    def add(self, value: int) -> None:
        """Add a value."""
        if self.count:
            if value < self.low:
                self.low = value
            elif value > self.high:
                self.high = value
        else:
            self.low = self.high = value
        self.count += 1
        self.total += value
        if not self.plain:
            self._add_more(value)

    def _add_more(self, value: int) -> None:
        if self.log:
            self.log[bucket_of(value)] += 1
        for (low, _, width), line in zip(self.shape.linear, self.lines, strict=True):
            at = 0 if value < low else (value - low) // width + 1
            line[min(at, len(line) - 1)] += 1
        for shift, pair in zip(self.shape.variance, self.spread, strict=True):
            # Welford's running mean, in integers.
            delta = (value << shift) - pair[0]
            step = abs(delta) // self.count
            pair[0] += step if delta >= 0 else -step
            pair[1] += delta * ((value << shift) - pair[0])

    def value(self, op: str, params: tuple[int, ...] = ()) -> int:
        """Return the value of `@op(...)`. Raises Fault if an empty aggregate does not have it."""
        if op == "count":
            return self.count
        if op == "sum":
            return wrap(self.total)
        if not self.count:
            raise Fault("empty aggregate")
        if op == "min":
            return self.low
        if op == "max":
            return self.high
        if op == "variance":
            return self._variance(params[0] if params else 0)
        total = wrap(self.total)
        return total // self.count if total >= 0 else -(-total // self.count)

    def _variance(self, shift: int) -> int:
        """Return the variance as SystemTap computes it, corrected for the rounding of the running mean."""
        if self.count < 2:
            return 0
        mean, squares = self.spread[self.shape.variance.index(shift)]
        off = mean - div(wrap(self.total) << shift, self.count, "")
        sum_of_squares = self.count * off * off + (self.count - 1) * div(squares, self.count - 1, "")
        return div(sum_of_squares, self.count - 1, "") >> (2 * shift)

    def buckets(self, op: str, params: tuple[int, ...] = ()) -> list[int]:
        """Return the counts of a histogram."""
        return self.log if op == "hist_log" else self.lines[self.shape.linear.index(params)]

    def bucket(self, op: str, params: tuple[int, ...], number: int) -> int:
        """Return the count of one bucket, as in `@hist_log(x)[number]`.

        In a log histogram, bucket 64 is that of 0. In a linear one, bucket 0 counts the values below its
        range. Raises Fault if there is no such bucket.
        """
        counts = self.buckets(op, params)
        if not 0 <= number < len(counts):
            raise Fault("histogram index out of range")
        return counts[number]

    def pairs(self, op: str, params: tuple[int, ...] = ()) -> Iterator[tuple[int, int]]:
        """Yield the number and the count of each bucket."""
        yield from enumerate(self.buckets(op, params))

    def draw(self, op: str, params: tuple[int, ...], elision: int) -> str:
        """Draw the histogram in the exact layout of SystemTap, which programs may parse."""
        if not self.count:
            raise Fault("empty aggregate")
        return draw(self.buckets(op, params), params if op == "hist_linear" else None, elision)


def bucket_of(value: int) -> int:
    """Return the log bucket: 64 for 0, one above for each power of two, one below for each negative one."""
    if value >= 0:
        return min(_ZERO + value.bit_length(), _BUCKETS - 1)
    return max(_ZERO - (-value).bit_length(), 0)


def first_of(bucket: int) -> int:
    """Return the value in a log bucket that is nearest to zero."""
    if bucket == _ZERO:
        return 0
    return -(1 << (_ZERO - bucket - 1)) if bucket < _ZERO else 1 << (bucket - _ZERO - 1)


def draw(counts: Sequence[int], linear: tuple[int, ...] | None, elision: int) -> str:
    """Draw a table with value, bar and count in each row; `~` marks omitted empty rows."""
    used = [i for i, n in enumerate(counts) if n]
    first, last = used[0], used[-1]
    top = max(counts)
    under = over = 0
    if linear is None:
        # Two empty rows on either side, but no negative rows unless there are negative values.
        first = max(first - 2, _ZERO if first >= _ZERO else 0)
        last = min(last + 2, _BUCKETS - 1)
    else:
        first = first if first == 0 else max(first - 2, 1)
        last = last if last == len(counts) - 1 else min(last + 2, len(counts) - 2)
        under, over = int(counts[0] > 0), int(counts[-1] > 0)
    scale = max(-(-top // _BAR), 1)
    count_width = len(str(top))
    labels = [_label(i, len(counts), linear) for i in range(first, last + 1)]
    if linear is None:
        width = max(len(labels[0]), len(labels[-1]), 5)
    else:
        low, _, step = linear
        width = max(len(str(low)) + under, len(str(low + step * last)) + over, 5)
    lines = [f"{'value':>{width}} |{'-' * _BAR} count"]
    skipped = False
    for label, i in zip(labels, range(first, last + 1), strict=True):
        near = counts[max(i - elision, first) : min(i + elision, last) + 1]
        if elision >= 0 and not any(near):
            skipped = True
            continue
        if skipped:
            lines.append(" " * width + " ~")
            skipped = False
        bar = counts[i] // scale
        lines.append(f"{label:>{width}} |{'@' * bar}{counts[i]:>{_BAR - bar + 1 + count_width}}")
    return "\n".join(lines) + "\n\n"


def _label(i: int, count: int, linear: tuple[int, ...] | None) -> str:
    if linear is None:
        return str(first_of(i))
    low, _, width = linear
    if i == 0:
        return f"<{low}"
    if i == count - 1:
        return f">{low + (i - 2) * width}"
    return str(low + (i - 1) * width)
