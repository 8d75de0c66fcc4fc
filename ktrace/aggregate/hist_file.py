"""Parse the file `hist`, which has the counts of an event's hist triggers.

The file is meant for people, not for programs. The trigger above the rows gives the form of each key. Strings
are not escaped, so the end of a string is known only by its padding and by the text that follows it.
"""

import re
from dataclasses import replace

from ktrace.aggregate.hist import ALIASES, HITCOUNT, Term
from ktrace.errors import Damaged
from ktrace.model.tally import Key, Range, Row, Stack, Symbol, Syscall, Tally, Task
from ktrace.records import dataclass

_HEAD = re.compile(
    r"^# event histogram\n#\n# trigger info: (?P<info>.*?) \[(?P<state>active|paused)\]\n#\n", re.M
)
_TOTALS = re.compile(
    r"\nTotals:\n    Hits: (?P<hits>\d{1,20})\n    Entries: (?P<entries>\d{1,20})\n"
    r"    Dropped: (?P<dropped>\d{1,20})\n"
    r"(?:    Duplicates: \d+\n)?"
)
_STRING_WIDTH = 50
_EXEC_WIDTH = 16
_OTHERS = {name: [alias for alias, is_for in ALIASES.items() if is_for == name] for name in ALIASES.values()}
_EXTRA = re.compile(r"(?:\t.*\n)+")  # printed for onmax, onchange and save


@dataclass(frozen=True, slots=True)
class HistTable:
    """One histogram of the file.

    Attributes:
        info: the trigger, as the kernel prints it.
        paused: whether the trigger is paused.
        tally: the rows. Sums and keys are unsigned, as the kernel prints them.
        hits: the total number of hits.
    """

    info: str
    paused: bool
    tally: Tally
    hits: int


def parse_hist(text: str, source: str = "hist") -> list[HistTable]:
    """Return all histograms of a file, in the order of the file.

    Raises:
        Damaged: the text is not in the format of a `hist` file; the error gives the offset.
    """
    tables = []
    at = 0
    while head := _HEAD.search(text, at):
        keys, values = terms_of(head["info"])
        reader = _Rows(text, head.end(), keys, values, source)
        rows = reader.read()
        totals = _TOTALS.match(text, reader.at)
        if totals is None:
            raise _damaged(source, text, reader.at)
        dropped = int(totals["dropped"])
        tally = Tally(
            tuple(k.field for k in keys),
            tuple(rows),
            tuple(v.field for v in values if not _is_count(v)),
            dropped,
        )
        tables.append(HistTable(head["info"], head["state"] == "paused", tally, int(totals["hits"])))
        at = totals.end()
    if not tables and text.strip():
        raise _damaged(source, text, 0)
    return tables


def terms_of(info: str) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """Return the keys and values of a trigger as the kernel prints it; fields have their full names."""
    found: dict[str, tuple[Term, ...]] = {"keys": (), "vals": ()}
    for part in info.split(":"):
        name, _, words = part.partition("=")
        if name in found:
            found[name] = tuple(_canonical(Term.parse(word)) for word in words.split(","))
        if name == "nohitcount" or part.startswith("nohitcount "):
            found["vals"] = tuple(v for v in found["vals"] if v.field != HITCOUNT)
    return found["keys"], found["vals"]


def _canonical(term: Term) -> Term:
    return replace(term, field=ALIASES.get(term.field, term.field))


def _spellings(term: Term) -> str:
    """Return a pattern of a field's names, which may differ between a trigger and its rows."""
    return "(?:" + "|".join(re.escape(n) for n in (term.field, *_OTHERS.get(term.field, ()))) + ")"


def _is_count(value: Term) -> bool:
    """Return whether this value is the hit count, or a percentage or graph of another value."""
    return value.field == HITCOUNT or value.modifier in ("percent", "graph")


