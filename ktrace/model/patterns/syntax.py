"""The grammar of POSIX extended regular expressions: a text becomes a tree.

See regex(7). Of what POSIX leaves open, `\\d`, `\\w`, `\\s` and their capital letters are classes, `\\n`,
`\\t`, `\\r`, `\\f` and `\\v` characters, and a `{` that begins no bound is itself. Back references are not
regular and are refused.
"""

import re
from typing import TypeAlias

from ktrace.records import dataclass

_DEEPEST = 100  # parentheses within one another
_MOST_GROUPS = 99
_MOST_REPEATS = 255  # POSIX: RE_DUP_MAX

Ranges: TypeAlias = tuple[tuple[int, int], ...]


class PatternError(ValueError):
    """A pattern that cannot be parsed.

    Args:
        message: what is wrong.
        at: the place in the pattern.
    """

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class One:
    """One character within these ranges of code points, or without."""

    ranges: Ranges
    negated: bool = False

    def __contains__(self, code: int) -> bool:
        return any(low <= code <= high for low, high in self.ranges) != self.negated


@dataclass(frozen=True, slots=True)
class Edge:
    """The start (`^`) or the end (`$`) of the text."""

    at_end: bool


@dataclass(frozen=True, slots=True)
class Group:
    """A numbered group."""

    number: int
    body: "Node"


@dataclass(frozen=True, slots=True)
class Repeat:
    """`body`, at least `low` times and at most `high`; None for any number."""

    body: "Node"
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """One part after the other."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of these, the first if several fit."""

    choices: tuple["Node", ...]


Node: TypeAlias = One | Edge | Group | Repeat | Row | Either

_CLASSES: dict[str, Ranges] = {
    name: tuple((ord(text[i]), ord(text[i + 1])) for i in range(0, len(text), 2))
    for name, text in {
        "alpha": "AZaz",
        "digit": "09",
        "alnum": "09AZaz",
        "upper": "AZ",
        "lower": "az",
        "space": "\t\r  ",
        "blank": "\t\t  ",
        "xdigit": "09AFaf",
        "punct": "!/:@[`{~",
        "print": " ~",
        "graph": "!~",
        "cntrl": "\0\x1f\x7f\x7f",
    }.items()
}
_ESCAPED_CLASSES = {"d": _CLASSES["digit"], "s": _CLASSES["space"], "w": (*_CLASSES["alnum"], (95, 95))}
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}
_BOUND = re.compile(r"\{(\d*)(,?)(\d*)\}", re.ASCII)


def parse(pattern: str) -> tuple[Node, int]:
    """Return the tree of a pattern, and its number of groups.

    Raises:
        PatternError: it is not understood.
    """
    parser = _Parser(pattern)
    tree = parser.either()
    if parser.at < len(pattern):
        raise PatternError("a ) without its (", parser.at)
    return tree, parser.groups


class _Parser:
    """Recursive descent, with a limit to its depth."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.groups = 0
        self._depth = 0

    def either(self) -> Node:
        choices = [self._row()]
        while self._take("|"):
            choices.append(self._row())
        return choices[0] if len(choices) == 1 else Either(tuple(choices))

    def _row(self) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self._repeated(self._one()))
        return parts[0] if len(parts) == 1 else Row(tuple(parts))

    def _repeated(self, node: Node) -> Node:
        """Parse a part and its repetition. A second `*` changes nothing."""
        while (bounds := self._bounds()) is not None:
            low, high = bounds
            if isinstance(node, Repeat) and node.high is None and node.low <= 1 and high is None and low <= 1:
                node = Repeat(node.body, min(low, node.low), None)
            else:
                self._depth += 1
                if self._depth > _DEEPEST:
                    raise PatternError("too many repetitions of repetitions", self.at)
                node = Repeat(node, low, high)
        return node

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, bounds in (("*", (0, None)), ("+", (1, None)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        start = self.at
        match = _BOUND.match(self.text, self.at)
        if match is None or not (match[1] or match[3]) or max(len(match[1]), len(match[3])) > 9:
            if match is not None and (match[1] or match[3]):
                raise PatternError(f"repeated more than {_MOST_REPEATS} times", start)
            return None
        self.at = match.end()
        low = int(match[1] or 0)
        high = (int(match[3]) if match[3] else None) if match[2] else low
        if max(low, high or 0) > _MOST_REPEATS:
            raise PatternError(f"repeated more than {_MOST_REPEATS} times", start)
        if high is not None and high < low:
            raise PatternError("at least more times than at most", start)
        return low, high

    def _one(self) -> Node:
        start = self.at
        ch = self.text[start]
        self.at += 1
        match ch:
            case "(":
                return self._group(start)
            case "[":
                return self._bracket(start)
            case ".":
                return One((), negated=True)
            case "^" | "$":
                return Edge(at_end=ch == "$")
            case "\\":
                return self._escape(start)
            case "*" | "+" | "?" if start == 0 or self.text[start - 1] != "(":
                raise PatternError("nothing to repeat", start)
        return One(((ord(ch), ord(ch)),))

    def _group(self, start: int) -> Node:
        self._depth += 1
        self.groups += 1
        if self._depth > _DEEPEST or self.groups > _MOST_GROUPS:
            raise PatternError("too many parentheses", start)
        number = self.groups
        body = self.either()
        if not self._take(")"):
            raise PatternError("this ( is not closed", start)
        self._depth -= 1
        return Group(number, body)

    def _escape(self, start: int) -> Node:
        if self.at >= len(self.text):
            raise PatternError("nothing after this backslash", start)
        ch = self.text[self.at]
        self.at += 1
        if ch.lower() in _ESCAPED_CLASSES:
            return One(_ESCAPED_CLASSES[ch.lower()], negated=ch.isupper())
        if ch in _ESCAPED:
            ch = _ESCAPED[ch]
        elif ch.isascii() and ch.isalnum():
            raise PatternError(f"there is no \\{ch}", start)
        return One(((ord(ch), ord(ch)),))

    def _bracket(self, start: int) -> Node:
        """Parse `[...]`: within it a backslash means itself, and so does a `]` that comes first."""
        negated = self._take("^")
        ranges: list[tuple[int, int]] = []
        first = self.at
        while True:
            if self.at >= len(self.text):
                raise PatternError("this [ is not closed", start)
            if self.text[self.at] == "]" and self.at > first:
                self.at += 1
                return One(tuple(ranges), negated)
            named = self._class()
            if named is not None:
                ranges += named
                continue
            low = high = self.text[self.at]
            self.at += 1
            sign, last = self.text[self.at : self.at + 1], self.text[self.at + 1 : self.at + 2]
            if sign == "-" and last not in ("]", ""):
                high = last
                self.at += 2
            if high < low:
                raise PatternError(f"{low}-{high} holds nothing", self.at - 3)
            ranges.append((ord(low), ord(high)))

    def _class(self) -> Ranges | None:
        if not self.text.startswith("[:", self.at):
            return None
        end = self.text.find(":]", self.at)
        name = self.text[self.at + 2 : end] if end >= 0 else ""
        if name not in _CLASSES:
            raise PatternError(f"there is no class [:{name}:]", self.at)
        self.at = end + 2
        return _CLASSES[name]

    def _take(self, sign: str) -> bool:
        if not self.text.startswith(sign, self.at):
            return False
        self.at += len(sign)
        return True
