"""Shapes: the arguments of a probe event, compiled to parse them from text.

Strings are printed as they are, with any quotes, newlines and `name=` in them. Only the known names and types
show where one ends. So a shape parses from left to right: first with a pattern for strings without quotes or
newlines. If that fails, it tries every quote that could end each string. A string that contains a whole
plausible rest of the line cannot be distinguished from it.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import NamedTuple, TypeAlias

from ktrace.model.fetch_types import PrintAs
from ktrace.model.format import Arg, Signature
from ktrace.tracefs.text_grammar import ARROW, PLACE, STRICT_PLACE, decode

Value: TypeAlias = int | str | list[int | str | None] | None

FAULT = b"(fault)"
SYMBOL = rb"[^ \n,{}]+(?: \[[^\]\n]*\])?"

_VALUES: dict[PrintAs, bytes] = {
    "dec": rb"(-?\d{1,20})",
    "hex": rb"0x([0-9a-f]{1,16})",
    "char": rb"'([\x00-\xff])'",
    "sym": rb"(" + SYMBOL + rb")",
    "str": rb'(?:"([^"\n]*)"|\(fault\))',
}


@dataclass(frozen=True, slots=True)
class Token:
    """One printed value, with the literal text before it: ` name=`, ` name={` or `,`."""

    literal: bytes
    kind: PrintAs


class Found(NamedTuple):
    """The text of a record as parsed by a shape.

    Attributes:
        place: the text in the parentheses.
        values: one for each argument.
        end: offset of the first byte after the last argument.
    """

    place: bytes
    values: tuple[Value, ...]
    end: int


class Shape:
    """A compiled signature.

    Attributes:
        signature: the signature that was compiled.
        tokens: every printed value; each element of an array is a token.
        tail: the literal after the last token.
        place: pattern of the place with its parentheses; the first group is the text in them.

    Args:
        signature: the signature to compile.
        strict: accept only places that nothing but a probe event prints.
    """

    __slots__ = ("_arrays", "_quick", "_readers", "_segments", "place", "signature", "tail", "tokens")

    def __init__(self, signature: Signature, *, strict: bool = False) -> None:
        self.signature = signature
        self.place = STRICT_PLACE if strict else PLACE
        tokens, pending = [], b""
        for arg in signature.args:
            pending += b" " + arg.name.encode() + b"="
            if arg.length is None:
                tokens.append(Token(pending, arg.print_as))
                pending = b""
                continue
            pending += b"{"
            for index in range(arg.length):
                tokens.append(Token(pending + b"," if index else pending, arg.print_as))
                pending = b""
            pending = b"}"
        self.tokens = tuple(tokens)
        self.tail = pending
        self._readers = tuple(_READERS[token.kind] for token in tokens)
        self._arrays = any(arg.length is not None for arg in signature.args)
        quick = b"".join(re.escape(t.literal) + _VALUES[t.kind] for t in tokens) + re.escape(pending)
        self._quick = re.compile(quick)
        # The text between strings is regular: `seg STR seg STR seg`.
        segments = [b""]
        for token in tokens:
            segments[-1] += re.escape(token.literal)
            if token.kind == "str":
                segments.append(b"")
            else:
                segments[-1] += _VALUES[token.kind]
        segments[-1] += re.escape(pending)
        self._segments = tuple(map(re.compile, segments))

    def quick(self, text: bytes, pos: int, end: int) -> Found | None:
        """Parse text[pos:end] if it is a whole record and no string in it has a quote or a newline."""
        place = self._place(text, pos, end)
        if place is None:
            return None
        match = self._quick.fullmatch(text, place.end(), end)
        return None if match is None else Found(place[1], self._typed(match.groups()), end)

    def full(self, text: bytes, pos: int, end: int, *, longest: bool = True) -> Found | None:
        """Parse a record that begins at `pos` and ends before a newline or at `end`.

        If several ends are possible, the last one (`longest`) or the first one is used.
        """
        place = self._place(text, pos, end)
        if place is None:
            return None
        first = self._segments[0].match(text, place.end(), end)
        if first is None:
            return None
        if len(self._segments) == 1:
            done = first.end() == end or text[first.end()] == 10
            return Found(place[1], self._typed(first.groups()), first.end()) if done else None
        return _Search(self, text, place[1], first, end, longest).run()

    def opens_string(self, text: bytes, pos: int, end: int) -> bool:
        """Return whether text[pos:end] begins as a record of this shape and then opens a string."""
        place = self._place(text, pos, end)
        if place is None or len(self._segments) == 1:
            return False
        first = self._segments[0].match(text, place.end(), end)
        return first is not None and b'"' in text[first.end() : end]

    def _place(self, text: bytes, pos: int, end: int) -> re.Match[bytes] | None:
        place = self.place.match(text, pos, end)
        if place is None or (ARROW in place[1]) != self.signature.is_return:
            return None
        return place

    def _typed(self, raw: tuple[bytes | None, ...]) -> tuple[Value, ...]:
        typed = [None if text is None else read(text) for read, text in zip(self._readers, raw, strict=True)]
        if not self._arrays:
            return tuple(typed)
        flat = iter(typed)
        return tuple(
            next(flat) if arg.length is None else list(islice(flat, arg.length))
            for arg in self.signature.args
        )


def _from_hex(text: bytes) -> int:
    return int(text, 16)


_READERS: dict[PrintAs, Callable[[bytes], int | str]] = {
    "dec": int,
    "hex": _from_hex,
    "char": decode,
    "sym": decode,
    "str": decode,
}


class _Search:
    """All ways to end the strings of one record, from the last string to the first.

    For each string and each quote in the text, it stores how far the record reaches if that quote ends that
    string. The cost is one look at every quote for each string, even for hostile text.
    """

    def __init__(
        self, shape: Shape, text: bytes, place: bytes, first: re.Match[bytes], end: int, longest: bool
    ) -> None:
        self.shape, self.text, self.place, self.first, self.end = shape, text, place, first, end
        self.segments = shape._segments
        self.better = max if longest else min
        start = first.end()
        self.quotes = [m.start() for m in re.compile(b'"').finditer(text, start, end)]
        self.reach: list[list[int | None]] = []
        self.best: list[list[int | None]] = []

    def run(self) -> Found | None:
        count = len(self.segments) - 1
        self.reach, self.best = [[] for _ in range(count)], [[] for _ in range(count)]
        for i in reversed(range(count)):
            reach = self.reach[i] = [self._after(i, quote + 1) for quote in self.quotes]
            best = self.best[i] = [*reach, None]
            for j in reversed(range(len(reach))):
                best[j] = self._better(best[j + 1], reach[j])
        goal = self._start(0, self.first.end())
        return None if goal is None else self._spell(goal)

    def _better(self, a: int | None, b: int | None) -> int | None:
        return b if a is None else a if b is None else self.better(a, b)

    def _after(self, i: int, pos: int) -> int | None:
        """Return the end of the record if string `i` and its quote end before `pos`."""
        match = self.segments[i + 1].match(self.text, pos, self.end)
        if match is None:
            return None
        if i + 2 < len(self.segments):
            return self._start(i + 1, match.end())
        return match.end() if match.end() == self.end or self.text[match.end()] == 10 else None

    def _start(self, i: int, pos: int) -> int | None:
        """Return the end of the record if string `i` begins at `pos`."""
        if self.text.startswith(b'"', pos, self.end):
            return self.best[i][bisect_right(self.quotes, pos)]
        return self._after(i, pos + len(FAULT)) if self.text.startswith(FAULT, pos, self.end) else None

    def _spell(self, goal: int) -> Found:
        """Return the values on the way to `goal`, with the shortest possible strings."""
        raw: list[bytes | None] = list(self.first.groups())
        pos = self.first.end()
        for i, segment in enumerate(self.segments[1:]):
            if self.text.startswith(b'"', pos, self.end):
                j = self.reach[i].index(goal, bisect_right(self.quotes, pos))
                raw.append(self.text[pos + 1 : self.quotes[j]])
                pos = self.quotes[j] + 1
            else:
                raw.append(None)
                pos += len(FAULT)
            match = segment.match(self.text, pos, self.end)
            assert match is not None  # else it would not have reached the goal
            raw.extend(match.groups())
            pos = match.end()
        return Found(self.place, self.shape._typed(tuple(raw)), goal)


_NAME = re.compile(rb" ([A-Za-z_]\w*)=")
_SYM = rb"[^ \n,{}\"+]+\+0x[0-9a-f]+/0x[0-9a-f]+(?: \[[^\]\n]*\])?"
_SCALARS: tuple[tuple[PrintAs, bytes], ...] = (
    ("dec", rb"-?\d{1,20}"),
    ("hex", rb"0x[0-9a-f]{1,16}"),
    ("char", rb"'[\x00-\xff]'"),
    ("sym", rb"(?:" + _SYM + rb"|0x[0-9a-f]{1,16})"),
    ("str", rb'(?:"[^"\n]*"|\(fault\))'),
)
_ONE = tuple((kind, re.compile(rb"(?:" + p + rb")(?= |\n|\Z)")) for kind, p in _SCALARS)
_MANY = tuple((kind, re.compile(rb"\{" + p + rb"(?:," + p + rb")*\}(?= |\n|\Z)")) for kind, p in _SCALARS)
_ELEMENTS = {kind: re.compile(p) for kind, p in _SCALARS}
_QUOTES_MAX = 1000


def learn(event: str, text: bytes, pos: int, end: int) -> Signature | None:
    """Learn the arguments from text[pos:end]: their names, and their types from the form of the values.

    Every quote that could end a string ends it. Returns None if this is not the text of a probe event.
    """
    place = STRICT_PLACE.match(text, pos, end)
    if place is None or text.count(b'"', pos, end) > _QUOTES_MAX:
        return None
    failed: set[int] = set()

    def rest(at: int) -> list[Arg] | None:
        if at == end:
            return []
        name = _NAME.match(text, at, end)
        if name is None or at in failed:
            return None
        for kind, length, after in _readings(text, name.end(), end):
            more = rest(after)
            if more is not None:
                return [Arg(decode(name[1]), kind, length), *more]
        failed.add(at)
        return None

    args = rest(place.end())
    if args is None or len({arg.name for arg in args}) < len(args):
        return None
    return Signature(event, tuple(args), is_return=ARROW in place[0])


def _readings(text: bytes, pos: int, end: int) -> Iterator[tuple[PrintAs, int | None, int]]:
    """Yield type, length and end of each possible value at `pos`."""
    if text.startswith(b'"', pos, end):
        quote = text.find(b'"', pos + 1, end)
        while quote >= 0:
            if quote + 1 == end or _NAME.match(text, quote + 1, end):
                yield "str", None, quote + 1
            quote = text.find(b'"', quote + 1, end)
        return
    many = text.startswith(b"{", pos, end)
    for kind, pattern in _MANY if many else _ONE:
        match = pattern.match(text, pos, end)
        if match:
            length = len(_ELEMENTS[kind].findall(text, pos + 1, match.end() - 1)) if many else None
            yield kind, length, match.end()
            return


def join(a: Signature, b: Signature) -> Signature | None:
    """Join two learned signatures into one; None if their arguments differ.

    An address without a symbol looks like a hexadecimal number.
    """
    if a.is_return != b.is_return or len(a.args) != len(b.args):
        return None
    args = []
    for x, y in zip(a.args, b.args, strict=True):
        if (x.name, x.length) != (y.name, y.length):
            return None
        if x.print_as != y.print_as and {x.print_as, y.print_as} != {"hex", "sym"}:
            return None
        args.append(x if x.print_as == "sym" else y)
    return replace(a, args=tuple(args))