class _Rows:
    """A cursor that reads the rows of one histogram."""

    def __init__(
        self, text: str, at: int, keys: tuple[Term, ...], values: tuple[Term, ...], source: str
    ) -> None:
        self.text = text
        self.at = at
        self._keys = keys
        self._values = values
        self._source = source
        self._tails = [self._tail(i) for i in range(len(keys))]

    def read(self) -> list[Row]:
        """Return all rows, and move `at` to the text after them."""
        rows = []
        text = self.text
        if not text.startswith("\nTotals:", self.at):
            self._expect("\n")
        while text.startswith("{ ", self.at):
            self.at += 2
            key = tuple(self._key(i, term) for i, term in enumerate(self._keys))
            tail = self._tails[-1].match(text, self.at) if self._tails else None
            if tail is None:
                raise _damaged(self._source, text, self.at)
            self.at = tail.end()
            rows.append(self._row(key, tail))
            if extra := _EXTRA.match(text, self.at):
                self.at = extra.end()
        if text.startswith("\nSnapshot taken", self.at):
            self.at = self._index("\nTotals:")
        return rows

    def _row(self, key: tuple[Key, ...], tail: re.Match[str]) -> Row:
        count, sums = 0, []
        for i, value in enumerate(self._values):
            if value.field == HITCOUNT and value.modifier in ("", "hex"):
                count = int(tail[f"v{i}"], 16 if value.modifier == "hex" else 10)
            elif not _is_count(value):
                sums.append(int(tail[f"v{i}"], 16 if value.modifier == "hex" else 10))
        return Row(key, count, tuple(sums))

    def _tail(self, i: int) -> re.Pattern[str]:
        """Return a pattern of the text after key number `i`."""
        if i + 1 < len(self._keys):
            return re.compile(rf", {_spellings(self._keys[i + 1])}:")
        pieces = [r" ?\}"]  # a stack has no blank after it
        for n, value in enumerate(self._values):
            gap = " " if n == 0 and value.field == HITCOUNT else "  "
            name = re.escape(value.field)
            match value.modifier:
                case "percent":
                    pieces.append(rf"{gap}{name} \(%\): *[\d.]+")
                case "graph":
                    pieces.append(rf"{gap}{name}: [# ]{{20}}")
                case modifier:
                    digits = "[0-9a-f]" if modifier == "hex" else "[0-9]"
                    pieces.append(rf"{gap}{name}: *(?P<v{n}>{digits}{{1,20}})")
        # Another row, the end of the table, or an extra line of this row follows.
        return re.compile("".join(pieces) + r"\n(?=\{ |\n|\t)")

    def _key(self, i: int, term: Term) -> Key:
        if i == 0:
            self._expect_match(rf"{_spellings(term)}:")
        elif match := self._tails[i - 1].match(self.text, self.at):
            self.at = match.end()
        if self.text.startswith("\n", self.at):
            return self._stack()
        self._expect(" ")
        tail = self._tails[i]
        match term.modifier:
            case "hex":
                return int(self._take(r"([0-9a-f]{1,16})", tail)[0], 16)
            case "sym" | "sym-offset":
                return self._symbol(tail)
            case "execname":
                return self._task(tail)
            case "syscall":
                name, number = self._take(r"(\S+) *\[ *(\d{1,20})\]", tail)
                return Syscall(int(number), name)
            case "log2":
                return log2_range(int(self._take(r"~ 2\^(\d{1,2}) *", tail)[0]))
            case "buckets":
                low, high = self._take(r"~ (\d{1,20})-(\d{1,20})", tail)
                return Range(int(low), int(high))
            case _:
                return self._plain(tail)

    def _plain(self, tail: re.Pattern[str]) -> int | str:
        number = re.compile(r" *(\d{1,20})(?!\d)").match(self.text, self.at)
        if number and tail.match(self.text, number.end()):
            self.at = number.end()
            return int(number[1])
        return self._string(tail, _STRING_WIDTH).rstrip(" ")

    def _string(self, tail: re.Pattern[str], width: int) -> str:
        """Read text padded to `width` bytes; longer text ends where the rest of the row begins."""
        start = self.at
        end = start + _characters(self.text, start, width)
        limit = len(self.text)
        while end < limit:
            if tail.match(self.text, end):
                self.at = end
                return self.text[start:end]
            end += 1
        raise _damaged(self._source, self.text, start)

    def _symbol(self, tail: re.Pattern[str]) -> Symbol:
        address = re.compile(r"\[([0-9a-f]{1,16})\] (?=\S)").match(self.text, self.at)
        # The pattern of a row's end also looks at the start of the next row.
        limit = self.text.find("\n", self.at) + 3
        rest = tail.search(self.text, address.end(), limit) if address and limit > 2 else None
        if address is None or rest is None:
            raise _damaged(self._source, self.text, self.at)
        self.at = rest.start()
        return Symbol(int(address[1], 16), self.text[address.end() : self.at].rstrip(" "))

    def _task(self, tail: re.Pattern[str]) -> Task:
        start = self.at
        end = start + _characters(self.text, start, _EXEC_WIDTH)
        pid = re.compile(r"\[ *(\d{1,20})\]").match(self.text, end)
        if pid is None or not tail.match(self.text, pid.end()):
            raise _damaged(self._source, self.text, start)
        self.at = pid.end()
        return Task(int(pid[1]), self.text[start:end].rstrip(" "))

    def _stack(self) -> Stack:
        frames = []
        self.at += 1
        while self.text.startswith(" " * 9, self.at):
            end = self._index("\n")
            frames.append(self.text[self.at + 9 : end])
            self.at = end + 1
        return tuple(frames)

    def _take(self, pattern: str, tail: re.Pattern[str]) -> tuple[str, ...]:
        match = re.compile(pattern + f"(?={tail.pattern})").match(self.text, self.at)
        if match is None:
            raise _damaged(self._source, self.text, self.at)
        self.at = match.end()
        own = match.groups()[: re.compile(pattern).groups]  # later groups belong to the tail
        return tuple(group or "" for group in own)

    def _index(self, text: str) -> int:
        """Return the offset of the next occurrence of a text."""
        found = self.text.find(text, self.at)
        if found < 0:
            raise _damaged(self._source, self.text, self.at)
        return found

    def _expect_match(self, pattern: str) -> None:
        match = re.compile(pattern).match(self.text, self.at)
        if match is None:
            raise _damaged(self._source, self.text, self.at)
        self.at = match.end()

    def _expect(self, text: str) -> None:
        if not self.text.startswith(text, self.at):
            raise _damaged(self._source, self.text, self.at)
        self.at += len(text)


def log2_range(exponent: int) -> Range:
    """Return the integers that `.log2` counts as `2^exponent`: those above the previous power of two."""
    return Range(0, 1) if exponent == 0 else Range((1 << (exponent - 1)) + 1, 1 << exponent)


def _characters(text: str, start: int, size: int) -> int:
    """Return how many characters from `start` on fit into `size` bytes."""
    end = start
    for character in text[start : start + size]:
        size -= len(character.encode("utf-8", "surrogateescape"))
        if size < 0:
            break
        end += 1
    return end - start


def _damaged(source: str, text: str, at: int) -> Damaged:
    seen = text[at : at + 40]
    offset = len(text[:at].encode("utf-8", "surrogateescape"))
    return Damaged(f"not understood: {seen!r}", source=source, offset=offset)
