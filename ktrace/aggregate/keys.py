"""Turn words such as `comm`, or fields, into keys of a histogram, and the keys' values into what is shown.

The kernel counts by at most three keys, prints all numbers as unsigned, and groups by powers of two or by
steps from zero. Signed values and other steps are composed of these.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from math import gcd

from ktrace.aggregate.frames import without_own
from ktrace.aggregate.hist import Hist, Term, both
from ktrace.errors import NotFound, UsageError
from ktrace.model.format import Field, Format
from ktrace.model.tally import Key, Range, Rekey, Symbol, Syscall, Tally, Task, merge
from ktrace.records import dataclass

STACK = "stack"
KNOWN = ("comm", "pid", "cpu", STACK)
"""Words that are accepted in addition to an event's fields."""

ANY = Term("common_type")
"""A key that is the same for every hit of an event."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the key that a count is grouped by.

    Attributes:
        name: the heading of its column.
        term: the kernel's key.
        show: turns the kernel's value into the value to show.
    """

    name: str
    term: Term
    show: Callable[[Key], Key]


@dataclass(frozen=True, slots=True)
class Linear:
    """Steps of `step` from `low` up to, but not including, `high`.

    Values below and above are counted in two further ranges.
    """

    low: int
    high: int
    step: int

    @classmethod
    def parse(cls, text: str, number: Callable[[str], int] = int) -> "Linear":
        """Read `MIN:MAX:STEP`, each a number as `number` reads it. Raises UsageError."""
        words = text.split(":")
        try:
            low, high, step = map(number, words)
        except ValueError:
            raise UsageError(f"'{text}' is not MIN:MAX:STEP", hint="--linear 0:4096:512") from None
        if step <= 0 or high <= low:
            raise UsageError(f"'{text}' has no steps", hint="--linear 0:4096:512")
        return cls(low, high, step)

    def place(self, value: int) -> Range:
        """Return the range that contains a value."""
        if value < self.low:
            return Range(None, self.low - 1)
        if value >= self.high:
            return Range(self.high, None)
        start = value - (value - self.low) % self.step
        return Range(start, min(start + self.step, self.high) - 1)


@dataclass(frozen=True, slots=True)
class Counter:
    """One hist trigger on one event, and how to show its rows.

    Attributes:
        rekey: turns the kernel's key of a row into the key to show.
        summed: the names of the sums.
        signed_sums: whether the sums are signed; the kernel prints them as unsigned.
        functions: show only rows whose key begins with one of these functions; None for all.
    """

    event: str
    hist: Hist
    rekey: Rekey
    summed: tuple[str, ...] = ()
    signed_sums: bool = False
    functions: frozenset[str] | None = None

    def show(self, names: tuple[str, ...], tally: Tally) -> Tally:
        """Return the kernel's counts as they are shown."""
        if self.functions is not None:
            functions = self.functions
            rows_meant = (row for row in tally.rows if _function_of(row.key[0]) in functions)
            tally = replace(tally, rows=tuple(rows_meant))
        if self.signed_sums:
            rows = (replace(row, sums=tuple(map(signed, row.sums))) for row in tally.rows)
            tally = replace(tally, rows=tuple(rows))
        return merge(names, [replace(tally, summed=self.summed)], self.rekey)


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of an event that can be counted by.

    Attributes:
        form: the event's format.
        comm: the string field with the task's name. None if the event has none: then the kernel's own name
            for a thread is used, which is the one it had when it was first counted.
        stack: the kernel's word for the stack as a key.
    """

    form: Format
    comm: str | None = None
    stack: str = "common_stacktrace"

    def part(self, word: str) -> Part:
        """Return the key for `--by WORD`. Raise NotFound if the event has no such field."""
        if word == "comm":
            if self.comm:
                return Part("comm", Term(self.comm), _same)
            return Part("comm", Term("common_pid", "execname"), _name_of)
        if word == "pid":
            return Part("pid", Term("common_pid"), _same)
        if word == "cpu":
            return Part("cpu", Term("common_cpu"), _same)
        if word == STACK:
            return Part(STACK, Term(self.stack), _from_the_place)
        term = Term.parse(word)
        field = self.find(term.field)
        if not term.modifier and field.name in self.symbols:
            term = Term(field.name, "sym")
        return Part(word, term, _signed if field.signed and not term.modifier else _name_of)

    def find(self, name: str) -> Field:
        """Return the field of that name, or raise NotFound."""
        field = next((f for f in self.form.fields if f.name == name), None)
        if field is None:
            from ktrace.model.near import close_to  # noqa: PLC0415 -- only to explain a failure

            names = [f.name for f in self.form.args]
            near = close_to(name, [*names, *KNOWN])
            meant = f"did you mean {' or '.join(near)}?\n" if near else ""
            raise NotFound(
                f"{self.form.system}/{self.form.name} has no field '{name}'",
                hint=f"{meant}fields: {' '.join(names) or 'none'}; also {' '.join(KNOWN)}",
            )
        return field

    def is_number(self, word: str) -> bool:
        """Return whether its values can be grouped in ranges. Raise NotFound if there is no such field."""
        if word in KNOWN:
            return False
        term = Term.parse(word)
        field = self.find(term.field)
        return not (is_text(field) or term.modifier or field.name in self.symbols)

    def distribution(self, word: str, linear: Linear | None) -> "list[tuple[Part, str | None]]":
        """Return the ways to count a field's values, each with the filter for the values that it counts."""
        if not self.is_number(word):
            if linear:
                raise UsageError(f"{word} is not a number: --linear does not apply")
            return [(self.part(word), None)]
        field = self.find(word)
        name = field.name
        plain = Term(name)
        if linear is None:
            ways: list[tuple[Part, str | None]] = [
                (Part(name, Term(name, "log2"), _same), f"{name} >= 0" if field.signed else None)
            ]
            if field.signed:
                ways.append((Part(name, plain, _signed_alone), f"{name} < 0"))
            return ways
        return _linear_ways(name, linear, signed=field.signed)

    @property
    def symbols(self) -> set[str]:
        """Return the fields that hold a kernel address, and are shown as the function at that address."""
        return {arg.name for arg in self.form.signature().args if arg.print_as == "sym"}


def counter(
    event: str, parts: Sequence[Part], hist: Hist, *, label: str | None = None, hidden: Term | None = None
) -> Counter:
    """Return a counter of an event's hits by these parts.

    Args:
        hist: the trigger without its keys.
        label: a first part of the shown key that is the same in every row; None for none.
        hidden: a key to count by, but not to show, if there are no parts.
    """
    terms = tuple(part.term for part in parts) or ((hidden,) if hidden else ())
    shows = tuple(part.show for part in parts)

    def rekey(key: tuple[Key, ...]) -> tuple[Key, ...]:
        shown = tuple(show(part) for show, part in zip(shows, key, strict=False))
        return shown if label is None else (label, *shown)

    return Counter(event, replace(hist, keys=terms).checked(), rekey)


def is_text(field: Field) -> bool:
    """Return whether a field holds text."""
    return field.shape in ("data_loc", "rel_loc") or (field.shape == "array" and "char" in field.ctype)


def signed(value: int) -> int:
    """Return the signed value of 64 bits that the kernel printed as unsigned."""
    return value - (1 << 64) if value >> 63 else value


def _linear_ways(name: str, linear: Linear, *, signed: bool) -> "list[tuple[Part, str | None]]":
    low, high = linear.low, linear.high
    ways: list[tuple[Part, str | None]] = []
    if high > 0:
        # The kernel's steps begin at 0: use steps that fit both its grid and the requested one.
        within = gcd(linear.step, abs(low)) if low else linear.step
        start = f"{name} >= {max(low, 0)}" if signed or low > 0 else None
        inside = Part(name, Term(name, "buckets", within), partial(_stepped, linear))
        ways.append((inside, both(start, f"{name} < {high}")))
    if signed and low < 0:
        # The kernel divides values as unsigned, so count each negative value separately.
        negative = Part(name, Term(name), partial(_stepped_signed, linear))
        ways.append((negative, both(f"{name} >= {low}", f"{name} < {min(high, 0)}")))
    if signed or low > 0:
        ways.append((Part(name, ANY, partial(_outside, Range(None, low - 1))), f"{name} < {low}"))
    start_above = high if signed else max(high, 0)  # an unsigned field is not compared with negative numbers
    ways.append((Part(name, ANY, partial(_outside, Range(high, None))), f"{name} >= {start_above}"))
    return ways


def _function_of(key: Key) -> str:
    """Return the function's name without its module's, which the kernel puts after it."""
    return key.name.partition(" ")[0] if isinstance(key, Symbol) else str(key)


def _same(key: Key) -> Key:
    return key


def _from_the_place(key: Key) -> Key:
    return without_own(key) if isinstance(key, tuple) else key


def _name_of(key: Key) -> Key:
    match key:
        case Task(_, comm):
            return comm
        case Symbol(_, name) | Syscall(_, name):
            return name
        case _:
            return key


def _signed(key: Key) -> Key:
    return signed(key) if isinstance(key, int) else key


def _signed_alone(key: Key) -> Key:
    assert isinstance(key, int)
    return Range(signed(key), signed(key))


def _outside(shown: Range, _key: Key) -> Key:
    return shown


def _stepped(linear: Linear, key: Key) -> Key:
    assert isinstance(key, Range) and key.low is not None
    return linear.place(key.low)


def _stepped_signed(linear: Linear, key: Key) -> Key:
    assert isinstance(key, int)
    return linear.place(signed(key))
